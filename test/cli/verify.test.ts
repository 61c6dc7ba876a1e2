/** `kith verify` where the device of a friend has changed: what is shown, and what it takes to confirm it. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type FakeNode, fakeNode } from './fake-node.ts';
import { runHere } from './here.ts';

let dir: string;
let node: FakeNode;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kith-verify-'));
  node = await fakeNode(join(dir, 'data'));
});
after(async () => {
  await node.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Nobody is at the terminal. */
async function verify(...args: string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const { stdout, stderr } = await runHere(['--data', join(dir, 'data'), 'verify', ...args]);
  return { stdout: stdout.toString(), stderr };
}

test('the words of the devices are shown when asked for, or when they have changed', async () => {
  assert.doesNotMatch((await verify('bob')).stdout, /orange/);
  const asked = await verify('bob', '--device');
  assert.match(asked.stdout, /Words of both devices[^]*red orange yellow green blue violet/);
  assert.doesNotMatch(asked.stdout, /has changed/);
  node.people.changeDevice('bob');
  assert.match((await verify('bob')).stdout, /device has changed[^]*red orange yellow green blue violet/);
  assert.equal(node.people.friend('bob').trust, 'changed');
});

test('a script confirms a changed device only with the words that were compared', async () => {
  node.people.changeDevice('bob');
  assert.match((await verify('bob', '--yes')).stderr, /another key/);
  await verify('bob', '--yes', '--device');
  await verify('bob', '--yes', '--device', 'red orange');
  assert.equal(node.people.friend('bob').trust, 'changed');
  await verify('bob', '--yes', '--device', ' Red orange  yellow green blue violet');
  assert.equal(node.people.friend('bob').trust, 'compared');
});
