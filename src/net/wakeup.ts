/** A wait for "something changed, look again" that a signal can end. */

export class Wakeup {
  readonly #waiters = new Set<() => void>();

  /** Resolves at the next {@link wake}; rejects with the signal's reason. Leaves no listener behind. */
  async wait(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => reject(signal?.reason as Error);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#waiters.add(resolve);
    try {
      await promise;
    } finally {
      this.#waiters.delete(resolve);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Wakes all that wait now. */
  wake(): void {
    for (const resolve of this.#waiters) resolve();
  }
}
