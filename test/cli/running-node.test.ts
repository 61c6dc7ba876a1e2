/** Commands that ask a running node: what they do with bytes, pipes and Ctrl-C. What they print is in running.txt. */

import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SEALED_SLOT_MAX_BYTES } from '../../src/dht/sealed-slot.ts';
import { CONFLICT, type FakeNode, fakeNode, SLOW } from './fake-node.ts';
import { runHere } from './here.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const LIMIT = { timeout: 30_000 };

let dir: string;
let node: FakeNode;
const children: ChildProcessByStdio<Writable, Readable, Readable>[] = [];
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kith-cli-'));
  node = await fakeNode(join(dir, 'data'));
});
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await node.stop();
  await rm(dir, { recursive: true, force: true });
});

function start(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, '--data', join(dir, 'data'), ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  child.stdin.on('error', () => {}); // it may end before it has read everything
  children.push(child);
  const ended = Promise.all([buffer(child.stdout), buffer(child.stderr), once(child, 'close')]).then(
    ([stdout, stderr, [exitCode]]) => ({ stdout, stderr: stderr.toString(), exitCode: exitCode as unknown }),
  );
  return { child, ended };
}

/** In this process: what a process of its own adds is its pipes, of which the first test has some. */
function run(input: Uint8Array | string, ...args: string[]) {
  return runHere(['--data', join(dir, 'data'), ...args], input);
}

function runApart(input: Uint8Array | string, ...args: string[]) {
  const { child, ended } = start(...args);
  child.stdin.end(input);
  return ended;
}

/** Puts `content` through a pipe; the reference it got. */
async function put(content: Uint8Array | string, runs = run): Promise<string> {
  const { stdout, exitCode } = await runs(content, 'dht', 'put');
  assert.equal(exitCode, 0);
  return /^kith-slot:.*$/m.exec(stdout.toString())?.[0] ?? assert.fail('no reference');
}

/** No valid UTF-8, control characters, no newline at its end. */
const BYTES = Uint8Array.from({ length: SEALED_SLOT_MAX_BYTES }, (_, at) => (at * 7) % 256);

test('what goes in through a pipe comes out of one byte for byte', LIMIT, async () => {
  for (const [content, runs] of [
    [BYTES, runApart],
    ['a line\n', run],
  ] as const) {
    const got = await runs('', 'dht', 'get', await put(content, runs));
    assert.deepEqual(got.stdout, Buffer.from(content));
    assert.equal(got.stderr, 'A scout is on its way through Tor…\n');
    assert.equal(got.exitCode, 0);
  }
});

test('a doubt about the content is told beside it, and to programs in a field', LIMIT, async () => {
  const reference = await put(CONFLICT);
  const got = await run('', 'dht', 'get', reference);
  assert.equal(got.stdout.toString(), CONFLICT);
  assert.match(got.stderr, /\nkith: Its writer signed something else under the same number too\.\n$/);
  const { stdout, stderr } = await run('', '--json', 'dht', 'get', reference);
  const result = JSON.parse(stdout.toString().split('\n')[1] ?? '') as Record<string, unknown>;
  assert.deepEqual([result['data'], result['conflicts']], [btoa(CONFLICT), 1]);
  assert.equal(stderr, '');
});

test('too much, or nothing, in the pipe is wrong use', LIMIT, async () => {
  const long = await run(Buffer.concat([BYTES, Buffer.alloc(1)]), 'dht', 'put', '-');
  assert.deepEqual([long.exitCode, long.stdout.length], [2, 0]);
  assert.match(long.stderr, /4,078 bytes/);
  const empty = await run('', 'dht', 'put');
  assert.deepEqual([empty.exitCode, empty.stdout.length], [2, 0]);
  assert.match(empty.stderr, /nothing to put/);
});

for (const args of [
  ['dht', 'put'],
  ['dht', 'put', '-'],
  ['peers', 'add', SLOW],
]) {
  test(`Ctrl-C ends kith ${args.join(' ')}`, LIMIT, async () => {
    const connected = node.client();
    const { child, ended } = start(...args); // the pipe stays open
    child.stdin.write('unfinished');
    await connected;
    child.kill('SIGINT');
    const { stdout, stderr, exitCode } = await ended;
    assert.equal(stdout.length, 0);
    assert.match(stderr, /kith: stopped before it was done\n {6}Run the command again\.\n$/);
    assert.equal(exitCode, 1);
  });
}

test('Ctrl-C while a message waits for its recipient takes nothing back, and says so', LIMIT, async () => {
  node.people.delivers = false;
  const looks = Promise.withResolvers<void>();
  node.people.onLook = looks.resolve;
  const { child, ended } = start('send', 'bob', 'once', '--wait');
  await looks.promise; // it knows that the message is saved, and asks what has become of it
  child.kill('SIGINT');
  const { stderr, exitCode } = await ended;
  node.people.delivers = true;
  assert.match(stderr, /kith: stopped waiting; it is saved as #1\n {6}It goes out by itself: kith why 1\n$/);
  assert.equal(exitCode, 1);
  assert.deepEqual(
    node.people.messages.map(({ text }) => text),
    ['once'],
  );
});

test('what kith history shows counts as read only where that was asked for', LIMIT, async () => {
  node.people.arrive('bob', 'are you there?');
  const looked = await run('', 'history', 'bob');
  assert.match(looked.stdout.toString(), /1 unread: --read marks what it shows as read\.\n$/);
  assert.equal(node.people.friend('bob').unread, 1);
  const read = await run('', 'history', 'bob', '--read');
  assert.match(read.stdout.toString(), /are you there\?\n\d+ messages?\.\n$/);
  assert.equal(node.people.friend('bob').unread, 0);
});
