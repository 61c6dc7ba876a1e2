/** `kith/client` over a real socket. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { EventQueue } from '../../src/local/event-queue.ts';
import { connect, type KithClient } from '../../src/local/kith-client.ts';
import { EVENTS_WAITING_MAX, IMPORT_MAX_CHARS } from '../../src/local/limits.ts';
import { peopleMethods } from '../../src/local/people-methods.ts';
import { RpcServer } from '../../src/local/server.ts';
import { importing } from '../../src/local/transfers.ts';
import { fakeNode } from '../cli/fake-node.ts';
import { FakePeople, idOf, ME } from './fake-people.ts';

let dir: string;
let path: string;
let people: FakePeople;
let server: RpcServer;
let client: KithClient;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kith-client-'));
  path = join(dir, 's');
  people = new FakePeople();
  server = new RpcServer({ path, methods: (session) => new Map(peopleMethods(people, session)) });
  await server.start();
  client = await connect({ path });
});
afterEach(async () => {
  client.close();
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

test('what the calls answer is what the node says', async () => {
  assert.deepEqual(await client.identity(), people.identity());
  assert.deepEqual((await client.setProfile({ status: 's', picture: null })).status, 's');
  await client.setPresence('away');
  assert.equal(people.presence, 'away');
  assert.equal((await client.rotateHome()).waiting, 1);
  const invite = await client.openInvite({ note: 'n' });
  assert.deepEqual(await client.invites(), [invite]);
  await client.closeInvite(invite.id);
  assert.deepEqual(await client.invites(), []);

  assert.deepEqual(
    (await client.friends()).map(({ name }) => name),
    ['bob', 'carol', 'dave'],
  );
  assert.deepEqual(await client.friend('bob'), people.friend('bob'));
  assert.equal((await client.add('kith:x', { name: 'erin' })).state, 'requested');
  assert.equal((await client.accept('carol', 'caro')).name, 'caro');
  assert.equal((await client.rename('caro', 'carol')).name, 'carol');
  assert.equal((await client.safetyWords('bob')).compared, false);
  assert.equal((await client.trust('bob')).trust, 'compared');
  assert.equal((await client.block('carol')).state, 'blocked');
  await client.unblock('carol');
  await client.deny('erin');
  await client.remove('dave', { history: true });
  assert.deepEqual(
    people.friends().map(({ name }) => name),
    ['bob'],
  );

  const attachment = { name: 'a.txt', type: 'text/plain', data: 'aGk=' };
  const sent = await client.send('bob', { text: 'hello', attachment });
  assert.equal(sent.state, 'saved');
  assert.deepEqual(await client.attachment(sent.id), attachment);
  assert.deepEqual(await client.message('1'), people.message('1'));
  assert.equal((await client.edit(sent.id, 'hi')).text, 'hi');
  assert.deepEqual((await client.react(sent.id, '👍')).reactions, [{ by: 'me', emoji: '👍' }]);
  assert.equal((await client.why(sent.id)).steps.length, 2);
  people.arrive('bob', 'hi yourself');
  await client.markRead('bob');
  assert.equal(people.friend('bob').unread, 0);
  await client.setTimer('bob', 60);
  assert.equal(people.friend('bob').timerS, 60);
  assert.deepEqual(
    (await client.history('bob')).messages.map(({ seq }) => seq),
    [1, 2],
  );
  assert.deepEqual((await client.search('YOURSELF', { who: 'bob' })).messages[0], people.message('2'));
  await client.deleteMessage(sent.id, { onlyHere: true });
  assert.equal(people.messages.length, 1);
});

test('an error of the node comes with its code and hint, and changes nothing', async () => {
  await assert.rejects(client.friend('nobody'), {
    name: 'RemoteError',
    code: 'WHO_UNKNOWN',
    hint: /kith friends/,
  });
  await assert.rejects(client.send('bob', { attachment: { name: '', type: '', data: 'no base64' } }), {
    code: 'PARAMS_WRONG',
  });
  assert.equal(people.messages.length, 0);
});

test('events begin with the call, before any later call is answered; each reader gets all', async () => {
  const first = client.events();
  const second = client.events();
  await client.send('bob', { text: 'x' });
  for (const events of [first, second]) {
    const kinds: string[] = [];
    for await (const event of events) {
      kinds.push(event.kind);
      if (kinds.length === 2) break;
    }
    assert.deepEqual(kinds, ['message', 'message-changed']);
  }
  assert.deepEqual(await first.next(), { value: undefined, done: true }, 'a reader that left gets no more');
});

test('a reader gets what came before the end, then hears that the node is gone', async () => {
  const events = client.events();
  await client.identity();
  people.emit({ kind: 'friend-removed', id: ME });
  await server.stop();
  assert.equal((await events.next()).value?.kind, 'friend-removed');
  await assert.rejects(events.next(), { code: 'NODE_GONE' });
  assert.match(String(await client.closed), /ended the conversation/);
  await server.start();
});

test('a reader that never comes loses the conversation about events, not the memory', async () => {
  let left = 0;
  const queue = new EventQueue(() => left++);
  for (let at = 0; at <= EVENTS_WAITING_MAX + 5; at++) queue.push({ kind: 'friend-removed', id: String(at) });
  assert.equal(left, 1);
  for (let at = 0; at < EVENTS_WAITING_MAX; at++) await queue.next();
  await assert.rejects(queue.next(), { code: 'EVENTS_MISSED' });
});

test('a client that reads no events is disconnected before they fill the node', {
  timeout: 20_000,
}, async () => {
  const deaf = connectSocket({ path });
  deaf.on('error', () => {});
  deaf.write('{"jsonrpc":"2.0","id":1,"method":"events.watch"}\n');
  while (people.watchers === 0) await client.identity();
  const text = 'x'.repeat(12_000);
  let told = 0;
  for (; people.watchers > 0 && told < 5000; told++) {
    people.arrive('bob', text);
    await new Promise(setImmediate);
  }
  assert.ok(told > 600 && told < 2000, `${told} events of 12 kB were held for it`);
  deaf.destroy();
  assert.ok(await client.identity(), 'others go on');
});

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

test('a long history leaves and enters in parts, in order, all or nothing', async () => {
  const attachment = { name: 'a', type: 'b', data: Buffer.alloc(204_800).toString('base64') };
  for (let at = 0; at < 200; at++) people.arrive('bob', `${at}${'"\n'.repeat(5000)}`);
  const lines = await all(client.exportHistory('bob'));
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { seq: number }).seq),
    people.messages.map(({ seq }) => seq),
  );
  const exported = [...lines, JSON.stringify({ attachment })];
  assert.equal(await client.importHistory(exported), exported.length);
  assert.deepEqual(people.imported, [exported]);

  await assert.rejects(client.importHistory([...lines, 'no JSON']), {
    code: 'IMPORT_BAD_LINE',
    data: { line: 201 },
  });
  await assert.rejects(client.importHistory([...lines, 'x'.repeat(600_000)]), {
    code: 'IMPORT_TOO_LARGE',
    data: { line: 201 },
  });
  assert.equal(await client.importHistory(['{}']), 1, 'what was refused is not in the next');
  assert.deepEqual(people.imported, [exported, ['{}']]);
  assert.deepEqual(await all(client.exportHistory('carol')), []);
});

test('an import has an end', () => {
  const take = importing(people);
  const lines = ['x'.repeat(IMPORT_MAX_CHARS / 2)];
  take({ lines, done: false });
  assert.throws(() => take({ lines, more: true, done: false }), { code: 'IMPORT_TOO_LARGE' });
  assert.deepEqual(take({ lines: ['{}'], done: true }), { imported: 1 });
});

test('the node of a data directory is found; where none runs it says so', async (t) => {
  const dataDir = join(dir, 'data');
  await assert.rejects(connect({ dataDir }), { code: 'NODE_NOT_RUNNING', hint: /kith up/ });
  const node = await fakeNode(dataDir);
  t.after(() => node.stop());
  const found = await connect({ dataDir });
  assert.equal((await found.friend('bob')).id, idOf('bob'));
  found.close();
});

test('an aborted signal ends the connection', async () => {
  const stop = new AbortController();
  const other = await connect({ path, signal: stop.signal });
  const events = other.events();
  stop.abort();
  await assert.rejects(events.next(), { code: 'NODE_GONE' });
  await assert.rejects(other.identity(), { code: 'NODE_GONE' });
  await assert.rejects(connect({ path, signal: stop.signal }), { name: 'AbortError' });
});
