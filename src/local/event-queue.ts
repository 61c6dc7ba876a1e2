/** Events on their way to one reader: in order, none left out, until the reading or the conversation ends. */

import type { LocalEvent } from './api.ts';
import { LocalError } from './errors.ts';
import { EVENTS_WAITING_MAX } from './limits.ts';

export class EventQueue implements AsyncIterableIterator<LocalEvent> {
  readonly #waiting: LocalEvent[] = [];
  readonly #closed: () => void;
  #failure: Error | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  /** `closed` is called once, when the reader has had enough or can get no more. */
  constructor(closed: () => void) {
    this.#closed = closed;
  }

  push(event: LocalEvent): void {
    if (this.#ended || this.#failure !== undefined) return;
    if (this.#waiting.length >= EVENTS_WAITING_MAX) {
      this.fail(
        new LocalError('EVENTS_MISSED', 'more happened than was read', {
          hint: 'Read events as they come; what messages came says the history.',
        }),
      );
      return;
    }
    this.#waiting.push(event);
    this.#wake?.();
  }

  /** What was pushed before is still read, then reading throws `reason`. */
  fail(reason: Error): void {
    if (this.#ended || this.#failure !== undefined) return;
    this.#failure = reason;
    this.#closed();
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<LocalEvent>> {
    for (;;) {
      const event = this.#waiting.shift();
      if (event !== undefined) return { value: event, done: false };
      if (this.#ended) return { value: undefined, done: true };
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async return(): Promise<IteratorResult<LocalEvent>> {
    this.#waiting.length = 0;
    if (!this.#ended && this.#failure === undefined) this.#closed();
    this.#ended = true;
    this.#wake?.();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
