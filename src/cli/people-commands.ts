/** The commands about people: their names, arguments and help, in the order in which one meets them. */

import { Command } from 'commander';
import type { Run } from './context.ts';
import {
  accept,
  add,
  type AddOptions,
  block,
  deny,
  friends,
  remove,
  rename,
  requests,
  unblock,
} from './friends.ts';
import { exportHistory, importHistory } from './history-files.ts';
import { homeRotate, id, profile, type ProfileOptions, type QrOption, setPresence } from './identity.ts';
import { closeInvite, invite, type InviteCommandOptions, invites } from './invites.ts';
import {
  deleteMessage,
  edit,
  history,
  type HistoryCommandOptions,
  type RangeOptions,
  react,
  save,
  search,
  send,
  type SendCommandOptions,
  timer,
  why,
} from './messages.ts';
import { makeVerify } from './verify.ts';

const WHO = 'name, profile id, or the first 8 characters of it';
const MESSAGE = 'its number in the history, or its id';

export function addPeopleCommands(kith: Command, run: Run): void {
  kith.commandsGroup('You:');
  addIdentity(kith, run);
  kith.commandsGroup('Friends:');
  addFriends(kith, run);
  kith.commandsGroup('Messages:');
  addMessages(kith, run);
  addHistory(kith, run);
}

function addIdentity(kith: Command, run: Run): void {
  kith
    .command('id')
    .description('who you are: profile id and words')
    .option('--qr', 'show it as a QR code too')
    .action(run((made, options: QrOption) => id(made, options)));
  kith
    .command('profile')
    .description('what friends see of you; options change it')
    .option('--name <name>', 'your name')
    .option('--status <text>', 'a line about you')
    .option(
      '--picture <file>',
      'PNG, JPEG or WebP, at most 65,535 bytes and 1024 pixels a side; none removes it',
    )
    .action(run((made, options: ProfileOptions) => profile(made, options)));
  for (const presence of ['away', 'online'] as const) {
    kith
      .command(presence)
      .description(`tell friends that you are ${presence}`)
      .action(run((made) => setPresence(made, presence)));
  }
  kith
    .command('home')
    .description('the address friends reach you at')
    .command('rotate')
    .description('move to a new one, which friends alone are told')
    .action(run((made) => homeRotate(made)));
}

function addFriends(kith: Command, run: Run): void {
  kith
    .command('invite')
    .description('make a line that lets somebody ask to be your friend')
    .option('--public', 'anybody may use it, any number of times')
    .option('--hours <hours>', 'how long it lasts (default: 168, at most 720; public: 8760)')
    .option('--note <text>', 'for your own memory: whom it is for')
    .option('--qr', 'show it as a QR code too')
    .option('--no-wait', 'do not wait until it can be used')
    .action(run((made, options: InviteCommandOptions) => invite(made, options)));
  const open = kith
    .command('invites')
    .description('those that are open')
    .action(run((made) => invites(made)));
  open
    .command('close')
    .description('end one')
    .argument('<id>', 'what kith invites shows before it')
    .action(run((made, id: string) => closeInvite(made, id)));
  kith
    .command('add')
    .description('ask somebody to be your friend')
    .argument('[invite]', 'kith:…; without it you are asked, - or a pipe is read')
    .option('--name <name>', 'what you call them')
    .option('--note <text>', 'what you write to them with it')
    .action(run((made, uri: string | undefined, options: AddOptions) => add(made, uri, options)));
  kith
    .command('requests')
    .description('who asks to be your friend')
    .action(run((made) => requests(made)));
  kith
    .command('accept')
    .description('be friends with somebody who asks')
    .argument('<who>', WHO)
    .option('--name <name>', 'what you call them')
    .action(run((made, who: string, options: { name?: string }) => accept(made, who, options)));
  for (const [name, does, action] of [
    ['deny', 'refuse somebody who asks; they hear nothing of it', deny],
    ['block', 'read nothing from somebody any more', block],
    ['unblock', 'let somebody ask again', unblock],
  ] as const) {
    kith
      .command(name)
      .description(does)
      .argument('<who>', WHO)
      .action(run((made, who: string) => action(made, who)));
  }
  kith
    .command('friends')
    .description('your friends, or everything about one')
    .argument('[who]', WHO)
    .action(run((made, who: string | undefined) => friends(made, who)));
  kith
    .command('remove')
    .description('end a friendship, or take a request back')
    .argument('<who>', WHO)
    .option('--history', 'delete the history too')
    .action(run((made, who: string, options: { history?: boolean }) => remove(made, who, options)));
  kith
    .command('rename')
    .description('call somebody something else, here alone')
    .argument('<who>', WHO)
    .argument('<name>', 'the new name')
    .action(run((made, who: string, name: string) => rename(made, who, name)));
  makeVerify(kith.command('verify').argument('<who>', WHO), run);
}

