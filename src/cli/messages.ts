/** `kith send|history|search|notes` and what is done to one message. `chat.ts` is the comfortable way. */

import type { KithClient } from '../local/people-client.ts';
import type { MessageView } from '../node/people-face.ts';
import { KithError } from '../safety/errors.ts';
import { durationArgument, messageArgument, numberArgument } from './arguments.ts';
import { attachmentOf, saveAttachment } from './attachments.ts';
import type { Context } from './context.ts';
import { contentOf, textOf } from './content.ts';
import { withPeople } from './node-client.ts';
import { counted, fieldsOf, oneLine } from './output.ts';
import { Conversation, messageText, stateText, timerText, whenText } from './people-text.ts';

/** Messages a page of `kith history` has at most. */
const PAGE_MAX = 200;

/** Messages of `kith history` and `kith search` unless told otherwise: what a terminal shows. */
const PAGE = '20';

export interface SendCommandOptions {
  readonly file?: string;
  readonly reply?: string;
  /** Wait until it is on the other side's disk. */
  readonly wait?: boolean;
}

export async function send(
  context: Context,
  who: string,
  text: string | undefined,
  { file, reply, wait = false }: SendCommandOptions,
): Promise<void> {
  const { output, signal } = context;
  const replyTo = reply === undefined ? {} : { replyTo: messageArgument(reply) };
  const attachment = file === undefined ? {} : { attachment: await attachmentOf(file) };
  const caption = file !== undefined && text === undefined;
  const words = caption ? {} : { text: await textOf(contentOf(text, signal, nothingToSend)) };
  await withPeople(context, async (people) => {
    const events = people.events();
    let message = await people.send(who, { ...words, ...replyTo, ...attachment });
    if (wait) {
      output.progress(
        'saved',
        { id: message.id, seq: message.seq },
        `Saved as #${message.seq}. Waiting for them…`,
      );
      message = await whenOver(people, message, events);
    }
    const sentence = wait
      ? `#${message.seq} ${stateText(message)}.`
      : `Saved as #${message.seq}; where it is: kith why ${message.seq}`;
    output.result('message', fieldsOf(message), sentence);
    if (message.state === 'failed') process.exitCode = 1;
  });
}

/** The message as soon as it is delivered, or never will be. */
async function whenOver(
  people: KithClient,
  sent: MessageView,
  events: ReturnType<KithClient['events']>,
): Promise<MessageView> {
  const over = ({ state }: MessageView) => !['saved', 'sent'].includes(state);
  const now = await people.message(sent.id);
  if (over(now)) return now;
  for await (const event of events) {
    if (event.kind === 'message-removed' && event.id === sent.id) return sent; // disappeared, or was deleted
    if (event.kind !== 'message-changed' || event.message.id !== sent.id) continue;
    if (over(event.message)) return event.message;
  }
  return sent;
}

export interface HistoryCommandOptions {
  readonly limit?: string;
  readonly before?: string;
}

export async function history(context: Context, who: string, options: HistoryCommandOptions): Promise<void> {
  const { output } = context;
  const range = rangeOf(options);
  await withPeople(context, async (people) => {
    const name = who === 'me' ? 'me' : (await people.friend(who)).name;
    const { messages, next } = await people.history(who, range);
    const conversation = new Conversation(output);
    for (const message of messages)
      output.event('message', fieldsOf(message), conversation.text(message, name));
    const older = next === null ? '' : ` Older ones: kith history ${oneLine(who)} --before ${next}`;
    output.result(
      'history',
      { messages: messages.length, next },
      messages.length === 0 ? 'No messages.' : `${counted(messages.length, 'message')}.${older}`,
    );
  });
}

