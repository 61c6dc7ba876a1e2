/**
 * How much one peer may do: puts in an epoch, so that a single key cannot fill or churn the store, and requests in a
 * row. Keys are free: this slows one peer and keeps mistakes small; against many keys stand the caps of the store.
 *
 * Time is that of the monotonic clock: setting the wall clock neither resets nor freezes a quota.
 */

import type { Clock } from '../safety/clock.ts';
import { DhtError } from './errors.ts';
import type { QuotaLimits } from './limits.ts';

export type QuotaKind = 'fresh' | 'updates';

export class Quota {
  readonly #clock: Clock;
  readonly #limits: QuotaLimits;
  /** Least recently counted first. */
  readonly #used = new Map<string, Record<QuotaKind, number>>();
  #epochEndsMs: number;

  constructor(clock: Clock, limits: QuotaLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#epochEndsMs = clock.monotonic() + limits.epochMs;
  }

  /** Peers counted now. */
  get peers(): number {
    return this.#used.size;
  }

  /** Counts one put of a peer. Throws {@link DhtError} QUOTA when it has had its share. */
  charge(peer: string, kind: QuotaKind): void {
    const now = this.#clock.monotonic();
    if (now >= this.#epochEndsMs) {
      this.#used.clear();
      this.#epochEndsMs = now + this.#limits.epochMs;
    }
    const used = this.#used.get(peer) ?? { fresh: 0, updates: 0 };
    this.#used.delete(peer);
    this.#used.set(peer, used);
    const [oldest] = this.#used.keys();
    if (this.#used.size > this.#limits.peers && oldest !== undefined) this.#used.delete(oldest);
    if (used[kind] >= this.#limits[kind]) throw new DhtError('QUOTA');
    used[kind]++;
  }
}

/** Requests of one connection: a number in a row, then as many a second. Owes what it takes beyond that. */
export class Allowance {
  readonly #clock: Clock;
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #sinceMs: number;

  constructor(clock: Clock, burst: number, perSecond: number) {
    this.#clock = clock;
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
    this.#sinceMs = clock.monotonic();
  }

  take(cost: number): void {
    this.#refill();
    this.#left -= cost;
  }

  /** Until nothing is owed. */
  waitMs(): number {
    this.#refill();
    return this.#left >= 0 ? 0 : Math.ceil((-this.#left / this.#perSecond) * 1000);
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    const earned = ((now - this.#sinceMs) / 1000) * this.#perSecond;
    this.#left = Math.min(this.#burst, this.#left + earned);
    this.#sinceMs = now;
  }
}
