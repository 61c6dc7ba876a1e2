import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { peerIdFromString } from '@libp2p/peer-id';
import { FORGOTTEN_AFTER_FAILURES } from '../../src/dht/limits.ts';
import { addressOf } from '../../src/dht/links.ts';
import { systemClock } from '../../src/safety/clock.ts';
import { onionOf } from '../../src/wire/onion.ts';
import { slotKey } from '../../src/wire/slot.ts';
import { hastyClock } from './hasty-clock.ts';
import { DhtNetwork, type DhtNode } from './network.ts';

const { signal } = new AbortController();

/** Waits for what the network does by itself. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await systemClock.sleep(10);
}

describe('the DHT on a fake onion network', { timeout: 30_000 }, () => {
  let network: DhtNetwork;
  before(async () => {
    network = await DhtNetwork.create({ n: 7, urgent: true, clock: hastyClock(10) });
  });
  after(() => network.remove());

  const nodeAt = (index: number): DhtNode => network.nodes[index] as DhtNode;

  it('acquaints nodes that share no entry point, by lookups of their own', () => {
    const others = network.nodes.slice(3).map(({ persona }) => persona.peerId.toString());
    for (const { dht } of network.nodes.slice(3)) {
      assert.ok(dht.peers().some((peer) => others.includes(peer.toString())));
    }
    for (const { dht, persona } of network.nodes) {
      assert.ok(!dht.peers().some((peer) => peer.equals(persona.peerId)));
    }
  });

  it('carries a slot from one scout to another, and the newer version over the older', async () => {
    const { pk, slot } = network.writer();
    const [first, second] = [slot(1), slot(2, { fill: 2 })];
    const scouts = network.scouts();
    const [written] = await scouts.put([first], { signal });
    assert.ok((written?.holders ?? 0) >= 6);
    await scouts.put([second], { signal });
    const [older] = await scouts.put([first], { signal });
    assert.ok((older?.refused ?? 0) >= 5, 'an older version is refused');
    const [read] = await scouts.get([pk], { signal });
    assert.deepEqual(read?.bytes, second);
  });

  it('leaves nothing of a scout in routing tables, and shows a new peer id each time', async () => {
    const known = new Set(network.nodes.map(({ persona }) => persona.peerId.toString()));
    const seen = new Set<string>();
    const listen = (event: CustomEvent<{ toString(): string }>): void => {
      if (!known.has(event.detail.toString())) seen.add(event.detail.toString());
    };
    nodeAt(0).persona.libp2p.addEventListener('peer:connect', listen);
    const scouts = network.scouts();
    for (let i = 0; i < 2; i++) await scouts.get([network.writer().pk], { signal });
    nodeAt(0).persona.libp2p.removeEventListener('peer:connect', listen);
    assert.equal(seen.size, 2);
    for (const { dht } of network.nodes) {
      for (const peer of dht.peers()) assert.ok(known.has(peer.toString()));
    }
  });

  it('hands the slots of a node on, but never to a peer that its persona refuses', async () => {
    const leaving = nodeAt(5);
    const successor = nodeAt(6);
    leaving.persona.refuse(successor.persona.peerId);
    const writers = Array.from({ length: 5 }, () => network.writer());
    for (const { pk, slot } of writers) leaving.store.offer(slotKey(pk), slot(1), null);
    const done = await leaving.dht.handOn({ signal });
    assert.equal(done.placed, done.slots);
    assert.ok(done.slots >= 5);
    for (const { pk } of writers) {
      const holders = network.nodes.filter(({ store }) => store.get(slotKey(pk)) !== null);
      assert.ok(!holders.includes(successor), 'the successor got a slot');
      assert.ok(holders.length > 3);
    }
  });

  it('forgets a peer that is gone, in table and peer store, and enters nobody who is not there', async () => {
    const [gone, other] = [nodeAt(4), nodeAt(2)];
    await network.kill([gone]);
    const { onion, peerId } = gone.persona;
    await until(() => other.persona.libp2p.getConnections(peerId).length === 0);
    for (let i = 0; i < FORGOTTEN_AFTER_FAILURES; i++) {
      await assert.rejects(other.dht.enter(onion, { signal }), { code: 'PEER_UNREACHABLE' });
    }
    await until(() => !other.dht.peers().some((peer) => peer.equals(peerId)));
    while (await other.persona.libp2p.peerStore.has(peerId)) await systemClock.sleep(10);
  });

  it('says that it has no peers, and waits for the first', async () => {
    const lone = await network.node({ entries: [] });
    await assert.rejects(lone.dht.get(network.random(32)), { code: 'NO_PEERS' });
    await assert.rejects(lone.dht.put(network.writer().slot(1)), { code: 'NO_PEERS' });
    await assert.rejects(lone.dht.ready(AbortSignal.abort(new Error('enough'))), /enough/);
    const ready = lone.dht.ready(signal);
    await lone.dht.enter(nodeAt(1).persona.onion, { signal });
    await ready;
    assert.ok(lone.dht.peers().length > 0);
    await lone.stop();
    await assert.rejects(lone.dht.ready(signal), /stopped/);
  });

  it('gets past a peer that invents others', async () => {
    await network.node({ lie: 'flood' });
    const { pk, slot } = network.writer();
    const scouts = network.scouts();
    const before = network.fake.stats().dials;
    const [written] = await scouts.put([slot(1)], { signal });
    assert.ok((written?.holders ?? 0) >= 6);
    const [read] = await scouts.get([pk], { signal });
    assert.equal(read?.slot?.seq, 1);
    const dials = network.fake.stats().dials - before;
    assert.ok(dials < 70, `${dials} dials for a put and a get among eight nodes`);
  });

  it('knows one address of a peer, and none of a peer whose id is no Ed25519 key', () => {
    const key = network.random(32);
    const { persona } = nodeAt(0);
    const { host } = persona.onion;
    assert.equal(
      addressOf(persona.peerId)?.toString(),
      `/onion3/${host}:1000/p2p/${persona.peerId.toString()}`,
    );
    const hashed = peerIdFromString('QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N');
    assert.equal(addressOf(hashed), undefined);
    assert.equal(onionOf(key).host.length, 56);
  });
});
