/**
 * What a handle does with the slots it holds before it goes: gives each to the live peers closest to its key. Slots
 * are signed by their writers, so whoever receives one needs to believe nothing.
 *
 * A slot lies near its holders, so one lookup of the handle's own neighbourhood finds the peers for all of them; then
 * each peer gets all its slots over one connection, in random order: were the closest first, keys ground to lie close
 * would use up the time. What got too few copies goes to the next closest. Not done: to tell anybody that the handle
 * goes, or to dial the handle that takes its place (the persona refuses that one).
 */

import type { PeerId } from '@libp2p/interface';
import type { RandomBytes } from '../safety/random.ts';
import { distanceOf } from './candidates.ts';
import { sample } from './entry-points.ts';
import { HAND_ON_COPIES, HAND_ON_PEERS, HAND_ON_TIMEOUT_MS, HAND_ON_TRIES, PEER_REQUESTS } from './limits.ts';
import { kadIdOf } from './links.ts';
import { lookup } from './lookup.ts';
import type { Network } from './read.ts';

export interface HandedOn {
  /** Slots that were held. */
  readonly slots: number;
  /** Of these, how many have at least one new or confirmed holder. */
  readonly placed: number;
  /** Copies that peers said they keep. */
  readonly copies: number;
  readonly tookMs: number;
}

export type HandOnProgress = (progress: { readonly slots: number; readonly placed: number }) => void;

export interface HandOnInit {
  /** Keys of the slots. */
  readonly slots: readonly Uint8Array[];
  /** A slot by its key; null when it has expired meanwhile. */
  readonly bytesOf: (key: Uint8Array) => Uint8Array | null;
  readonly random: RandomBytes;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: HandOnProgress | undefined;
}

interface Parcel {
  readonly key: Uint8Array;
  /** Peers to try next, closest first. */
  readonly next: PeerId[];
  copies: number;
}

/** Resolves with what was done when it is done or its time is over; rejects with the signal's reason. */
export async function handOn(network: Network, init: HandOnInit): Promise<HandedOn> {
  const { clock } = network;
  const startMs = clock.monotonic();
  const slots = init.slots.length;
  const done = { slots, placed: 0, copies: 0 };
  const timer = new AbortController();
  const over = new AbortController();
  // not awaited: it ends with its own signal
  void clock.sleep(HAND_ON_TIMEOUT_MS, timer.signal).then(
    () => over.abort(new Error('the time to hand on is over')),
    () => undefined,
  );
  const signal = init.signal === undefined ? over.signal : AbortSignal.any([init.signal, over.signal]);
  try {
    if (slots > 0) await deliver(network, { ...init, signal }, done);
  } catch (error) {
    if (!over.signal.aborted) throw error;
  } finally {
    timer.abort();
  }
  return { ...done, tookMs: clock.monotonic() - startMs };
}

async function deliver(
  network: Network,
  { slots, bytesOf, random, signal, onProgress }: HandOnInit & { readonly signal: AbortSignal },
  done: { slots: number; placed: number; copies: number },
): Promise<void> {
  const live = await neighbours(network, { hurry: true, signal });
  const parcels = sample(slots, slots.length, random).map((key) => parcelOf(network, key, live));
  const put = async (peer: PeerId, parcel: Parcel): Promise<void> => {
    const bytes = bytesOf(parcel.key);
    if (bytes === null || !(await network.requests.putValue(peer, parcel.key, bytes, signal))) return;
    done.copies++;
    if (parcel.copies++ > 0) return;
    done.placed++;
    onProgress?.({ slots: slots.length, placed: done.placed });
  };
  for (let round = 0; round < HAND_ON_TRIES; round++) {
    const loads = group(parcels);
    if (loads.length === 0) return;
    await inParallel(loads, HAND_ON_PEERS, ([peer, load]) =>
      inParallel(load, PEER_REQUESTS, (parcel) => put(peer, parcel).catch(() => signal.throwIfAborted())),
    );
  }
}

/** Live peers around this one, which is where its slots belong. In a hurry those that answer late are left out. */
export function neighbours(
  { clock, own, requests, routing }: Network,
  { hurry, signal }: { readonly hurry: boolean; readonly signal: AbortSignal },
): Promise<PeerId[]> {
  const key = own.toMultihash().bytes;
  return lookup({
    target: kadIdOf(own),
    own,
    routing,
    clock,
    signal,
    ask: (peer, asking) => requests.findNode(peer, key, asking),
    onAnswer: () => {},
    enough: () => false,
    acceptable: () => hurry,
    tolerable: () => true,
  });
}

function parcelOf({ provider }: Network, key: Uint8Array, live: readonly PeerId[]): Parcel {
  const target = provider.sha256(key);
  const near = live.map((peer) => ({ peer, distance: distanceOf(peer, target) }));
  near.sort((a, b) => (a.distance < b.distance ? -1 : 1));
  return { key, copies: 0, next: near.slice(0, HAND_ON_TRIES).map(({ peer }) => peer) };
}

/** For each peer what it gets in this round: of each slot as many copies as are missing. */
function group(parcels: readonly Parcel[]): [PeerId, Parcel[]][] {
  const loads = new Map<PeerId, Parcel[]>();
  for (const parcel of parcels) {
    for (const peer of parcel.next.splice(0, HAND_ON_COPIES - parcel.copies)) {
      const load = loads.get(peer);
      if (load === undefined) loads.set(peer, [parcel]);
      else load.push(parcel);
    }
  }
  return [...loads];
}

/** Runs `work` for all, a few at a time. */
async function inParallel<T>(
  all: readonly T[],
  width: number,
  work: (one: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < all.length) await work(all[next++] as T);
  };
  await Promise.all(Array.from({ length: Math.min(width, all.length) }, worker));
}
