/**
 * Calls what is due, when it is due: requests that expire, messages that disappear, keys that grow old. One timer for
 * all; a jump of the clock or a sleep of the machine is noticed at the next look, {@link LOOK_MS} later at most.
 */

import type { Clock } from '../safety/clock.ts';
import type { Log } from '../safety/log.ts';
import { reasonOf } from './failures.ts';

/** Longest wait between two looks at the clock. */
const LOOK_MS = 60_000;
/** Shortest, so that work which stays due (a full disk) does not spin. */
const REST_MS = 250;

export interface Due {
  /** Milliseconds since 1970 of the next thing to do; null: nothing. */
  readonly next: () => number | null;
  readonly run: (now: number) => void;
}

export class Upkeep {
  readonly #dues: readonly Due[];
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #stopped = new AbortController();
  #wake = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(dues: readonly Due[], clock: Clock, log: Log) {
    this.#dues = dues;
    this.#clock = clock;
    this.#log = log;
  }

  start(): void {
    this.#running = this.#loop();
  }

  /** Something may be due earlier than before. */
  look(): void {
    this.#wake.abort(new Error('look again'));
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new Error('stopped'));
    this.look();
    await this.#running;
  }

  async #loop(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.#wake = new AbortController();
      const now = this.#clock.now();
      for (const due of this.#dues) if ((due.next() ?? Infinity) <= now) this.#run(due, now);
      const next = Math.min(...this.#dues.map((due) => due.next() ?? Infinity));
      const waitMs = Math.min(Math.max(next - this.#clock.now(), REST_MS), LOOK_MS);
      await this.#clock.sleep(waitMs, this.#wake.signal).catch(() => {}); // woken: look at once
    }
  }

  #run(due: Due, now: number): void {
    try {
      due.run(now);
    } catch (error) {
      this.#log('warn', 'upkeep failed and is tried again', { reason: reasonOf(error) });
    }
  }
}
