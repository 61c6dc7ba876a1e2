/**
 * One person in a process of its own, which kills.ts starts and ends without warning: everything of a node but tor and
 * the overlay. Its tor is a part of the parent (remote-tor.ts). Arguments: data directory, SOCKS socket, messages a second.
 *
 * What it says to `saved.log` was saved before: each line is written, in full, after `send` has returned.
 */

import { openSync, writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { Channels } from '../../src/net/channel.ts';
import { TABLES } from '../../src/node/open-store.ts';
import { PeopleCalls } from '../../src/node/people-calls.ts';
import { People } from '../../src/node/people.ts';
import { PersonaTor } from '../../src/node/persona-tor.ts';
import { systemClock } from '../../src/safety/clock.ts';
import { type Log, silent } from '../../src/safety/log.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { Database } from '../../src/store/database.ts';
import { SealedRows } from '../../src/store/sealed-rows.ts';
import { RemoteTor } from './remote-tor.ts';
import { answerCalls, type Report } from './parent.ts';

const [dir, socksPath, rate] = process.argv.slice(2) as [string, string, string];
const [clock, random] = [systemClock, systemRandom];
const log: Log = silent;
// the only secret of a test, and the same in every life
const key = new Uint8Array(32).fill(7);
const saved = openSync(join(dir, 'saved.log'), 'a');

const tor = new RemoteTor(socksPath);
const database = Database.open({ path: join(dir, 'people.db'), key, tables: TABLES });
const known = new PersonaTor({ host: tor, socketDir: dir, clock, random, log });
const dialer = known.dialer();
const people = await People.open({
  database,
  tor,
  known,
  dialer,
  channels: new Channels({ open: dialer.open }),
  socketDir: dir,
  homePeers: SealedRows.open({ path: ':memory:', key, maxRows: 100, maxBytes: 100_000 }),
  open: false,
  handlers: new Map(),
  entryPoints: () => [],
  onEntryPoints: () => {},
  onDelivered: () => {},
  clock,
  random,
  log,
});
const calls = new PeopleCalls(people);
const told = new Map<string, number>();
calls.onEvent((event) => {
  if (event.kind === 'message') told.set(event.message.id, (told.get(event.message.id) ?? 0) + 1);
});

let writing: NodeJS.Timeout | undefined;

function friend(): string | undefined {
  return calls.friends().find(({ state }) => state === 'friend')?.id;
}

function write(): void {
  const to = friend();
  if (to === undefined) return;
  const { text } = calls.send(to, { text: `${process.pid} ${performance.now()}` });
  writeSync(saved, `${text}\n`);
}

answerCalls({
  invite: () => calls.openInvite({}).uri,
  doorIsOpen: () => calls.invites().some(({ state }) => state === 'open'),
  add: async (uri) => (await calls.add(String(uri), {})).state,
  accept: () => {
    const asking = calls.friends().find(({ state }) => state === 'asking');
    if (asking !== undefined) calls.accept(asking.id);
    return asking !== undefined;
  },
  isFriend: () => friend() !== undefined,
  begin: () => {
    writing ??= setInterval(write, 1000 / Number(rate));
  },
  quiet: () => clearInterval(writing),
  write,
  report: (): Report => report(),
});
process.on('disconnect', () => process.exit());
await people.start(new AbortController().signal);
process.send?.({ type: 'ready' });
flushCompileCache(); // nothing is written at the end of a life that is killed

function report(): Report {
  const to = friend() ?? '';
  const messages: Report['messages'][number][] = [];
  for (let after = 0; ; ) {
    const page = calls.history(to, { after, limit: 200 });
    for (const { id, mine, kind, text, state } of page) messages.push({ id, mine, kind, text, state });
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.seq;
  }
  const { waiting, links } = people.stats();
  return { waiting, links, messages, toldTwice: [...told.values()].filter((times) => times > 1).length };
}
