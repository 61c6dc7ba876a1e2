/**
 * The slots that this peer keeps for others, whoever they are: which to take, which to keep when there is no more room,
 * and when to let go. Spec: docs/wire.md; the rules a slot has to pass by itself are in slot-rules.ts.
 *
 * Kept are the slots closest to this peer: those are the ones it will be asked for, and a flood of keys made up at
 * random cannot push them out. A flood of keys ground to be close can, at the price of making them. What is kept
 * survives a restart; nothing is promised to who put it, which is why a writer puts a slot to many peers.
 *
 * The index (32 bytes of distance, seq and expiry for each slot) is in memory, the slots are rows of a file that this
 * store alone writes. Order: rows first, then the index, so that a failed write changes nothing.
 */

import { concat, copyOf, equal, u16, utf8 } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';
import type { SealedRows } from '../store/sealed-rows.ts';
import { decodeSlot, type Slot, slotKey } from '../wire/slot.ts';
import { DhtError } from './errors.ts';
import { SLOT_STORE_LIMITS, type SlotStoreLimits } from './limits.ts';
import { Quota } from './quota.ts';
import { type Distance, distanceBetween, distanceBytes, SlotIndex } from './slot-index.ts';
import { checkSignature, checkUnsigned, isExpired } from './slot-rules.ts';

export interface SlotStoreInit {
  /** Owned by the store from now on. Their caps have to be at least SLOT_ROWS and SLOT_ROWS_BYTES of limits.ts. */
  readonly rows: SealedRows;
  readonly clock: Clock;
  /** Position of this peer in the key space: SHA-256 of the multihash of its id. */
  readonly ownId: Uint8Array;
  readonly provider?: Provider;
  readonly limits?: SlotStoreLimits;
}

/** Two slots of one key with the same seq, both signed: whoever holds the key broke the rules. */
export interface SlotConflict {
  readonly key: Uint8Array;
  /** The one that came first, and was kept. */
  readonly first: Uint8Array;
  readonly second: Uint8Array;
}

const EVIDENCE = utf8('conflict/');

export class SlotStore {
  readonly #rows: SealedRows;
  readonly #clock: Clock;
  readonly #ownId: Uint8Array;
  readonly #provider: Provider;
  readonly #limits: SlotStoreLimits;
  readonly #quota: Quota;
  readonly #index = new SlotIndex();
  /** Keys with evidence and when it expires, oldest first. */
  readonly #evidence = new Map<Distance, number>();

  private constructor(init: SlotStoreInit) {
    this.#rows = init.rows;
    this.#clock = init.clock;
    this.#ownId = init.ownId;
    this.#provider = init.provider ?? nodeProvider;
    this.#limits = init.limits ?? SLOT_STORE_LIMITS;
    this.#quota = new Quota(init.clock, this.#limits.quota);
  }

  /** Takes up what the rows hold. Expired and foreign rows are removed. */
  static open(init: SlotStoreInit): SlotStore {
    const store = new SlotStore(init);
    for (const [name, value] of init.rows.entries()) {
      if (!store.#takeUp(name, value)) init.rows.delete(name);
    }
    store.sweep();
    store.#shrink();
    return store;
  }

  /**
   * A slot that somebody puts: `stored` if it is new here, `had` if this very slot is kept already. `from` is whom it
   * counts against, null for this node itself. Throws {@link DhtError} SLOT_*, QUOTA, STORE_FULL.
   */
  offer(key: Uint8Array, bytes: Uint8Array, from: string | null): 'stored' | 'had' {
    // cheapest first: the signature is only looked at when all else speaks for the slot
    const now = this.#clock.now();
    const slot = checkUnsigned(bytes, now, key);
    const at = this.#distance(key);
    const held = this.#index.live(at, now);
    if (held === undefined) this.#requireRoom(at, now);
    else if (slot.seq < held.seq) throw new DhtError('SLOT_OLDER');
    else if (slot.seq === held.seq) {
      const first = this.#read(at);
      if (first !== null && equal(first, bytes)) return 'had';
      if (first !== null) throw this.#conflict(at, { first, second: bytes, slot, from });
    }
    if (from !== null) this.#quota.charge(from, held === undefined ? 'fresh' : 'updates');
    checkSignature(bytes, slot, this.#provider);
    this.#write(at, bytes, slot);
    return 'stored';
  }

  /** The slot under a key, never an expired one. */
  get(key: Uint8Array): Uint8Array | null {
    const at = this.#distance(key);
    return this.#index.live(at, this.#clock.now()) === undefined ? null : this.#read(at);
  }

  /** All slots that have not expired, closest first. The store may change meanwhile. */
  *slots(): Generator<{ readonly key: Uint8Array; readonly bytes: Uint8Array }> {
    for (const at of this.#index.distances()) {
      const bytes = this.#index.live(at, this.#clock.now()) === undefined ? null : this.#read(at);
      if (bytes !== null) yield { key: slotKey(decodeSlot(bytes).pk), bytes };
    }
  }

  /** The evidence against keys that signed twice. */
  conflicts(): readonly SlotConflict[] {
    return [...this.#evidence.keys()].flatMap((at) => {
      const value = this.#rows.get(evidenceName(at));
      const pair = value === null ? null : decodeEvidence(value);
      return pair === null ? [] : [{ key: slotKey(pair.slot.pk), first: pair.first, second: pair.second }];
    });
  }

  /** Removes what has expired. */
  sweep(): void {
    const now = this.#clock.now();
    const expired = this.#index.expired(now);
    const stale = [...this.#evidence].filter(([, expiry]) => isExpired(expiry, now)).map(([at]) => at);
    this.#rows.batch(() => {
      for (const at of expired) this.#rows.delete(distanceBytes(at));
      for (const at of stale) this.#rows.delete(evidenceName(at));
    });
    if (expired.length > 0) this.#index.deleteAll(expired);
    for (const at of stale) this.#evidence.delete(at);
  }

