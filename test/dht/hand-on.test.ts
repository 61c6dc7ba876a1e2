import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PeerId } from '@libp2p/interface';
import { handOn } from '../../src/dht/hand-on.ts';
import { HAND_ON_COPIES, HAND_ON_PEERS, HAND_ON_TIMEOUT_MS, PEER_REQUESTS } from '../../src/dht/limits.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { slotKey } from '../../src/wire/slot.ts';
import { ManualClock } from '../manual-clock.ts';
import { author, closestTo, gone, type Model, model, peers, silent } from './model.ts';
import { seededRandom } from './seeded-random.ts';

/** Slots by hex of their keys, as a store has them. */
function held(count: number): { slots: Uint8Array[]; bytesOf: (key: Uint8Array) => Uint8Array | null } {
  const all = new Map<string, Uint8Array>();
  const slots: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const { pk, slot } = author();
    slots.push(slotKey(pk));
    all.set(slotKey(pk).join(), slot(1));
  }
  return { slots, bytesOf: (key) => all.get(key.join()) ?? null };
}

/** Records who got which slot. */
function recording(network: Model, refuses: (peer: PeerId) => boolean = () => false): Map<string, PeerId[]> {
  const got = new Map<string, PeerId[]>();
  network.requests.putValue = async (peer, key) => {
    if (refuses(peer)) return false;
    got.set(key.join(), [...(got.get(key.join()) ?? []), peer]);
    return true;
  };
  return got;
}

const none = { random: systemRandom, signal: undefined, onProgress: undefined };

describe('handOn', { timeout: 10_000 }, () => {
  it('gives each slot to the closest live peers, and counts', async () => {
    const all = peers(18);
    const dead = all.slice(0, 6);
    const closer = (peer: PeerId): Promise<PeerId[]> => (dead.includes(peer) ? gone() : Promise.resolve(all));
    const network = model({ all, seeds: all.slice(4, 9), closer });
    const got = recording(network);
    const { slots, bytesOf } = held(10);
    const progress: number[] = [];
    const onProgress = ({ placed }: { placed: number }): void => void progress.push(placed);
    const done = await handOn(network, { ...none, slots, bytesOf, onProgress });
    assert.equal(done.slots, 10);
    assert.equal(done.placed, 10);
    assert.equal(done.copies, 10 * HAND_ON_COPIES);
    assert.deepEqual(progress, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const living = all.filter((peer) => !dead.includes(peer));
    for (const key of slots) {
      const expected = closestTo(key, living, HAND_ON_COPIES).map(String);
      assert.deepEqual(new Set(got.get(key.join())?.map(String)), new Set(expected));
    }
  });

  it('goes to the next closest where a peer refuses or fails, and leaves out what has expired', async () => {
    const all = peers(12);
    const network = model({ all, seeds: all, closer: async () => [] });
    const got = recording(network, (peer) => all.indexOf(peer) < 3);
    const put = network.requests.putValue.bind(network.requests);
    network.requests.putValue = (peer, ...rest) => (peer === all[11] ? gone() : put(peer, ...rest));
    const { slots, bytesOf } = held(6);
    const expired = slots[0] as Uint8Array;
    const done = await handOn(network, {
      ...none,
      slots,
      bytesOf: (key) => (key === expired ? null : bytesOf(key)),
    });
    assert.equal(done.placed, 5);
    assert.equal(got.has(expired.join()), false);
    for (const key of slots.slice(1)) assert.equal(got.get(key.join())?.length, HAND_ON_COPIES);
  });

  it('keeps to a few peers at once and a few requests to each', async () => {
    const all = peers(15);
    const network = model({ all, seeds: all, closer: async () => [] });
    const running = new Map<PeerId, number>();
    let most = 0;
    let mostPeers = 0;
    network.requests.putValue = async (peer) => {
      running.set(peer, (running.get(peer) ?? 0) + 1);
      most = Math.max(most, running.get(peer) ?? 0);
      mostPeers = Math.max(mostPeers, [...running.values()].filter((count) => count > 0).length);
      await new Promise((resolve) => setImmediate(resolve));
      running.set(peer, (running.get(peer) ?? 0) - 1);
      return true;
    };
    await handOn(network, { ...none, ...held(60) });
    assert.equal(most, PEER_REQUESTS);
    assert.equal(mostPeers, HAND_ON_PEERS);
  });

  it('goes by no order that a writer of slots could choose', async () => {
    const { slots, bytesOf } = held(40);
    const order = async (seed: number): Promise<number[]> => {
      const all = peers(1);
      const network = model({ all, seeds: all, closer: async () => [] });
      const got = recording(network);
      await handOn(network, { ...none, random: seededRandom(seed), slots, bytesOf });
      const keys = slots.map((key) => key.join());
      return [...got.keys()].map((key) => keys.indexOf(key));
    };
    const [first, again, other] = [await order(1), await order(1), await order(2)];
    assert.equal(first.length, slots.length);
    assert.deepEqual(first, again);
    assert.notDeepEqual(first, other);
    assert.notDeepEqual(
      first,
      slots.map((_, i) => i),
    );
  });

  it('does nothing without slots, and nothing more when its time is over', async () => {
    const clock = new ManualClock(Date.now());
    const all = peers(3);
    const network = model({ all, seeds: all, clock });
    assert.equal((await handOn(network, { ...none, ...held(0) })).copies, 0);
    assert.equal(network.asked.length, 0);
    network.requests.putValue = (_peer, _key, _value, signal) => silent(signal);
    const handing = handOn(network, { ...none, ...held(2) });
    await clock.advance(0);
    await clock.advance(HAND_ON_TIMEOUT_MS);
    assert.deepEqual({ ...(await handing), tookMs: 0 }, { slots: 2, placed: 0, copies: 0, tookMs: 0 });
  });

  it('rejects with the reason of its signal', async () => {
    const all = peers(3);
    const network = model({ all, seeds: all, closer: (_peer, _key, signal) => silent(signal) });
    const abort = new AbortController();
    const handing = handOn(network, { ...none, ...held(1), signal: abort.signal });
    abort.abort(new Error('the node stops'));
    await assert.rejects(handing, /the node stops/);
  });
});
