/**
 * A diary that a friend can write to and read from anywhere: what they write is kept as a note of the bot's node, and
 * `read`, `read 5`, `find word` and `help` are answered. Each friend sees only their own entries.
 *
 *   kith --data ./diary up &
 *   node examples/bots/diary.ts ./diary
 *
 * In a program of your own the import reads `kith/client`. Unlike the echo bot it does not look at what came while it
 * was away: a bot that must not miss anything begins with what is unread, as echo.ts does.
 */

import { connect, type KithClient, KithError, type MessageView } from '../../src/local/kith-client.ts';

const HELP =
  'Write anything, and it is kept. read: your last 3 entries; read 10: more; find WORD: those with it.';

/** Most entries in one answer: they have to fit one message. */
const MOST = 20;
/** Characters of an entry in an answer. */
const ENTRY_MAX = 400;

/** Keeps a diary until the connection ends; then throws why. */
export async function diary(node: KithClient): Promise<void> {
  for await (const event of node.events()) {
    if (event.kind !== 'message') continue;
    const { contact, id, mine, kind, replyTo } = event.message;
    if (mine || kind !== 'text' || replyTo !== null) continue; // an answer gets none, or two bots would never stop
    await node.send(contact, { text: await answerTo(node, event.message), replyTo: id });
    await node.markRead(contact, id);
  }
}

async function answerTo(node: KithClient, { contact, text, at }: MessageView): Promise<string> {
  const [, command = '', argument = ''] = /^\s*(help|read|find)(?:\s+(.*?))?\s*$/is.exec(text) ?? [];
  // an entry begins with whose it is: profile ids have one length, so none is the beginning of another
  const entries = (messages: readonly MessageView[]) =>
    messages
      .filter((note) => note.text.startsWith(`${contact} `))
      .map((note) => note.text.slice(contact.length + 1, contact.length + 1 + ENTRY_MAX));
  switch (command.toLowerCase()) {
    case 'help':
      return HELP;
    case 'read': {
      if (!/^\d*$/.test(argument)) break; // an entry that begins like that
      const count = Math.min(MOST, Math.max(1, Number.parseInt(argument, 10) || 3));
      return listed(entries((await node.history('me', { limit: 200 })).messages).slice(-count));
    }
    case 'find': {
      if (argument === '') return HELP;
      return listed(entries((await node.search(argument, { who: 'me' })).messages).slice(-MOST));
    }
  }
  await node.send('me', { text: `${contact} ${at.slice(0, 10)}: ${text}` });
  return 'Kept.';
}

function listed(entries: readonly string[]): string {
  return entries.length === 0 ? 'Nothing.' : entries.join('\n');
}

if (import.meta.main) {
  try {
    const node = await connect(process.argv[2] === undefined ? {} : { dataDir: process.argv[2] });
    process.once('SIGINT', () => node.close());
    console.log('Keeping a diary. Ctrl-C ends it.');
    await diary(node);
  } catch (error) {
    if (!(error instanceof KithError)) throw error;
    console.log(`${error.message}. ${error.hint}`);
    process.exitCode = 1;
  }
}