  stats(): { slots: number; bytes: number; conflicts: number; peers: number } {
    const { bytes } = this.#rows.size();
    return { slots: this.#index.size, bytes, conflicts: this.#evidence.size, peers: this.#quota.peers };
  }

  #distance(key: Uint8Array): Distance {
    return distanceBetween(this.#provider.sha256(key), this.#ownId);
  }

  /** The bytes of what is held there; a damaged row is forgotten. */
  #read(at: Distance): Uint8Array | null {
    const bytes = this.#rows.get(distanceBytes(at));
    if (bytes === null) this.#index.delete(at);
    return bytes;
  }

  #requireRoom(at: Distance, nowMs: number): void {
    if (this.#index.size < this.#limits.slots) return;
    if (this.#index.expired(nowMs).length > 0) this.sweep();
    const { farthest } = this.#index;
    const full = this.#index.size >= this.#limits.slots;
    if (full && (farthest === undefined || at >= farthest)) throw new DhtError('STORE_FULL');
  }

  #write(at: Distance, bytes: Uint8Array, { seq, expiry }: Slot): void {
    const full = !this.#index.has(at) && this.#index.size >= this.#limits.slots;
    const farthest = full ? this.#index.farthest : undefined;
    const gone = this.#rows.batch(() => {
      if (farthest !== undefined) this.#rows.delete(distanceBytes(farthest));
      return this.#rows.put(distanceBytes(at), bytes);
    });
    if (farthest !== undefined) this.#index.delete(farthest);
    // only where the caps of the rows are too small for those of the store
    for (const name of gone) this.#index.delete(String.fromCharCode(...name));
    this.#index.set(at, { seq, expiry });
  }

  #conflict(
    at: Distance,
    pair: { first: Uint8Array; second: Uint8Array; slot: Slot; from: string | null },
  ): DhtError {
    const { first, second, slot, from } = pair;
    if (this.#evidence.has(at)) return new DhtError('SLOT_CONFLICT');
    if (from !== null) this.#quota.charge(from, 'updates');
    checkSignature(second, slot, this.#provider);
    const [oldest] = this.#evidence.keys();
    const full = this.#evidence.size >= this.#limits.conflicts && oldest !== undefined;
    this.#rows.batch(() => {
      if (full) this.#rows.delete(evidenceName(oldest));
      this.#rows.put(evidenceName(at), concat(u16(first.length), first, second));
    });
    if (full) this.#evidence.delete(oldest);
    this.#evidence.set(at, slot.expiry);
    return new DhtError('SLOT_CONFLICT');
  }

  #takeUp(name: Uint8Array, value: Uint8Array): boolean {
    const evidence = decodeEvidence(value);
    if (evidence !== null) {
      const at = this.#distance(slotKey(evidence.slot.pk));
      if (!equal(evidenceName(at), name)) return false;
      this.#evidence.set(at, evidence.slot.expiry);
      return true;
    }
    const slot = decoded(value);
    const at = slot === null ? null : this.#distance(slotKey(slot.pk));
    if (slot === null || at === null || !equal(distanceBytes(at), name)) return false;
    this.#index.set(at, slot);
    return true;
  }

  /** Lets the farthest go until the cap holds: it may be lower than when the rows were written. */
  #shrink(): void {
    for (let { farthest } = this.#index; farthest !== undefined; { farthest } = this.#index) {
      if (this.#index.size <= this.#limits.slots) return;
      this.#rows.delete(distanceBytes(farthest));
      this.#index.delete(farthest);
    }
  }
}

function evidenceName(at: Distance): Uint8Array {
  return concat(EVIDENCE, distanceBytes(at));
}

function decoded(bytes: Uint8Array): Slot | null {
  try {
    return decodeSlot(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return null;
    throw error;
  }
}

/** Length of the first (2) ‖ first ‖ second; null for anything else. */
function decodeEvidence(value: Uint8Array): { first: Uint8Array; second: Uint8Array; slot: Slot } | null {
  if (value.length < 2) return null;
  const end = 2 + (value[0] as number) * 256 + (value[1] as number);
  const [first, second] = [copyOf(value, 2, end), copyOf(value, end)];
  const slot = decoded(second);
  return slot === null || decoded(first)?.seq !== slot.seq ? null : { first, second, slot };
}
