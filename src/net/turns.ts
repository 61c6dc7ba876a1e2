/**
 * A queue for work that takes real CPU time: one piece per turn of the event loop, so that sockets, timers and
 * established channels are served in between however long the queue is. First come, first served, in two classes.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';

export class Turns {
  readonly #first: (() => void)[] = [];
  readonly #rest: (() => void)[] = [];
  #running = false;

  /** Runs `work` when its turn comes. `first`: before all that are not. */
  run<T>(work: () => T | Promise<T>, first = false): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    (first ? this.#first : this.#rest).push(resolve);
    const done = promise.then(work);
    if (!this.#running) {
      this.#running = true;
      // ends when the queue is empty; what the work throws goes to who asked for it
      void this.#serve();
    }
    return done;
  }

  async #serve(): Promise<void> {
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      await nextTurn();
      next();
    }
    this.#running = false;
  }

  #take(): (() => void) | undefined {
    return this.#first.shift() ?? this.#rest.shift();
  }
}