function addMessages(kith: Command, run: Run): void {
  kith
    .command('chat')
    .description('talk with somebody, line by line')
    .argument('<who>', `${WHO}; me for notes`)
    .action(
      // alone in needing a terminal
      run(async (made, who: string) => (await import('./chat.ts')).chat(made, who)),
    );
  kith
    .command('send')
    .description('send a text, standard input or a file')
    .argument('<who>', `${WHO}; me for notes`)
    .argument('[text]', 'what to send; - or a pipe reads standard input')
    .option('--file <path>', 'send this file, at most 200 KB; a text goes with it')
    .option('--reply <message>', 'answer this message')
    .option('--wait', "wait until it is on the other side's disk")
    .action(
      run((made, who: string, text: string | undefined, options: SendCommandOptions) =>
        send(made, who, text, options),
      ),
    );
  kith
    .command('notes')
    .description('write a note to yourself, or read them')
    .argument('[text]', 'what to write')
    .action(
      run((made, text: string | undefined) =>
        text === undefined ? history(made, 'me', {}) : send(made, 'me', text, {}),
      ),
    );
  kith
    .command('why')
    .description('where a message is, and what it waits for')
    .argument('<message>', MESSAGE)
    .action(run((made, message: string) => why(made, message)));
  kith
    .command('edit')
    .description('change a message of yours')
    .argument('<message>', MESSAGE)
    .argument('[text]', 'the new text; - or a pipe reads standard input')
    .action(run((made, message: string, text: string | undefined) => edit(made, message, text)));
  kith
    .command('delete')
    .description('take a message back; one of theirs is deleted only here')
    .argument('<message>', MESSAGE)
    .option('--here', 'delete it only here')
    .action(
      run((made, message: string, options: { here?: boolean }) => deleteMessage(made, message, options)),
    );
  kith
    .command('react')
    .description('react to a message')
    .argument('<message>', MESSAGE)
    .argument('[emoji]', 'without one the reaction is taken back')
    .action(run((made, message: string, emoji: string | undefined) => react(made, message, emoji ?? '')));
  kith
    .command('save')
    .description('write the file that came with a message')
    .argument('<message>', MESSAGE)
    .argument('[path]', 'a file or a directory; - is standard output')
    .action(run((made, message: string, path: string | undefined) => save(made, message, path)));
  kith
    .command('timer')
    .description('let new messages disappear on both sides')
    .argument('<who>', WHO)
    .argument('<duration>', '30m, 1d, 4w, …, or off')
    .action(run((made, who: string, duration: string) => timer(made, who, duration)));
}

function addHistory(kith: Command, run: Run): void {
  kith
    .command('history')
    .description('what was said')
    .argument('<who>', `${WHO}; me for notes`)
    .option('--limit <count>', 'how many messages (default: 20, at most 200)')
    .option('--before <message>', 'only those before this number')
    .option('--read', 'mark what it shows as read, which they are told; without it nothing is')
    .action(run((made, who: string, options: HistoryCommandOptions) => history(made, who, options)));
  kith
    .command('search')
    .description('find messages by a part of their text')
    .argument('<text>', 'what to look for')
    .option('--with <who>', 'only in this conversation')
    .option('--limit <count>', 'how many messages (default: 20, at most 200)')
    .option('--before <message>', 'only those before this number')
    .action(
      run((made, text: string, options: RangeOptions & { with?: string }) => search(made, text, options)),
    );
  kith
    .command('export')
    .description('print what was said, not encrypted, one JSON object a line')
    .argument('[who]', `${WHO}; default: everything`)
    .action(run((made, who: string | undefined) => exportHistory(made, who)));
  kith
    .command('import')
    .description('take in what kith export printed')
    .argument('<file>', '- is standard input')
    .action(run((made, file: string) => importHistory(made, file)));
}
