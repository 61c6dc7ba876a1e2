/** The bots of examples/bots before a node whose friend is the test. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { diary } from '../../examples/bots/diary.ts';
import { echo } from '../../examples/bots/echo.ts';
import { connect, type KithClient } from '../../src/local/kith-client.ts';
import { peopleMethods } from '../../src/local/people-methods.ts';
import { RpcServer } from '../../src/local/server.ts';
import { FakePeople } from '../local/fake-people.ts';

const LIMIT = { timeout: 20_000 };

/** Looks again and again, for at most 10 s. */
async function until(is: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!is()) {
    assert.ok(performance.now() < end, `not within 10 s: ${String(is)}`);
    await new Promise(setImmediate);
  }
}

let dir: string;
let people: FakePeople;
let server: RpcServer;
let running: { readonly node: KithClient; readonly ended: Promise<unknown> }[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kith-bots-'));
  people = new FakePeople();
  server = new RpcServer({
    path: join(dir, 's'),
    methods: (session) => new Map(peopleMethods(people, session)),
  });
  await server.start();
  running = [];
});
afterEach(async () => {
  for (const { node, ended } of running) {
    node.close();
    await ended;
  }
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

async function run(bot: (node: KithClient) => Promise<void>) {
  const before = people.watchers;
  const node = await connect({ path: join(dir, 's') });
  const ended = assert.rejects(bot(node), { code: 'NODE_GONE' });
  running.push({ node, ended });
  await until(() => people.watchers > before);
  return {
    stop: async () => {
      node.close();
      await ended;
      await until(() => people.watchers === before);
    },
  };
}

/** What the bot wrote to bob, once there are so many messages of it. */
async function answers(count: number): Promise<string[]> {
  const { id } = people.friend('bob');
  const found = () => people.messages.filter(({ mine, contact }) => mine && contact === id);
  await until(() => found().length >= count && people.friend('bob').unread === 0);
  return found().map(({ text }) => text);
}

test('echo answers each message once, with what it says', LIMIT, async () => {
  await run(echo);
  const { id } = people.arrive('bob', 'hello');
  people.arrive('bob', 'there', {});
  assert.deepEqual(await answers(2), ['hello', 'there']);
  assert.equal(people.messages.find(({ mine }) => mine)?.replyTo, id);
});

test('echo answers what came while it was away, and nothing twice', LIMIT, async () => {
  for (let at = 0; at < 120; at++) people.arrive('bob', `${at}`);
  const { id } = people.friend('bob');
  const halfway = people.message('60');
  people.send(id, { text: halfway.text, replyTo: halfway.id }); // the last run ended before this counted as read
  const bot = await run(echo);
  const texts = await answers(120);
  assert.deepEqual(
    texts.map(Number).sort((a, b) => a - b),
    Array.from({ length: 120 }, (_, at) => at),
  );
  await bot.stop();
  people.arrive('bob', 'still there?');
  await run(echo);
  assert.equal((await answers(121)).at(-1), 'still there?');
});

test('echo does not answer itself, answers, files or gaps', LIMIT, async () => {
  await run(echo);
  people.send('bob', { text: 'by hand' });
  people.arrive('bob', '', { kind: 'gap', missing: { count: 1, final: true } });
  people.arrive('bob', 'a bot too', { replyTo: people.message('1').id });
  people.arrive('bob', 'last');
  assert.deepEqual(await answers(2), ['by hand', 'last']);
});

test('the diary keeps, reads and finds what each friend wrote, and no other', LIMIT, async () => {
  people.accept('carol');
  await run(diary);
  let asked = 0;
  const ask = async (text: string) => {
    people.arrive('bob', text);
    return (await answers(++asked)).at(-1);
  };
  people.arrive('carol', 'a secret about bread');
  await until(() => people.friend('carol').unread === 0);
  assert.match((await ask('help')) ?? '', /^Write anything/);
  assert.equal(await ask('read'), 'Nothing.');
  for (const entry of ['baked bread', 'read a book', 'slept']) assert.equal(await ask(entry), 'Kept.');
  assert.equal(await ask('read 1'), '2026-11-21: slept');
  assert.equal(await ask('read'), '2026-11-21: baked bread\n2026-11-21: read a book\n2026-11-21: slept');
  assert.equal(await ask('find BREAD'), '2026-11-21: baked bread');
  assert.equal(await ask('find cake'), 'Nothing.');
});