export async function search(
  context: Context,
  query: string,
  { with: who, ...options }: HistoryCommandOptions & { readonly with?: string },
): Promise<void> {
  const { output } = context;
  const range = rangeOf(options);
  await withPeople(context, async (people) => {
    const names = new Map((await people.friends()).map(({ id, name }) => [id, name]));
    const { messages, next } = await people.search(query, {
      ...range,
      ...(who === undefined ? {} : { who }),
    });
    for (const message of messages) {
      const contact = names.get(message.contact) ?? 'me';
      const line = messageText(message, contact, output);
      output.event(
        'message',
        fieldsOf(message),
        `${whenText(message.at)} with ${oneLine(contact)}\n  ${line}`,
      );
    }
    const older = next === null ? '' : ` Older ones: add --before ${next}`;
    output.result(
      'search',
      { messages: messages.length, next },
      `${counted(messages.length, 'message')}.${older}`,
    );
  });
}

function rangeOf({ limit = PAGE, before }: HistoryCommandOptions) {
  return {
    limit: numberArgument(limit, 'number of messages', PAGE_MAX),
    ...(before === undefined
      ? {}
      : { before: numberArgument(before.replace(/^#/, ''), 'place', Number.MAX_SAFE_INTEGER) }),
  };
}

export async function why(context: Context, given: string): Promise<void> {
  const { output } = context;
  const ref = messageArgument(given);
  await withPeople(context, async (people) => {
    const { message, steps, hint } = await people.why(ref);
    const lines = steps.map(
      ({ at, what }) => `${at === null ? 'now'.padEnd(16) : whenText(at)}  ${oneLine(what)}`,
    );
    output.result(
      'why',
      { id: message.id, seq: message.seq, state: message.state, cause: message.cause, steps, hint },
      [`#${message.seq} ${stateText(message)}`, ...lines, ...(hint === '' ? [] : [oneLine(hint)])].join('\n'),
    );
  });
}

export async function edit(context: Context, given: string, text: string): Promise<void> {
  await withMessage(context, 'edited', given, (people, ref) => people.edit(ref, text));
}

export async function react(context: Context, given: string, emoji: string): Promise<void> {
  await withMessage(context, 'reacted', given, (people, ref) => people.react(ref, emoji));
}

async function withMessage(
  context: Context,
  result: string,
  given: string,
  call: (people: KithClient, ref: string) => Promise<MessageView>,
): Promise<void> {
  const { output } = context;
  const ref = messageArgument(given);
  await withPeople(context, async (people) => {
    const message = await call(people, ref);
    output.result(result, fieldsOf(message), messageText(message, 'them', output));
  });
}

export async function deleteMessage(context: Context, given: string, { here = false }): Promise<void> {
  const { output } = context;
  const ref = messageArgument(given);
  await withPeople(context, async (people) => {
    const { id, seq, mine } = await people.message(ref);
    await people.deleteMessage(id, { onlyHere: here || !mine }); // others' messages are others' to delete
    const where = here || !mine ? 'here' : 'here, and there as soon as they hear of it';
    output.result('deleted', { id, seq, onlyHere: here || !mine }, `#${seq} is deleted ${where}.`);
  });
}

export async function save(context: Context, given: string, path: string | undefined): Promise<void> {
  const { output } = context;
  const ref = messageArgument(given);
  await withPeople(context, async (people) => {
    const file = await people.attachment(ref);
    const saved = await saveAttachment(file, path, output);
    if (saved !== null) output.result('saved', { ...saved, type: file.type }, `Saved ${saved.path}.`);
  });
}

export async function timer(context: Context, who: string, given: string): Promise<void> {
  const { output } = context;
  const seconds = durationArgument(given);
  await withPeople(context, async (people) => {
    await people.setTimer(who, seconds);
    const sentence =
      seconds === 0
        ? 'New messages stay.'
        : `New messages disappear ${timerText(seconds)} after they were read, on both sides.`;
    output.result('timer', { seconds }, sentence);
  });
}

function nothingToSend(): KithError {
  return new KithError('NOTHING_TO_SEND', 'there is nothing to send', {
    hint: 'Give a text, a file (--file), pipe a text in, or use - to type until Ctrl-D.',
  });
}
