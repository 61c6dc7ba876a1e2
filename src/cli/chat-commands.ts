/** What a line that begins with a slash does in `kith chat`. */

import type { KithClient } from '../local/people-client.ts';
import type { MessageView, SendOptions } from '../node/people-face.ts';
import { KithError } from '../safety/errors.ts';
import { durationArgument, messageArgument } from './arguments.ts';
import { attachmentOf, saveAttachment } from './attachments.ts';
import type { Output } from './output.ts';
import { nothingToPutThere } from './messages.ts';
import { counted, oneLine } from './output.ts';
import { friendText, stateText, timerSentence, whenText } from './people-text.ts';

/** What a command may do. */
export interface ChatHands {
  readonly people: KithClient;
  readonly who: string;
  readonly output: Output;
  readonly say: (sentence: string) => void;
  readonly show: (message: MessageView) => Promise<void>;
  readonly send: (options: SendOptions) => Promise<void>;
  /** The page before everything that was shown. */
  readonly older: () => Promise<void>;
  /** The newest message of one's own that was shown. */
  readonly lastMine: () => string;
  readonly quit: () => void;
}

interface ChatCommand {
  readonly usage: string;
  readonly does: string;
  readonly run: (hands: ChatHands, argument: string) => Promise<void> | void;
}

const COMMANDS: { readonly [name: string]: ChatCommand } = {
  help: {
    usage: '/help',
    does: 'this list; a line that begins with // is sent with one of them',
    run: ({ say }) => {
      const width = Math.max(...Object.values(COMMANDS).map(({ usage }) => usage.length));
      say(
        Object.values(COMMANDS)
          .map(({ usage, does }) => `${usage.padEnd(width)}  ${does}`)
          .join('\n'),
      );
    },
  },
  who: {
    usage: '/who',
    does: 'whom you talk to',
    run: async ({ people, who, output, say }) => {
      if (who === 'me') return say('Yourself: these notes leave this computer only in a backup.');
      const { profile, ...friend } = await people.friend(who);
      const shown = profile && { ...profile, hasPicture: profile.picture !== null };
      say(friendText({ ...friend, profile: shown }, output));
    },
  },
  more: { usage: '/more', does: 'older messages', run: ({ older }) => older() },
  reply: {
    usage: '/reply N TEXT',
    does: 'answer message N',
    run: async ({ send }, argument) => {
      const [ref, text] = named(argument);
      await send({ text, replyTo: ref });
    },
  },
  edit: {
    usage: '/edit [#N] TEXT',
    does: 'change message N, or your last one',
    run: async ({ people, lastMine }, argument) => {
      // a number without # is how a text may begin
      const [, ref, text = ''] = /^(?:#(\d+)(?:\s+|$))?([\s\S]*)$/.exec(argument) ?? [];
      if (text === '') throw nothingToPutThere();
      await people.edit(ref ?? lastMine(), text);
    },
  },
  delete: {
    usage: '/delete [N]',
    does: 'take message N back, or your last one; of theirs only here',
    run: async ({ people, lastMine, say }, argument) => {
      const { id, mine } = await people.message(argument === '' ? lastMine() : messageArgument(argument));
      await people.deleteMessage(id, { onlyHere: !mine });
      if (!mine) say('Deleted here; they still have it.');
    },
  },
  react: {
    usage: '/react N EMOJI',
    does: 'react to message N; without emoji take it back',
    run: async ({ people }, argument) => {
      const [ref = '', emoji = ''] = argument.split(/\s+/);
      await people.react(messageArgument(ref), emoji);
    },
  },
  file: {
    usage: '/file PATH',
    does: 'send a file of up to 200 KB',
    run: async ({ send }, path) => send({ attachment: await attachmentOf(path) }),
  },
  save: {
    usage: '/save N [PATH]',
    does: 'write the file of message N here, or to PATH',
    run: async ({ people, output, say }, argument) => {
      const [, ref = '', path] = /^(\S+)(?:\s+(.+))?$/.exec(argument) ?? [];
      const saved = await saveAttachment(await people.attachment(messageArgument(ref)), path, output);
      if (saved !== null) say(`Saved ${saved.path}.`);
    },
  },
  search: {
    usage: '/search TEXT',
    does: 'look for a text in this conversation',
    run: async ({ people, who, say, show }, query) => {
      const { messages } = await people.search(query, { who, limit: 20 });
      for (const message of messages) await show(message);
      say(`${counted(messages.length, 'message')} found.`);
    },
  },
  why: {
    usage: '/why [N]',
    does: 'where message N is, or your last one',
    run: async ({ people, lastMine, say }, argument) => {
      const found = await people.why(argument === '' ? lastMine() : messageArgument(argument));
      const steps = found.steps.map(
        ({ at, what }) => `${at === null ? 'now' : whenText(at)}  ${oneLine(what)}`,
      );
      say([`#${found.message.seq} ${stateText(found.message)}`, ...steps, oneLine(found.hint)].join('\n'));
    },
  },
  timer: {
    usage: '/timer 1d|off',
    does: 'let new messages disappear',
    run: async ({ people, who, say }, argument) => {
      const seconds = durationArgument(argument);
      await people.setTimer(who, seconds);
      say(timerSentence(who, seconds));
    },
  },
  quit: { usage: '/quit', does: 'leave (or Ctrl-D)', run: ({ quit }) => quit() },
};

/** Does what `line` says, which begins with a slash. Throws a KithError that a person can use. */
export async function runCommand(hands: ChatHands, line: string): Promise<void> {
  const [, name = '', argument = ''] = /^\/(\S*)\s*([\s\S]*?)\s*$/.exec(line) ?? [];
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    throw new KithError('COMMAND_UNKNOWN', 'there is no such command', {
      hint: '/help shows all; to send a line that begins with a slash, begin it with two.',
    });
  }
  await command.run(hands, argument);
}

/** `12 text` as a message and what follows. */
function named(argument: string): [ref: string, rest: string] {
  const [, ref = '', rest = ''] = /^(\S*)\s*([\s\S]*)$/.exec(argument) ?? [];
  return [messageArgument(ref), rest];
}
