/**
 * A node's home, handles and scouts as their peers see them, wired as the product wires them: all that is said to
 * anybody is recorded as it is decrypted there, by the key that said it, and searched for the others of the node.
 */

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { sealSlot } from '../../src/dht/sealed-slot.ts';
import { createPersona } from '../../src/net/persona/persona.ts';
import { LinkChannel } from '../../src/net/secure-channel.ts';
import { PersonaTor } from '../../src/node/persona-tor.ts';
import { concat, toHex, utf8 } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { silent } from '../../src/safety/log.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { FakeNetwork } from '../../src/testnet/fake-proxy.ts';
import { OnionEndpoint } from '../../src/transport-tor/endpoint.ts';
import { type OnionAddress, onionOf } from '../../src/wire/onion.ts';
import { finds, traces } from '../net/persona/traces.ts';
import { LeapingClock, OverlayNode } from './overlay-nodes.ts';

const EPOCHS = { lengthMs: 3_600_000, windowMs: 200 };

/** What was read from each key, by anybody. */
const said = new Map<string, Uint8Array[]>();
const read = LinkChannel.prototype.read;
LinkChannel.prototype.read = async function (this: LinkChannel, ...args) {
  const bytes = await read.apply(this, args);
  if (bytes !== null) {
    const from = toHex(this.remoteKey);
    said.set(from, [...(said.get(from) ?? []), bytes.slice()]);
  }
  return bytes;
};

const dir = await mkdtemp(join(tmpdir(), 'ku-'));
const clock = new LeapingClock();
/** Isolation names with which each onion was dialed. */
const circuits = new Map<string, Set<string>>();
const network = new FakeNetwork({
  dir,
  onDial: ({ host, username, password }) => {
    const seen = circuits.get(host) ?? new Set();
    circuits.set(host, seen.add(`${username}:${password}`));
  },
});
const soon = (): AbortSignal => AbortSignal.timeout(20_000);
const stops: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const stop of stops.toReversed()) await stop();
  await network.stop();
  await rm(dir, { recursive: true, force: true });
});

async function overlayNode(
  name: string,
  entryPoints: OnionAddress[],
  options: { isPublic?: boolean; avoid?: OnionAddress[] } = {},
): Promise<OverlayNode> {
  const common = { dir, clock, epochs: EPOCHS, ...options };
  const node = await OverlayNode.start({ ...common, name, tor: network.tor(), entryPoints });
  stops.push(() => node.stop());
  await node.until(({ onion }) => onion !== null, soon());
  return node;
}

/** A home persona on a tor of its own, and one that looks at what it says. */
async function home(name: string): Promise<OnionAddress> {
  const host = network.tor();
  await host.start();
  const socketDir = join(dir, name);
  await mkdir(socketDir);
  const seed = systemRandom(32);
  const tor = new PersonaTor({ host, socketDir, clock, random: systemRandom, log: silent });
  const endpoint = new OnionEndpoint({ seed, socketDir, services: host.services });
  const persona = await createPersona({
    seed,
    listen: true,
    transport: tor.transport('home', { endpoint }),
    clock,
  });
  await persona.start();
  await endpoint.start();
  stops.push(
    () => endpoint.stop(),
    () => persona.stop(),
  );
  if (name === 'home') {
    const friend = await home('friend');
    await persona.connect(friend, { signal: soon() });
  }
  return onionOf(nodeProvider.ed25519.publicKey(seed));
}

test('home, two handles and the scouts of one node have nothing in common that a peer sees', {
  timeout: 45_000,
}, async () => {
  const ownHome = await home('home');
  const friends = await home('friend of a friend');
  const first = await overlayNode('p1', [], { isPublic: true });
  const second = await overlayNode('p2', [first.onion], { isPublic: true });
  const node = await overlayNode('n', [first.onion, ownHome], { avoid: [ownHome] });
  await overlayNode('m', [first.onion]);
  await node.until(({ peers }) => peers >= 3, soon());
  const firstHandle = node.onion;

  // somebody takes an address for `say` for one of the overlay
  await assert.rejects(node.overlay.addPeer(ownHome, soon()), { code: 'OWN_ONION' });
  await assert.rejects(node.overlay.addPeer(friends, soon()), { code: 'NOT_AN_ENTRY' });
  assert.ok(!node.overlay.peers().entryPoints.some(({ onion }) => onion.startsWith(friends.host)));

  const { bytes, reference } = sealSlot(utf8('hello'), { expiry: Math.floor(clock.now() / 1000) + 3600 });
  const others = new Set(said.keys());
  const [written] = await node.overlay.scouts.put([bytes], { signal: soon() });
  assert.ok(written !== undefined && written.holders > 0);
  const [found] = await node.overlay.scouts.get([reference.pk], { signal: soon() });
  assert.ok(found?.slot);
  const scouts = [...said.keys()].filter((key) => !others.has(key));
  assert.equal(scouts.length, 2, 'one key for each batch');

  const epoch = Math.floor(clock.now() / EPOCHS.lengthMs) + 1;
  clock.leap(epoch * EPOCHS.lengthMs);
  await node.until((status) => status.epoch === epoch && !status.changing && status.peers >= 2, soon());
  const secondHandle = node.onion;
  assert.notEqual(secondHandle.host, firstHandle.host);

  const own = [ownHome, firstHandle, secondHandle, ...scouts.map((key) => onionOf(Buffer.from(key, 'hex')))];
  for (const self of own) {
    const heard = concat(...(said.get(toHex(self.publicKey)) ?? []));
    assert.ok(finds(heard, traces(self)) > 0, 'its own key is found, so another would be');
    for (const other of own.filter(({ host }) => host !== self.host)) {
      assert.equal(finds(heard, traces(other)), 0, `${own.indexOf(self)} gives away ${own.indexOf(other)}`);
    }
  }
  assert.equal(circuits.get(ownHome.host), undefined, 'the overlay never dialed home');
  // each of the handles and scouts that met the public nodes came on circuits of its own
  for (const { onion } of [first, second]) {
    const names = circuits.get(onion.host) ?? new Set();
    const personas: number = [firstHandle, secondHandle].length + scouts.length;
    assert.ok(names.size >= personas, `${names.size} circuits for at least ${personas} personas`);
  }
});
