/**
 * What is remembered about dialed onions: when each was last reached, and how long not to knock after failures.
 *
 * The records name onions, so a stored history is a list of contacts: whoever persists it encrypts it. Times are
 * wall clock, because they outlive the process; a clock that was set back can lengthen a pause, but never beyond
 * the longest one.
 */

import type { Clock } from '../safety/clock.ts';

export interface DialRecord {
  readonly host: string;
  /** Milliseconds since 1970, 0 if never. */
  readonly reachedAtMs: number;
  /** Failures since it was last reached. */
  readonly failures: number;
  /** No dial before this, unless a person asks for it. */
  readonly retryAtMs: number;
}

export interface DialHistoryInit {
  readonly clock: Clock;
  /** Draws from [0, 1). */
  readonly chance: () => number;
  readonly firstMs: number;
  readonly maxMs: number;
  readonly remembered: number;
  readonly records?: readonly DialRecord[] | undefined;
}

export class DialHistory {
  readonly #init: DialHistoryInit;
  /** Least recently dialed first. */
  readonly #records = new Map<string, DialRecord>();

  constructor(init: DialHistoryInit) {
    this.#init = init;
    for (const record of init.records ?? []) this.#remember(record);
  }

  reachedAtMs(host: string): number {
    return this.#records.get(host)?.reachedAtMs ?? 0;
  }

  /** Milliseconds until the onion may be dialed again; 0 when it may now. */
  pauseMs(host: string): number {
    const retryAtMs = this.#records.get(host)?.retryAtMs ?? 0;
    return Math.min(Math.max(0, retryAtMs - this.#init.clock.now()), this.#init.maxMs);
  }

  reached(host: string): void {
    this.#remember({ host, reachedAtMs: this.#init.clock.now(), failures: 0, retryAtMs: 0 });
  }

  /** Doubles the pause and draws it from its upper half, so that peers of a dead onion do not knock in step. */
  failed(host: string): void {
    const { clock, chance, firstMs, maxMs } = this.#init;
    const failures = (this.#records.get(host)?.failures ?? 0) + 1;
    const fullMs = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
    const pauseMs = fullMs / 2 + (fullMs / 2) * chance();
    this.#remember({ host, reachedAtMs: this.reachedAtMs(host), failures, retryAtMs: clock.now() + pauseMs });
  }

  /** All records, least recently dialed first, to be given to the next process. */
  export(): readonly DialRecord[] {
    return [...this.#records.values()];
  }

  #remember(record: DialRecord): void {
    this.#records.delete(record.host);
    this.#records.set(record.host, record);
    if (this.#records.size <= this.#init.remembered) return;
    for (const oldest of this.#records.keys()) {
      this.#records.delete(oldest);
      break;
    }
  }
}
