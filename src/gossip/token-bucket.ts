/** A rate with room for bursts: so much at once, refilled evenly. Time is handed in, in monotonic milliseconds. */

export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

export class TokenBucket {
  readonly #rate: Rate;
  #level: number;
  #atMs: number;

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#level = rate.burst;
    this.#atMs = nowMs;
  }

  /** Takes `amount` if it is there. */
  take(amount: number, nowMs: number): boolean {
    this.#refill(nowMs);
    if (this.#level < amount) return false;
    this.#level -= amount;
    return true;
  }

  #refill(nowMs: number): void {
    const refill = ((nowMs - this.#atMs) / 1000) * this.#rate.perSecond;
    this.#level = Math.min(this.#rate.burst, this.#level + refill);
    this.#atMs = nowMs;
  }
}
