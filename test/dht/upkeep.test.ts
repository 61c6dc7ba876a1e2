/** What a peer that serves does by itself: finds its neighbours, gets over the loss of all, takes back room. */

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { systemClock } from '../../src/safety/clock.ts';
import { SWEEP_INTERVAL_MS } from '../../src/dht/limits.ts';
import { slotKey } from '../../src/wire/slot.ts';
import { ManualClock } from '../manual-clock.ts';
import { hastyClock } from './hasty-clock.ts';
import { DhtNetwork, type DhtNode } from './network.ts';

let network: DhtNetwork;
afterEach(() => network.remove());

const { signal } = new AbortController();
const knows = ({ dht }: DhtNode, { persona }: DhtNode): boolean =>
  dht.peers().some((peer) => peer.equals(persona.peerId));

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await systemClock.sleep(10);
}

test('nodes that join together all come to know each other', { timeout: 20_000 }, async () => {
  network = await DhtNetwork.create({ n: 1, urgent: true, clock: hastyClock(20) });
  const joined = await Promise.all(Array.from({ length: 6 }, () => network.node()));
  await until(() => joined.every((one) => one.dht.peers().length === joined.length));
});

test('peers that cannot be reached do not keep those that can out of the table', {
  timeout: 8_000,
}, async () => {
  // a dial is given up after a minute: a quarter of one here
  network = await DhtNetwork.create({ n: 1, urgent: true, clock: hastyClock(4) });
  const [victim] = network.nodes as [DhtNode];
  const liar = await network.node({ lie: 'flood', entries: [] });
  const before = network.fake.stats().dials;
  await liar.dht.enter(victim.persona.onion, { signal });
  // dials that hang for minutes, as those of dead onions may in tor: of the peers that the liar invents
  network.fake.set({ setupMs: 40 * 60_000 });
  await until(() => network.fake.stats().dials > before + 4);
  await systemClock.sleep(300);
  network.fake.set({ setupMs: 0 });
  const fresh = await network.node({ entries: [victim.persona.onion] });
  await until(() => knows(victim, fresh));
});

test('a node whose neighbours have all gone stops counting on them, and starts anew', {
  timeout: 20_000,
}, async () => {
  network = await DhtNetwork.create({ n: 5, urgent: true, clock: hastyClock(20) });
  const [left, ...gone] = network.nodes as [DhtNode, ...DhtNode[]];
  await network.kill(gone);
  await until(() => left.dht.peers().length === 0);
  // enough for the node to enter again; the dead leave the table by themselves
  const fresh = await Promise.all([network.node({ entries: [] }), network.node({ entries: [] })]);
  await left.dht.enter(fresh[0].persona.onion, { signal });
  await fresh[1].dht.enter(fresh[0].persona.onion, { signal });
  await until(() => knows(left, fresh[0]) && knows(left, fresh[1]) && knows(fresh[1], left));
  const { pk, slot } = network.writer();
  const written = await left.dht.put(slot(1), { signal });
  assert.equal(written.holders, 2);
  assert.equal((await fresh[1].dht.get(pk, { signal })).slot?.seq, 1);
});

test('slots that expired leave within the hour, until the service stops', { timeout: 10_000 }, async () => {
  const clock = new ManualClock();
  network = await DhtNetwork.create({ n: 1, dhtClock: clock });
  const [node] = network.nodes as [DhtNode];
  const { pk, slot } = network.writer();
  const expiry = Math.floor(clock.now() / 1000) + 60;
  node.store.offer(slotKey(pk), slot(1, { expiry }), null);
  await clock.advance(SWEEP_INTERVAL_MS);
  assert.equal(node.store.stats().slots, 0);
  await node.stop();
  await clock.advance(0);
  assert.equal(clock.sleeping, 0);
});
