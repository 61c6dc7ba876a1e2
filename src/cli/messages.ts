/** `kith send|history|search|notes` and what is done to one message. `chat.ts` is the comfortable way. */

import type { KithClient } from '../local/people-client.ts';
import type { MessageView } from '../node/people-face.ts';
import { KithError } from '../safety/errors.ts';
import { durationArgument, messageArgument, numberArgument, placeArgument } from './arguments.ts';
import { attachmentOf, saveAttachment } from './attachments.ts';
import type { Context } from './context.ts';
import { contentOf, textOf } from './content.ts';
import { stoppedEarly, withPeople } from './node-client.ts';
import { counted, fieldsOf, oneLine } from './output.ts';
import { Conversation, messageText, Replies, stateText, timerSentence, whenText } from './people-text.ts';

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
  const { host, output } = context;
  const replyTo = reply === undefined ? {} : { replyTo: messageArgument(reply) };
  const attachment = file === undefined ? {} : { attachment: await attachmentOf(file) };
  const caption = file !== undefined && text === undefined;
  const words = caption ? {} : { text: await textOf(contentOf(text, context, nothingToSend)) };
  let saved: MessageView | undefined;
  const deliver = async (people: KithClient): Promise<void> => {
    const events = people.events();
    let message = await people.send(who, { ...words, ...replyTo, ...attachment });
    saved = message;
    if (wait && who !== 'me') {
      output.progress(
        'saved',
        { id: message.id, seq: message.seq },
        `Saved as #${message.seq}. Waiting for them…`,
      );
      message = await whenOver(people, message, events);
    }
    const notes = who === 'me' ? `Noted as #${message.seq}.` : undefined;
    const sentence = wait
      ? `#${message.seq} ${stateText(message)}.`
      : `Saved as #${message.seq}; where it is: kith why ${message.seq}`;
    output.result('message', fieldsOf(message), notes ?? sentence);
    if (message.state === 'failed') host.exitCode = 1;
  };
  await withPeople(context, deliver, () => (saved === undefined ? stoppedEarly() : stoppedWaiting(saved)));
}

/** Ended by the person after the node had it: to send it again would send it twice. */
function stoppedWaiting({ id, seq }: MessageView): KithError {
  return new KithError('STOPPED_WAITING', `stopped waiting; it is saved as #${seq}`, {
    hint: `It goes out by itself: kith why ${seq}`,
    data: { id, seq },
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

export interface RangeOptions {
  readonly limit?: string;
  readonly before?: string;
}

export interface HistoryCommandOptions extends RangeOptions {
  /** Mark what is shown as read, which they are told. */
  readonly read?: boolean;
}

export async function history(
  context: Context,
  who: string,
  { read = false, ...options }: HistoryCommandOptions,
): Promise<void> {
  const { output } = context;
  const range = rangeOf(options);
  await withPeople(context, async (people) => {
    const { name, unread } = who === 'me' ? { name: 'me', unread: 0 } : await people.friend(who);
    const { messages, next } = await people.history(who, range);
    const conversation = new Conversation(output, new Replies(people));
    await conversation.learn(messages);
    for (const message of messages)
      output.event('message', fieldsOf(message), conversation.text(message, name));
    const newest = messages.findLast(({ mine }) => !mine);
    if (read && newest !== undefined && who !== 'me') await people.markRead(who, newest.id);
    const older = next === null ? '' : ` Older ones: kith history ${oneLine(who)} --before ${next}`;
    const told = read || unread === 0 ? '' : ` ${unread} unread: --read marks what it shows as read.`;
    output.result(
      'history',
      { messages: messages.length, next },
      messages.length === 0 ? 'No messages.' : `${counted(messages.length, 'message')}.${older}${told}`,
    );
  });
}

export async function search(
  context: Context,
  query: string,
  { with: who, ...options }: RangeOptions & { readonly with?: string },
): Promise<void> {
  const { output } = context;
  const range = rangeOf(options);
  await withPeople(context, async (people) => {
    const names = new Map((await people.friends()).map(({ id, name }) => [id, name]));
    names.set((await people.identity()).id, 'me');
    const { messages, next } = await people.search(query, {
      ...range,
      ...(who === undefined ? {} : { who }),
    });
    const replies = new Replies(people);
    await replies.learn(messages);
    for (const message of messages) {
      const contact = names.get(message.contact) ?? message.contact.slice(0, 8); // removed, and the history kept
      const line = messageText(message, contact, output, replies);
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

function rangeOf({ limit = PAGE, before }: RangeOptions) {
  return {
    limit: numberArgument(limit, 'number of messages', PAGE_MAX),
    ...(before === undefined ? {} : { before: placeArgument(before) }),
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

/** The new text as an argument, which others on the machine can read, or from a pipe or a person (`-`). */
export async function edit(context: Context, given: string, text: string | undefined): Promise<void> {
  const ref = messageArgument(given);
  const words = await textOf(contentOf(text, context, nothingToPutThere));
  if (words.trim() === '') throw nothingToPutThere();
  await withMessage(context, 'edited', ref, (people, message) => people.edit(message, words));
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
    const replies = new Replies(people);
    await replies.learn([message]);
    const name = message.contact === (await people.identity()).id ? 'me' : 'them';
    output.result(result, fieldsOf(message), messageText(message, name, output, replies));
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
    output.result('timer', { seconds }, timerSentence(who, seconds));
  });
}

/** An attachment's text would be erased by it. */
export function nothingToPutThere(): KithError {
  return new KithError('NOTHING_TO_SEND', 'there is no text to put there', {
    hint: 'Give the new text, pipe it in, or use - to type until Ctrl-D; kith delete takes a message back.',
  });
}

function nothingToSend(): KithError {
  return new KithError('NOTHING_TO_SEND', 'there is nothing to send', {
    hint: 'Give a text, a file (--file), pipe a text in, or use - to type until Ctrl-D.',
  });
}
