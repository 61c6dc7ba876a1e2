/**
 * The places for dials of one tor process: its circuits are what is scarce, whoever dials. Shared by the dial queues
 * of several personas, which learn nothing of each other but that places are taken.
 *
 * A free place goes to user actions first, then to the queues in turn; which dial of a queue is next is that queue's
 * own business. A queue without waiting dials is not known here, so there is nothing to give back at its end.
 */

import { PARALLEL_DIALS, URGENT_DIALS } from './limits.ts';

export interface DialPlacesInit {
  /** Dials at once, default {@link PARALLEL_DIALS}. */
  readonly parallel?: number | undefined;
  /** Of these, for user actions alone; default {@link URGENT_DIALS}. */
  readonly urgentOnly?: number | undefined;
}

/** Somebody with dials to start. */
export interface WaitingDials {
  readonly waiting: number;
  /** Starts one dial of this kind; false where none waits. */
  startNext(urgent: boolean): boolean;
}

export class DialPlaces {
  readonly #parallel: number;
  readonly #ordinary: number;
  /** Who was served least recently comes first. */
  readonly #queues = new Set<WaitingDials>();
  #running = 0;

  constructor({ parallel = PARALLEL_DIALS, urgentOnly = URGENT_DIALS }: DialPlacesInit = {}) {
    this.#parallel = parallel;
    this.#ordinary = Math.max(1, parallel - urgentOnly);
  }

  /** Has the queue's dials started as places get free, until none of them waits. */
  want(queue: WaitingDials): void {
    this.#queues.add(queue);
    this.#fill();
  }

  /** A dial that was started is over. */
  free(): void {
    this.#running--;
    this.#fill();
  }

  /** The only place where dials begin. */
  #fill(): void {
    for (;;) {
      const started =
        (this.#running < this.#parallel && this.#start(true)) ||
        (this.#running < this.#ordinary && this.#start(false));
      if (!started) return;
    }
  }

  #start(urgent: boolean): boolean {
    for (const queue of this.#queues) {
      const started = queue.startNext(urgent);
      if (!started && queue.waiting > 0) continue;
      this.#queues.delete(queue);
      if (queue.waiting > 0) this.#queues.add(queue);
      if (!started) continue;
      this.#running++;
      return true;
    }
    return false;
  }
}
