/** A DHT without a network: peers are entries of a table, and requests are calls that a test answers. */

import type { PeerId } from '@libp2p/interface';
import { distanceOf } from '../../src/dht/candidates.ts';
import { Entrances } from '../../src/dht/entrances.ts';
import { DhtError } from '../../src/dht/errors.ts';
import { peerOfKey } from '../../src/dht/links.ts';
import type { Network } from '../../src/dht/read.ts';
import type { KadRequests } from '../../src/dht/requests.ts';
import type { Clock } from '../../src/safety/clock.ts';
import { systemClock } from '../../src/safety/clock.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { signSlot } from '../../src/wire/slot.ts';
import { seededRandom } from './seeded-random.ts';

/** The same keys in each run. */
const randomBytes = seededRandom(7);

export function peers(count: number): PeerId[] {
  return Array.from({ length: count }, () => peerOfKey(randomBytes(32)));
}

/** The `count` peers of a list that are closest to a key. */
export function closestTo(key: Uint8Array, all: readonly PeerId[], count = 20): PeerId[] {
  const target = nodeProvider.sha256(key);
  return [...all].sort((a, b) => (distanceOf(a, target) < distanceOf(b, target) ? -1 : 1)).slice(0, count);
}

export interface ModelInit {
  readonly all: readonly PeerId[];
  readonly seeds: readonly PeerId[];
  readonly clock?: Clock;
  /** What a peer answers; by default the closest peers and, to a put, yes. Throw, or never resolve, for a dead one. */
  readonly closer?: (peer: PeerId, key: Uint8Array, signal: AbortSignal) => Promise<PeerId[]>;
  readonly value?: (peer: PeerId) => Uint8Array | null;
  readonly keep?: (peer: PeerId, value: Uint8Array) => boolean;
}

export interface Model extends Network {
  readonly asked: PeerId[];
  readonly entrances: Entrances;
}

export function model(init: ModelInit): Model {
  const asked: PeerId[] = [];
  const entrances = new Entrances(Number.MAX_SAFE_INTEGER);
  for (const seed of init.seeds) entrances.add(seed);
  const closer = init.closer ?? (async (_peer: PeerId, key: Uint8Array) => closestTo(key, init.all));
  const ask = (peer: PeerId, key: Uint8Array, signal: AbortSignal): Promise<PeerId[]> => {
    asked.push(peer);
    return closer(peer, key, signal);
  };
  const requests: Pick<KadRequests, 'findNode' | 'getValue' | 'putValue'> = {
    findNode: async (peer, key, signal) => ({ closer: await ask(peer, key, signal) }),
    getValue: async (peer, key, signal) => {
      const named = await ask(peer, key, signal);
      return { value: init.value?.(peer) ?? null, closer: named };
    },
    putValue: async (peer, _key, value) => init.keep?.(peer, value) ?? true,
  };
  return {
    own: peers(1)[0] as PeerId,
    routing: entrances,
    requests: requests as KadRequests,
    clock: init.clock ?? systemClock,
    provider: nodeProvider,
    asked,
    entrances,
  };
}

/** For a peer that is gone. */
export function gone(): Promise<never> {
  return Promise.reject(new DhtError('PEER_UNREACHABLE'));
}

/** For a peer that never answers. */
export function silent(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  );
}

export interface Author {
  readonly pk: Uint8Array;
  slot(seq: number, options?: { fill?: number; expiryMs?: number }): Uint8Array;
}

export function author(): Author {
  const signer = nodeProvider.ed25519.signer(randomBytes(32));
  return {
    pk: signer.publicKey,
    slot: (seq, { fill = 0, expiryMs = Date.now() + 3_600_000 } = {}) =>
      signSlot(
        { seq, expiry: Math.floor(expiryMs / 1000), ciphertext: new Uint8Array(512).fill(fill) },
        signer,
      ),
  };
}
