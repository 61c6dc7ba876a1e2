/**
 * A bot that answers every friend with what they wrote. A bot is an ordinary node with a program beside it:
 *
 *   kith --data ./echo up &
 *   node examples/bots/echo.ts ./echo
 *
 * In a program of your own the import reads `kith/client`.
 *
 * Each message is answered once, also over restarts: an answer names what it answers, and is saved before the message
 * counts as read. What came while the bot was away is unread, and answered when it starts.
 */

import { connect, type KithClient, KithError, type MessageView } from '../../src/local/kith-client.ts';

/** Answers until the connection ends; then throws why. */
export async function echo(node: KithClient): Promise<void> {
  const events = node.events(); // before looking at what is unread, so that nothing falls in between
  const answered = new Set<string>();
  for (const { id, state, unread } of await node.friends()) {
    if (state === 'friend' && unread > 0) await catchUp(node, id, unread, answered);
  }
  for await (const event of events) {
    if (event.kind === 'message') await answer(node, event.message, answered);
  }
}

/** Answers what is unread and has no answer yet. */
async function catchUp(
  node: KithClient,
  friend: string,
  unread: number,
  answered: Set<string>,
): Promise<void> {
  const found: MessageView[] = [];
  let before: number | null = Number.MAX_SAFE_INTEGER;
  while (before !== null && found.filter(({ mine }) => !mine).length < unread) {
    const page = await node.history(friend, { before });
    found.unshift(...page.messages);
    before = page.next;
  }
  for (const { mine, replyTo } of found) if (mine && replyTo !== null) answered.add(replyTo);
  const theirs = found.filter(({ mine }) => !mine).slice(-unread);
  for (const message of theirs) await answer(node, message, answered);
}

async function answer(node: KithClient, message: MessageView, answered: Set<string>): Promise<void> {
  const { id, contact, mine, kind, text, replyTo } = message;
  if (mine) return;
  // an answer gets none, or two bots would never stop
  if (kind === 'text' && replyTo === null && !answered.has(id))
    await node.send(contact, { text, replyTo: id });
  answered.add(id);
  await node.markRead(contact, id);
}

if (import.meta.main) {
  try {
    const node = await connect(process.argv[2] === undefined ? {} : { dataDir: process.argv[2] });
    process.once('SIGINT', () => node.close());
    console.log('Echoing. Ctrl-C ends it.');
    await echo(node);
  } catch (error) {
    if (!(error instanceof KithError)) throw error;
    console.log(`${error.message}. ${error.hint}`);
    process.exitCode = 1;
  }
}
