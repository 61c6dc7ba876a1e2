/** Time as a dependency: code below the faces never reads a global clock, so tests can own it. */

import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** Wall clock, milliseconds since 1970 (UTC). May jump. */
  now(): number;
  /** Monotonic milliseconds from an arbitrary start; never goes back, may stand still while the machine sleeps. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      // node wraps the reason in its own AbortError; callers want the reason they gave
      throw signal?.aborted === true ? signal.reason : error;
    }
  },
};
