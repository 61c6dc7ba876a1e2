/**
 * Which onion of one dialer is dialed next. How many dials run at once is said by the places, which all dialers of a
 * tor share (`dial-places.ts`).
 *
 * Order: user actions first, then dials that waited too long, then the most recently reachable onion, then who
 * came first. A failed onion pauses with growing, jittered backoff; user actions neither wait for it nor count
 * against the places of others. Dials are never joined, not even to one onion: two callers may need two circuits.
 *
 * A dial that is under way is not interrupted for a more urgent one; some places are kept free for those instead.
 */

import type { Clock } from '../safety/clock.ts';
import { DialHistory, type DialRecord } from './dial-history.ts';
import { DialPlaces, type WaitingDials } from './dial-places.ts';
import { DialError } from './errors.ts';
import {
  BACKOFF_FIRST_MS,
  BACKOFF_MAX_MS,
  BACKOFF_WAIT_MS,
  QUEUE_PATIENCE_MS,
  QUEUED_DIALS,
  QUEUED_URGENT_DIALS,
  REMEMBERED_ONIONS,
} from './limits.ts';

export interface DialQueueInit {
  readonly clock: Clock;
  /** Draws from [0, 1). */
  readonly chance: () => number;
  /** What an earlier process exported. */
  readonly records?: readonly DialRecord[] | undefined;
  /** Default: places of its own. */
  readonly places?: DialPlaces | undefined;
  /** Whether a failure says something about the onion; others cause no backoff. */
  readonly isOnionFailure: (error: unknown) => boolean;
}

export interface QueuedDialOptions {
  readonly signal?: AbortSignal | undefined;
  /** A person is waiting. */
  readonly urgent?: boolean | undefined;
}

interface Waiting {
  readonly host: string;
  readonly urgent: boolean;
  readonly sinceMs: number;
  readonly start: () => void;
}

export class DialQueue implements WaitingDials {
  readonly #init: DialQueueInit;
  readonly #history: DialHistory;
  readonly #places: DialPlaces;
  /** In order of arrival; {@link #next} picks from it. */
  readonly #dials: Waiting[] = [];
  #running = 0;

  constructor(init: DialQueueInit) {
    this.#init = init;
    this.#places = init.places ?? new DialPlaces();
    this.#history = new DialHistory({
      clock: init.clock,
      chance: init.chance,
      firstMs: BACKOFF_FIRST_MS,
      maxMs: BACKOFF_MAX_MS,
      remembered: REMEMBERED_ONIONS,
      records: init.records,
    });
  }

  /** Records for the next process; they name onions, so store them encrypted. */
  export(): readonly DialRecord[] {
    return this.#history.export();
  }

  stats(): { running: number; waiting: number } {
    return { running: this.#running, waiting: this.#dials.length };
  }

  /**
   * Runs `dial` when it is its turn and gives its result. Rejects with {@link DialError} BACKOFF or QUEUE_FULL
   * without dialing, with the signal's reason when it is aborted while waiting, or as `dial` does.
   */
  async run<T>(host: string, dial: () => Promise<T>, options: QueuedDialOptions = {}): Promise<T> {
    const { signal, urgent = false } = options;
    signal?.throwIfAborted();
    if (!urgent) await this.#waitOutPause(host, signal);
    await this.#turn(host, urgent, signal);
    try {
      const result = await dial();
      this.#history.reached(host);
      return result;
    } catch (error) {
      if (this.#init.isOnionFailure(error)) this.#history.failed(host);
      throw error;
    } finally {
      this.#running--;
      this.#places.free();
    }
  }

  async #waitOutPause(host: string, signal: AbortSignal | undefined): Promise<void> {
    for (let pauseMs = this.#history.pauseMs(host); pauseMs > 0; pauseMs = this.#history.pauseMs(host)) {
      if (pauseMs > BACKOFF_WAIT_MS) throw inBackoff(pauseMs);
      await this.#init.clock.sleep(pauseMs, signal);
    }
  }

  #turn(host: string, urgent: boolean, signal: AbortSignal | undefined): Promise<void> {
    const queued = this.#dials.length;
    if (queued >= QUEUED_DIALS + (urgent ? QUEUED_URGENT_DIALS : 0)) throw queueFull(queued);
    return new Promise((resolve, reject) => {
      const sinceMs = this.#init.clock.monotonic();
      const onAbort = (): void => {
        this.#dials.splice(this.#dials.indexOf(entry), 1);
        reject(signal?.reason);
      };
      const start = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const entry: Waiting = { host, urgent, sinceMs, start };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#dials.push(entry);
      this.#places.want(this);
    });
  }

  /** For the places: how many wait for one. */
  get waiting(): number {
    return this.#dials.length;
  }

  /** For the places, which call it when there is one. */
  startNext(urgent: boolean): boolean {
    const best = this.#next();
    if (best === undefined || best.urgent !== urgent) return false;
    this.#dials.splice(this.#dials.indexOf(best), 1);
    this.#running++;
    best.start();
    return true;
  }

  #next(): Waiting | undefined {
    const patientUntilMs = this.#init.clock.monotonic() - QUEUE_PATIENCE_MS;
    let best: Waiting | undefined;
    for (const entry of this.#dials) {
      if (best === undefined || this.#isBefore(entry, best, patientUntilMs)) best = entry;
    }
    return best;
  }

  /** Whether `a`, which came later than `b`, still goes first. */
  #isBefore(a: Waiting, b: Waiting, patientUntilMs: number): boolean {
    if (a.urgent !== b.urgent) return a.urgent;
    if (a.urgent || b.sinceMs <= patientUntilMs) return false;
    return this.#history.reachedAtMs(a.host) > this.#history.reachedAtMs(b.host);
  }
}

function inBackoff(retryInMs: number): DialError {
  return new DialError('BACKOFF', 'this onion failed lately and is not dialed again yet', {
    hint: 'Wait, or dial it as a user action to try at once.',
    data: { retryInMs: Math.ceil(retryInMs) },
  });
}

function queueFull(queued: number): DialError {
  return new DialError('QUEUE_FULL', 'too many dials wait already', {
    hint: 'Ask again when some of them are done.',
    data: { queued },
  });
}
