import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PeerId } from '@libp2p/interface';
import { AGREEING_HOLDERS } from '../../src/dht/limits.ts';
import { readSlot } from '../../src/dht/read.ts';
import { ManualClock } from '../manual-clock.ts';
import { author, model, peers, silent } from './model.ts';

/** Twenty peers, of which the first ones answer with what a test says. */
function holders(values: readonly (Uint8Array | null)[]) {
  const all = peers(20);
  const value = (peer: PeerId): Uint8Array | null => values[all.indexOf(peer)] ?? null;
  return model({ all, seeds: all.slice(0, 6), value, closer: async () => all });
}

describe('readSlot', { timeout: 10_000 }, () => {
  it('returns what its writer signed, and says how many answered', async () => {
    const { pk, slot } = author();
    const bytes = slot(7, { fill: 1 });
    const network = holders(Array.from({ length: 20 }, () => bytes));
    const read = await readSlot(network, pk);
    assert.deepEqual(read.bytes, bytes);
    assert.equal(read.slot?.seq, 7);
    assert.deepEqual(read.conflicts, []);
    assert.ok(read.answers >= AGREEING_HOLDERS);
    assert.ok(network.asked.length < 20, 'it went on after enough agreed');
  });

  it('prefers the highest seq, however few hold it', async () => {
    const { pk, slot } = author();
    const old = slot(1);
    const read = await readSlot(holders([...Array.from({ length: 3 }, () => old), slot(2), old]), pk);
    assert.equal(read.slot?.seq, 2);
    assert.deepEqual(read.conflicts, []);
  });

  it('returns other slots of the same seq as conflicts, and the one that most hold first', async () => {
    const { pk, slot } = author();
    const [one, other] = [slot(3, { fill: 1 }), slot(3, { fill: 2 })];
    const read = await readSlot(holders([other, one, one, slot(2), other, one]), pk);
    assert.deepEqual(read.bytes, one);
    assert.deepEqual(read.conflicts, [other]);
  });

  it('drops what is forged, expired, cut, or the slot of another key', async () => {
    const { pk, slot } = author();
    const good = slot(1);
    const forged = slot(9);
    forged.set([1], 60);
    const bad = [forged, author().slot(9), slot(9, { expiryMs: Date.now() - 2_000 }), good.subarray(1)];
    const read = await readSlot(holders([...bad, good]), pk);
    assert.deepEqual(read.bytes, good);
    assert.deepEqual(read.conflicts, []);
  });

  it('says null when nobody has it', async () => {
    const read = await readSlot(holders([]), author().pk);
    assert.equal(read.bytes, null);
    assert.equal(read.slot, null);
    assert.equal(read.answers, 20);
  });

  it('says null in the end, too, when a peer is silent', async () => {
    const clock = new ManualClock(Date.now());
    const all = peers(4);
    const closer = (peer: PeerId, _key: Uint8Array, signal: AbortSignal): Promise<PeerId[]> =>
      peer === all[2] ? silent(signal) : Promise.resolve(all);
    const reading = readSlot(model({ all, seeds: all, clock, closer }), author().pk);
    for (let seconds = 0; seconds < 15; seconds++) await clock.advance(1_000);
    assert.equal((await reading).answers, 3);
  });

  it('does not believe holders of one path alone while another may still answer', async () => {
    const { pk, slot } = author();
    const all = peers(20);
    const [stale, fresh] = [slot(1), slot(2)];
    // the first path begins with a peer that names only its own; they agree on an old slot
    const own = all.slice(1, 8);
    const late = Promise.withResolvers<void>();
    const closer = async (peer: PeerId): Promise<PeerId[]> => {
      if (peer === all[0] || own.includes(peer)) return own;
      await late.promise;
      return all.slice(9);
    };
    const value = (peer: PeerId): Uint8Array => (all.indexOf(peer) < 8 ? stale : fresh);
    const network = model({ all, seeds: [all[0], all[8]] as PeerId[], closer, value });
    const reading = readSlot(network, pk);
    await new Promise((resolve) => setTimeout(resolve, 20));
    late.resolve();
    assert.equal((await reading).slot?.seq, 2);
  });

  it('is content with one holder when nobody else answers for a while', async () => {
    const { pk, slot } = author();
    const clock = new ManualClock(Date.now());
    const all = peers(10);
    const bytes = slot(1);
    const network = model({
      all,
      seeds: all,
      clock,
      value: () => bytes,
      closer: (peer, _key, signal) => (peer === all[0] ? Promise.resolve([]) : silent(signal)),
    });
    const reading = readSlot(network, pk);
    for (let seconds = 0; seconds < 15; seconds++) await clock.advance(1_000);
    assert.deepEqual((await reading).bytes, bytes);
  });
});
