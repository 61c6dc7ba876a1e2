/**
 * Three whole nodes on a real Tor network: strangers become friends through a door and talk, and who has no key of a
 * home onion does not get in, whatever else they know.
 */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKith, type KithNode } from '../../src/node.ts';
import { KithError } from '../../src/safety/errors.ts';
import type { OnionAddress } from '../../src/wire/onion.ts';
import { useTestnet } from '../testnet.ts';

/** Everything here goes through real circuits: descriptors alone take some seconds. */
const PATIENCE_MS = 50_000;

const { clientConfig } = await useTestnet();
const dir = await mkdtemp(join(tmpdir(), 'kt-'));
const nodes: KithNode[] = [];

async function start(name: string): Promise<KithNode> {
  const node = await createKith({ dataDir: join(dir, name), tor: { config: clientConfig } });
  nodes.push(node);
  await node.start();
  return node;
}

async function eventually<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > giveUpAt) assert.fail(`${what}: not within ${PATIENCE_MS} ms`);
    await sleep(50);
  }
}

async function* greeting(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('let me in');
}

/** How a dial of that home ends for somebody who is no friend there. */
async function knockAt(home: OnionAddress, stranger: KithNode): Promise<string> {
  const error = await stranger.say(home, greeting()).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof KithError, 'somebody got in');
  return error.code;
}

let alice: KithNode;
let bob: KithNode;
let carol: KithNode;

before(async () => {
  [alice, bob, carol] = await Promise.all([start('alice'), start('bob'), start('carol')]);
});
after(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  await rm(dir, { recursive: true, force: true });
});

test('a stranger with the home onion cannot connect, before there are friends and after', async () => {
  assert.equal(await knockAt(alice.onion, carol), 'ONION_AUTH_MISSING');
  const invite = alice.people.openInvite({});
  await eventually('the door', () =>
    alice.people.invites().find(({ id, state }) => id === invite.id && state === 'open'),
  );
  await bob.people.add(invite.uri, { name: 'alice' });
  const asking = await eventually('the request', () =>
    alice.people.friends().find(({ state }) => state === 'asking'),
  );
  alice.people.accept(asking.id, 'bob');
  const linked = (node: KithNode, who: string) => () =>
    node.people
      .friends()
      .find(({ name, connected, trust }) => name === who && connected && trust === 'proven');
  await Promise.all([
    eventually('bob is linked', linked(bob, 'alice')),
    eventually('alice is linked', linked(alice, 'bob')),
  ]);

  const { id } = alice.people.send('bob', { text: 'through real circuits' });
  await eventually('delivered', () => (alice.people.message(id).state === 'delivered' ? true : undefined));
  assert.equal(bob.people.history('alice').at(-1)?.text, 'through real circuits');
  for (const home of [alice, bob]) assert.equal(await knockAt(home.onion, carol), 'ONION_AUTH_MISSING');
});

test('an ex-friend is cut off at once and does not come back', async () => {
  const home = alice.onion;
  alice.people.remove('bob');
  await eventually('the link is gone', () => (bob.people.friend('alice').connected ? undefined : true));
  const { id } = bob.people.send('alice', { text: 'still there?' });
  // he still has the descriptor of the home that he knew, until it is taken down
  await eventually('the old home is closed', async () => {
    const error = await bob.say(home, greeting()).catch((thrown: unknown) => thrown);
    return error instanceof KithError ? error : undefined;
  });
  assert.notEqual(alice.onion.host, home.host);
  assert.equal(await knockAt(alice.onion, bob), 'ONION_AUTH_MISSING', 'the new one has no key for him');
  assert.equal(bob.people.message(id).state === 'delivered', false);
  assert.deepEqual(alice.people.search('still there'), []);
});
