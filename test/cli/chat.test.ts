/** `kith chat` before a node that answers: in a pipe, for programs, and when the other side ends it. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { idOf } from '../local/fake-people.ts';
import { type FakeNode, fakeNode } from './fake-node.ts';
import { startHere } from './here.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
process.env['TZ'] = 'UTC';

const LIMIT = { timeout: 30_000 };

let dir: string;
let node: FakeNode;
let stopped = false;
let child: ChildProcess | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kith-chat-'));
  process.chdir(dir);
  node = await fakeNode(join(dir, 'data'));
});
afterEach(async () => {
  process.chdir(tmpdir());
  child?.kill('SIGKILL');
  if (!stopped) await node.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Looks again and again, for at most 10 s. */
async function until(is: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!is()) {
    assert.ok(performance.now() < end, `not within 10 s: ${String(is)}`);
    await new Promise(setImmediate);
  }
}

/** A conversation whose output is read line by line. */
function talk(...args: string[]) {
  const { stdin, shown, ended } = startHere(['--data', join(dir, 'data'), ...args]);
  return {
    stdin,
    ended: ended.then(({ stdout, stderr, exitCode }) => ({
      code: exitCode,
      shown: stdout.toString(),
      errors: stderr,
    })),
    type: (line: string) => stdin.write(`${line}\n`),
    /** Resolves when `text` was shown. */
    seen: (text: string) => seenIn(shown, text),
  };
}

