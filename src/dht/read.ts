/**
 * Reads a slot: asks ever closer peers on disjoint paths and believes no single one. The highest seq with a good
 * signature wins; other bytes with the same seq are proof that the writer signed twice, and are returned beside it.
 *
 * It ends when several holders on more than one path agree, or when one has answered and then nobody for a while. So
 * a stale slot can win if a newer one reached only holders that were not asked; the seq tells readers what they
 * already knew better. That nothing was found proves nothing.
 */

import type { PeerId } from '@libp2p/interface';
import { copyOf, toHex } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { type Slot, slotKey } from '../wire/slot.ts';
import { AGREEING_HOLDERS, AGREEING_PATHS, MAX_CONFLICTS_READ } from './limits.ts';
import { lookup, type Routing } from './lookup.ts';
import type { KadRequests } from './requests.ts';
import { checkSlot } from './slot-rules.ts';

/** What reads and writes work with. */
export interface Network {
  readonly own: PeerId;
  readonly routing: Routing;
  readonly requests: KadRequests;
  readonly clock: Clock;
  readonly provider: Provider;
}

export interface SlotRead {
  /** The slot as its writer signed it, or null where nobody had one. */
  readonly bytes: Uint8Array | null;
  readonly slot: Slot | null;
  /** How many peers answered at all. */
  readonly answers: number;
  /** Other slots with the same seq, signed by the same key. */
  readonly conflicts: readonly Uint8Array[];
  readonly tookMs: number;
}

interface Version {
  readonly bytes: Uint8Array;
  readonly slot: Slot;
  readonly paths: Set<number>;
  holders: number;
}

/** Rejects only with the signal's reason. */
export async function readSlot(network: Network, pk: Uint8Array, signal?: AbortSignal): Promise<SlotRead> {
  const { clock, own, provider, requests, routing } = network;
  const startMs = clock.monotonic();
  const key = slotKey(pk);
  const seen = new Versions((bytes) => checkSlot(bytes, { key, nowMs: clock.now(), provider }));
  let answers = 0;
  await lookup({
    target: provider.sha256(key),
    own,
    routing,
    clock,
    signal,
    ask: (peer, asking) => requests.getValue(peer, key, asking),
    onAnswer: ({ value }, { path }) => {
      answers++;
      if (value !== null) seen.add(value, path);
    },
    enough: (paths) => seen.agree(Math.min(paths, AGREEING_PATHS)),
    acceptable: () => seen.newest() !== undefined,
    tolerable: () => seen.newest() !== undefined,
  });
  const best = seen.newest();
  return {
    bytes: best?.bytes ?? null,
    slot: best?.slot ?? null,
    answers,
    conflicts: seen.others(),
    tookMs: clock.monotonic() - startMs,
  };
}

/** The versions of one slot that were seen, and who is for which. */
class Versions {
  readonly #check: (bytes: Uint8Array) => Slot;
  /** Those of the highest seq alone. */
  readonly #newest = new Map<string, Version>();

  constructor(check: (bytes: Uint8Array) => Slot) {
    this.#check = check;
  }

  /** Whatever is not a good slot for the key that was asked for is dropped. */
  add(bytes: Uint8Array, path: number): void {
    const id = toHex(bytes);
    let version = this.#newest.get(id);
    if (version === undefined) {
      const slot = this.#checked(bytes);
      const seq = this.newest()?.slot.seq ?? -1;
      if (slot === undefined || slot.seq < seq) return;
      if (slot.seq > seq) this.#newest.clear();
      if (this.#newest.size > MAX_CONFLICTS_READ) return;
      version = { bytes: copyOf(bytes), slot, paths: new Set(), holders: 0 };
      this.#newest.set(id, version);
    }
    version.holders++;
    version.paths.add(path);
  }

  agree(paths: number): boolean {
    const best = this.newest();
    return best !== undefined && best.holders >= AGREEING_HOLDERS && best.paths.size >= paths;
  }

  /** Of equal seq, the one that most hold. */
  newest(): Version | undefined {
    let best: Version | undefined;
    for (const version of this.#newest.values()) {
      if (best === undefined || version.holders > best.holders) best = version;
    }
    return best;
  }

  others(): Uint8Array[] {
    const best = this.newest();
    return [...this.#newest.values()].filter((version) => version !== best).map(({ bytes }) => bytes);
  }

  #checked(bytes: Uint8Array): Slot | undefined {
    try {
      return this.#check(bytes);
    } catch {
      return undefined;
    }
  }
}
