/** The messages of one link that are on their way: each waits for the verdict that names it. */

import type { Verdict } from '../../delivery/face.ts';
import type { Clock } from '../../safety/clock.ts';
import { VERDICT_TIMEOUT_MS } from './limits.ts';

interface Waiting {
  readonly settle: (verdict: Verdict) => void;
  readonly fail: (reason: unknown) => void;
}

const REFS = 2 ** 32;

export class Verdicts {
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #nextRef = 0;
  /** Monotonic ms: when there last was reason to think that verdicts come. */
  #movedAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sends with a fresh number and waits. Rejects with what {@link failAll} is given, or the signal's reason. */
  wait(send: (ref: number) => void, signal: AbortSignal): Promise<Verdict> {
    const { promise, resolve, reject } = Promise.withResolvers<Verdict>();
    if (signal.aborted) {
      reject(signal.reason);
      return promise;
    }
    const ref = this.#nextRef;
    this.#nextRef = (ref + 1) % REFS;
    if (this.#waiting.size === 0) this.#movedAt = this.#clock.monotonic();
    const end = (): void => {
      this.#waiting.delete(ref);
      signal.removeEventListener('abort', onAbort);
    };
    const onAbort = (): void => {
      end();
      reject(signal.reason);
    };
    const settle = (verdict: Verdict): void => {
      end();
      resolve(verdict);
    };
    const fail = (reason: unknown): void => {
      end();
      reject(reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiting.set(ref, { settle, fail });
    send(ref);
    return promise;
  }

  /** A verdict came. One that nobody waits for, any more, is no matter. */
  came(ref: number, verdict: Verdict): void {
    this.#movedAt = this.#clock.monotonic();
    this.#waiting.get(ref)?.settle(verdict);
  }

  /** Whether something waits and nothing has come for too long. */
  get stuck(): boolean {
    return this.#waiting.size > 0 && this.#clock.monotonic() - this.#movedAt > VERDICT_TIMEOUT_MS;
  }

  failAll(reason: unknown): void {
    for (const waiting of this.#waiting.values()) waiting.fail(reason);
  }
}
