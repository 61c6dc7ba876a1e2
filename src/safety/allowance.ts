/** How often something may happen: a number at once, and one more after each interval. */

import type { Clock } from './clock.ts';

export class Allowance {
  readonly #clock: Clock;
  readonly #burst: number;
  readonly #intervalMs: number;
  #left: number;
  #countedAt: number;

  /** `burst` at once, then one each `intervalMs`. */
  constructor(clock: Clock, burst: number, intervalMs: number) {
    this.#clock = clock;
    this.#burst = burst;
    this.#intervalMs = intervalMs;
    this.#left = burst;
    this.#countedAt = clock.monotonic();
  }

  /** Whether it may happen once more now; if so, it is counted. */
  take(): boolean {
    const nowMs = this.#clock.monotonic();
    this.#left = Math.min(this.#burst, this.#left + (nowMs - this.#countedAt) / this.#intervalMs);
    this.#countedAt = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
