import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PeerId } from '@libp2p/interface';
import { WRITE_ENOUGH, WRITE_HOLDERS } from '../../src/dht/limits.ts';
import { writeSlot } from '../../src/dht/write.ts';
import { slotKey } from '../../src/wire/slot.ts';
import { ManualClock } from '../manual-clock.ts';
import { author, closestTo, gone, model, peers, silent } from './model.ts';

describe('writeSlot', { timeout: 10_000 }, () => {
  it('gives the slot to the peers closest to its key, each once', async () => {
    const { pk, slot } = author();
    const all = peers(60);
    const kept: string[] = [];
    const network = model({ all, seeds: all.slice(0, 3), keep: (peer) => kept.push(peer.toString()) > 0 });
    const written = await writeSlot(network, slot(1));
    assert.ok(written.holders >= WRITE_HOLDERS);
    assert.equal(new Set(kept).size, kept.length);
    const closest = closestTo(slotKey(pk), all, 10).map(String);
    assert.equal(closest.filter((peer) => kept.includes(peer)).length, closest.length);
  });

  it('counts those that refuse and those that are gone', async () => {
    const all = peers(12);
    const network = model({ all, seeds: all, keep: (peer) => all.indexOf(peer) % 3 !== 0 });
    const put = network.requests.putValue.bind(network.requests);
    network.requests.putValue = async (peer, ...rest) =>
      all.indexOf(peer) % 3 === 1 ? gone() : put(peer, ...rest);
    const { holders, refused, unreachable } = await writeSlot(network, author().slot(1));
    assert.deepEqual({ holders, refused, unreachable }, { holders: 4, refused: 4, unreachable: 4 });
  });

  it('is not held up by invented peers that are closer than anybody: they are passed over', async () => {
    const clock = new ManualClock(Date.now());
    const honest = peers(17);
    const [liar] = peers(1) as [PeerId];
    const all = [...honest, liar];
    const network = model({
      all,
      seeds: [liar, ...honest.slice(0, 2)],
      clock,
      closer: (peer, key, signal) => {
        if (peer === liar) return Promise.resolve(closestTo(key, peers(400)));
        return all.includes(peer) ? Promise.resolve(closestTo(key, all)) : silent(signal);
      },
    });
    const written = await writeSlot(network, author().slot(1));
    assert.ok(written.holders >= WRITE_HOLDERS);
    assert.equal(written.tookMs, 0, 'without waiting for them');
  });

  it('ends when enough keep it and the rest is silent', async () => {
    const clock = new ManualClock(Date.now());
    const all = peers(20);
    const network = model({
      all,
      seeds: all,
      clock,
      closer: (peer, _key, signal) =>
        all.indexOf(peer) < WRITE_ENOUGH ? Promise.resolve([]) : silent(signal),
    });
    const writing = writeSlot(network, author().slot(1));
    for (let s = 0; s < 12; s++) await clock.advance(1_000);
    assert.equal((await writing).holders, WRITE_ENOUGH);
  });

  it('ends in a network of a few, one of whom is silent', async () => {
    const clock = new ManualClock(Date.now());
    const all = peers(6);
    const closer = (peer: PeerId, _key: Uint8Array, signal: AbortSignal): Promise<PeerId[]> =>
      peer === all[2] ? silent(signal) : Promise.resolve(all);
    const writing = writeSlot(model({ all, seeds: all.slice(0, 2), clock, closer }), author().slot(1));
    for (let s = 0; s < 15; s++) await clock.advance(1_000);
    assert.equal((await writing).holders, 5);
  });

  it('does not wait for a put that hangs when enough others keep it', async () => {
    const clock = new ManualClock(Date.now());
    const all = peers(15);
    const network = model({ all, seeds: all, clock });
    const put = network.requests.putValue.bind(network.requests);
    network.requests.putValue = (peer, key, value, signal) =>
      peer === all[3] ? silent(signal) : put(peer, key, value, signal);
    const writing = writeSlot(network, author().slot(1));
    for (let s = 0; s < 12; s++) await clock.advance(1_000);
    assert.equal((await writing).holders, 14);
  });

  it('asks nobody about a slot that nobody would keep', async () => {
    const all = peers(3);
    const network = model({ all, seeds: all });
    const expired = author().slot(1, { expiryMs: Date.now() - 2_000 });
    await assert.rejects(writeSlot(network, expired), { code: 'SLOT_EXPIRED' });
    const forged = author().slot(1);
    forged.set([1], 60);
    await assert.rejects(writeSlot(network, forged), { code: 'SLOT_SIGNATURE' });
    assert.equal(network.asked.length, 0);
  });

  it('rejects with the reason of its signal, during a put too', async () => {
    const all = peers(3);
    const network = model({ all, seeds: all });
    const abort = new AbortController();
    network.requests.putValue = (_peer, _key, _value, signal) => {
      queueMicrotask(() => abort.abort(new Error('no longer needed')));
      return silent(signal);
    };
    await assert.rejects(writeSlot(network, author().slot(1), abort.signal), /no longer needed/);
  });
});
