import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PeerId } from '@libp2p/interface';
import { LOOKUP_MAX_ASKED, LOOKUP_PARALLEL_STALLED, REPLICATION } from '../../src/dht/limits.ts';
import { lookup } from '../../src/dht/lookup.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { ManualClock } from '../manual-clock.ts';
import { closestTo, gone, type Model, model, peers, silent } from './model.ts';

const KEY = Uint8Array.of(1, 2, 3);

interface Options {
  readonly signal?: AbortSignal;
  readonly enough?: () => boolean;
  readonly acceptable?: () => boolean;
  readonly onAnswer?: (peer: PeerId, path: number) => void;
}

function run(network: Model, { signal, enough, acceptable, onAnswer }: Options = {}): Promise<PeerId[]> {
  const { clock, own, requests, routing } = network;
  return lookup({
    target: nodeProvider.sha256(KEY),
    own,
    routing,
    clock,
    signal,
    ask: (peer, asking) => requests.findNode(peer, KEY, asking),
    onAnswer: (_answer, { peer, path }) => onAnswer?.(peer, path),
    enough: enough ?? (() => false),
    acceptable: acceptable ?? (() => false),
    tolerable: () => false,
  });
}

const names = (list: readonly PeerId[]): string[] => list.map(String);

describe('lookup', { timeout: 10_000 }, () => {
  it('finds the closest peers of a large network, each of which knows only a few', async () => {
    const all = peers(400);
    const knows = new Map(
      all.map((peer, i) => [peer.toString(), all.filter((_, j) => (i * 31 + j * 17) % 7 < 2)]),
    );
    const closer = async (peer: PeerId, key: Uint8Array): Promise<PeerId[]> =>
      closestTo(key, knows.get(peer.toString()) ?? []);
    const network = model({ all, seeds: all.slice(0, 3), closer });
    const found = await run(network);
    const best = new Set(names(closestTo(KEY, all, 8)));
    assert.equal(
      names(found)
        .slice(0, 8)
        .filter((name) => best.has(name)).length,
      8,
    );
    assert.ok(network.asked.length <= LOOKUP_MAX_ASKED);
  });

  it('asks each peer once, and never itself', async () => {
    const all = peers(12);
    const network = model({ all, seeds: all.slice(0, 2), closer: async () => [...all, network.own] });
    const found = await run(network);
    assert.equal(new Set(names(network.asked)).size, network.asked.length);
    assert.deepEqual(new Set(names(found)), new Set(names(all)));
  });

  it('gets past a third of dead peers to all that live', async () => {
    const all = peers(30);
    const dead = new Set(names(all.filter((_, i) => i % 3 === 2)));
    const closer = (peer: PeerId): Promise<PeerId[]> =>
      dead.has(peer.toString()) ? gone() : Promise.resolve(closestTo(KEY, all));
    const found = await run(model({ all, seeds: all.slice(0, 2), closer }));
    const living = names(closestTo(KEY, all)).filter((name) => !dead.has(name));
    for (const name of living) assert.ok(names(found).includes(name));
  });

  it('is not kept from the living by peers that only invent others, and asks a bounded number', async () => {
    const honest = peers(15);
    const liars = peers(4);
    const all = [...honest, ...liars];
    const known = new Set(names(all));
    const closer = (peer: PeerId): Promise<PeerId[]> => {
      if (!known.has(peer.toString())) return gone();
      if (liars.includes(peer)) return Promise.resolve(closestTo(KEY, peers(200)));
      return Promise.resolve(closestTo(KEY, all));
    };
    const network = model({ all, seeds: [honest[0], liars[0], honest[1]] as PeerId[], closer });
    const found = await run(network);
    assert.ok(network.asked.length <= LOOKUP_MAX_ASKED, `${network.asked.length} asked`);
    const reached = honest.filter((peer) => found.includes(peer)).length;
    assert.equal(reached, honest.length);
  });

  it('ends when the caller has enough, and cuts what is still asked', async () => {
    const all = peers(20);
    let cut = 0;
    const closer = (peer: PeerId, _key: Uint8Array, signal: AbortSignal): Promise<PeerId[]> => {
      if (peer === all[0]) return Promise.resolve(all);
      signal.addEventListener('abort', () => cut++);
      return peer === all[1] ? Promise.resolve([]) : silent(signal);
    };
    let answers = 0;
    const network = model({ all, seeds: all.slice(0, 2), closer });
    await run(network, { onAnswer: () => answers++, enough: () => answers === 2 });
    assert.equal(answers, 2);
    assert.ok(cut > 0);
  });

  it('asks around peers that are slow, and ends with what will do when nobody answers for a while', async () => {
    const all = peers(60);
    const clock = new ManualClock();
    const answering = new Set(names(all.slice(0, 2)));
    const closer = (peer: PeerId, _key: Uint8Array, signal: AbortSignal): Promise<PeerId[]> =>
      answering.has(peer.toString()) ? Promise.resolve(closestTo(KEY, all)) : silent(signal);
    const network = model({ all, seeds: all.slice(0, 2), clock, closer });
    let over = false;
    const running = run(network, { acceptable: () => true }).finally(() => (over = true));
    await clock.advance(0);
    await clock.advance(3_500);
    assert.equal(over, false);
    assert.ok(network.asked.length > 8, `${network.asked.length} asked although all are slow`);
    assert.ok(network.asked.length <= LOOKUP_PARALLEL_STALLED + 2);
    await clock.advance(2_000);
    assert.equal((await running).length, 2);
  });

  it('takes in peers that become known while it runs, on a path of their own', async () => {
    const all = peers(3);
    const closer = (peer: PeerId, _key: Uint8Array, signal: AbortSignal): Promise<PeerId[]> =>
      peer === all[0] ? silent(signal) : Promise.resolve([]);
    const network = model({ all, seeds: all.slice(0, 1), closer });
    const paths = new Set<number>();
    const running = run(network, {
      onAnswer: (_peer, path) => paths.add(path),
      enough: () => paths.size === 2,
    });
    for (const late of all.slice(1)) network.entrances.add(late);
    assert.equal((await running).length, 2);
  });

  it('stops asking when the k closest have answered', async () => {
    const all = peers(200);
    const network = model({ all, seeds: all.slice(0, 3) });
    const found = await run(network);
    assert.ok(found.length >= REPLICATION);
    assert.ok(network.asked.length <= REPLICATION + 12, `${network.asked.length} asked`);
  });

  it('rejects with the reason of its signal, before and during', async () => {
    const all = peers(2);
    const closer = (_peer: PeerId, _key: Uint8Array, signal: AbortSignal): Promise<never> => silent(signal);
    const network = model({ all, seeds: all, closer });
    const reason = new Error('no longer needed');
    await assert.rejects(run(network, { signal: AbortSignal.abort(reason) }), reason);
    const abort = new AbortController();
    const running = run(network, { signal: abort.signal });
    abort.abort(reason);
    await assert.rejects(running, reason);
  });
});
