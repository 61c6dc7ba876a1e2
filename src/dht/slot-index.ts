/**
 * What a slot store knows of its slots without reading them: how far each is from this peer, its seq, its expiry.
 * About 300 bytes a slot. Never touches the rows: its owner changes those first.
 */

import { isExpired } from './slot-rules.ts';

/** Distance of a key from this peer, 32 bytes as characters 0 to 255: these sort as the numbers do. */
export type Distance = string;

export interface Held {
  readonly seq: number;
  /** Unix seconds. */
  readonly expiry: number;
}

export function distanceBetween(id: Uint8Array, other: Uint8Array): Distance {
  return String.fromCharCode(...id.map((byte, i) => byte ^ (other[i] as number)));
}

export function distanceBytes(at: Distance): Uint8Array {
  return Uint8Array.from(at, (character) => character.charCodeAt(0));
}

export class SlotIndex {
  readonly #held = new Map<Distance, Held>();
  /** The keys of `#held`, closest first. */
  #sorted: Distance[] = [];
  /** Nothing expires before this, unix seconds. */
  #nextExpiry = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.#held.size;
  }

  get farthest(): Distance | undefined {
    return this.#sorted.at(-1);
  }

  /** All distances, closest first; a copy. */
  distances(): Distance[] {
    return this.#sorted.slice();
  }

  has(at: Distance): boolean {
    return this.#held.has(at);
  }

  /** What is held there, unless it has expired. */
  live(at: Distance, nowMs: number): Held | undefined {
    const held = this.#held.get(at);
    return held === undefined || isExpired(held.expiry, nowMs) ? undefined : held;
  }

  set(at: Distance, { seq, expiry }: Held): void {
    if (!this.#held.has(at)) this.#sorted.splice(this.#indexOf(at), 0, at);
    this.#held.set(at, { seq, expiry });
    this.#nextExpiry = Math.min(this.#nextExpiry, expiry);
  }

  delete(at: Distance): void {
    if (this.#held.delete(at)) this.#sorted.splice(this.#indexOf(at), 1);
  }

  /** What has expired and is still in here. Costs nothing before the first does. */
  expired(nowMs: number): Distance[] {
    if (!isExpired(this.#nextExpiry, nowMs)) return [];
    const gone = this.#sorted.filter((at) => this.live(at, nowMs) === undefined);
    // what was about to expire was renewed or deleted meanwhile: the next calls must not look at all again
    if (gone.length === 0) this.#findNextExpiry();
    return gone;
  }

  /** As {@link delete} for each, in one pass. */
  deleteAll(distances: readonly Distance[]): void {
    for (const at of distances) this.#held.delete(at);
    this.#sorted = this.#sorted.filter((at) => this.#held.has(at));
    this.#findNextExpiry();
  }

  #findNextExpiry(): void {
    this.#nextExpiry = Number.POSITIVE_INFINITY;
    for (const { expiry } of this.#held.values()) this.#nextExpiry = Math.min(this.#nextExpiry, expiry);
  }

  /** Where a distance is in the sorted list, or belongs. */
  #indexOf(at: Distance): number {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle] as Distance) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