/** The same in a process of its own. */
function talkApart(...args: string[]) {
  const started = spawn(process.execPath, [MAIN, '--data', join(dir, 'data'), ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  child = started;
  const { stdin, stdout, stderr } = started;
  stdin.on('error', () => {});
  let shown = '';
  let errors = '';
  stdout.on('data', (text) => {
    shown += String(text);
  });
  stderr.on('data', (text) => {
    errors += String(text);
  });
  return {
    stdin,
    ended: once(started, 'close').then(([code]) => ({ code: code as unknown, shown, errors })),
    type: (line: string) => stdin.write(`${line}\n`),
    seen: (text: string) => seenIn(() => shown, text),
  };
}

async function seenIn(shown: () => string, text: string): Promise<void> {
  const end = performance.now() + 10_000;
  while (!shown().includes(text)) {
    assert.ok(performance.now() < end, `no ${text} in: ${shown()}`);
    // looked at again and again
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test(
  'a conversation: what was unread, what comes, what is typed, and what becomes of it',
  LIMIT,
  async () => {
    const { people } = node;
    people.arrive('bob', 'are you there?');
    const { stdin, type, seen, ended } = talkApart('chat', 'bob');
    await seen('are you there?');
    await until(() => people.friend('bob').unread === 0); // shown is read
    type('yes');
    await seen('#2 12:00 me: yes (saved)');
    await seen('#2 delivered');
    people.arrive('bob', 'good\nmorning\u001b[2J');
    await seen('morning');
    await until(() => people.friend('bob').unread === 0);
    people.become(people.message('3').id, { text: 'good evening', editedAt: '2026-11-21T12:00:09.000Z' });
    await seen('good evening (edited)');
    people.emit({ kind: 'presence', id: idOf('bob'), name: 'bob', presence: 'away' });
    await seen('bob is away');
    people.arrive('carol', 'hello?');
    await seen('carol wrote to you: kith chat carol');
    people.deleteMessage(people.message('1').id, { onlyHere: true });
    await seen('#1 is gone');
    stdin.end();
    const { code, shown, errors } = await ended;
    assert.equal(errors, '');
    assert.equal(code, 0);
    assert.match(shown, /^bob {2}online, proven, 1 unread\n/);
    assert.match(shown, /\n— 1 new —\n— 2026-11-21 —\n#1 12:00 bob: are you there\?\n/);
    assert.match(
      shown,
      /\n#3 12:00 bob: good\n {6}morning\ufffd\[2J\n/,
      'further lines cannot pose as messages',
    );
    assert.match(shown, /\n1 message came, 1 went out\.\n$/);
  },
);

test('commands, and what is wrong with a line, which ends nothing', LIMIT, async () => {
  const { people } = node;
  await writeFile(join(dir, 'photo.png'), 'PNG');
  const { type, seen, ended } = talk('chat', 'bob');
  for (const [line, answer] of [
    ['/help', 'leave (or Ctrl-D)'],
    ['hello', '#1 12:00 me: hello'],
    ['//slashes', '#2 12:00 me: /slashes'],
    ['/edit slashed', '#2 12:00 me: slashed (edited'],
    ['/edit 2024 was a good year', '#2 12:00 me: 2024 was a good year (edited'],
    ['/edit #1', '! there is no text to put there'],
    ['/edit', '! there is no text to put there'],
    ['/edit #1 hi', '#1 12:00 me: hi (edited'],
    ['/reply 1 why?', '#3 12:00 me: why? (reply to #1'],
    ['/react 1 👍', '#1 12:00 me: hi [👍]'],
    ['/delete 3', '#3 12:00 me: (deleted)'],
    ['/why', 'saved on this computer'],
    ['/search HI', '1 message found.'],
    ['/file photo.png', '#4 12:00 me: [photo.png, image/png, 3 B]'],
    ['/save 4 copy.png', 'Saved copy.png.'],
    ['/save 4 copy.png', '! there is a file of that name already'],
    ['/file nothing.png', '! that file cannot be read'],
    ['/timer 1h', 'with who wrote them 1 hour after they arrived'],
    ['/timer soon', '! that is no duration'],
    ['/more', 'That is the beginning.'],
    ['/who', 'profile  Bob\ufffd[2J: on a boat'],
    ['/nonsense', '! there is no such command'],
    ['/constructor', '! there is no such command'],
    ['/why 99', '! there is no such message'],
  ] as const) {
    type(line);
    await seen(answer);
  }
  assert.equal(await readFile(join(dir, 'copy.png'), 'utf8'), 'PNG');
  assert.equal(people.friend('bob').timerS, 3600);
  type('/quit');
  const { code, errors } = await ended;
  assert.deepEqual([code, errors], [0, '']);
});

test('in a pipe every line is sent, in order, before it ends', LIMIT, async () => {
  const { stdin, ended } = talk('--json', 'chat', 'bob');
  const texts = Array.from({ length: 50 }, (_, at) => `line ${at}`);
  stdin.end(texts.join('\n'));
  const { code, shown } = await ended;
  assert.equal(code, 0);
  assert.deepEqual(
    node.people.messages.map(({ text }) => text),
    texts,
  );
  const lines = shown
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const sent = lines.filter(({ event, state }) => event === 'message' && state === 'saved');
  assert.deepEqual(
    sent.map(({ text }) => text),
    texts,
  );
  assert.deepEqual(lines.at(-1), { result: 'chat', received: 0, sent: 50 });
});

test('older messages come with /more, up to the beginning', LIMIT, async () => {
  for (let at = 1; at <= 30; at++) node.people.arrive('bob', `text ${at}`);
  node.people.markRead('bob');
  const { stdin, type, seen, ended } = talk('chat', 'bob');
  await seen('text 30');
  type('/more');
  await seen('text 1\n');
  type('/more');
  await seen('That is the beginning.');
  stdin.end();
  const { shown } = await ended;
  assert.ok(shown.indexOf('text 11') < shown.indexOf('text 30'));
  assert.equal(shown.match(/text 11\n/g)?.length, 1);
});

test('it ends when the friend is gone, and when the node is', LIMIT, async () => {
  node.people.arrive('bob', 'hello');
  const first = talk('chat', 'bob');
  await first.seen('hello');
  await until(() => node.people.friend('bob').unread === 0); // it has read all that it asks for at first
  node.people.deny('bob');
  const { code, shown } = await first.ended;
  assert.equal(code, 0);
  assert.match(shown, /bob is no friend any more/);

  const second = talk('chat', 'me');
  second.type('a note');
  await second.seen('a note');
  stopped = true;
  await node.stop();
  const { code: gone, errors } = await second.ended;
  assert.equal(gone, 69);
  assert.match(errors, /the node ended the conversation/);
});
