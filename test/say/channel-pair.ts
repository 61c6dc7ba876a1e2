/** Two ends of a channel in memory, for protocols that only need read, write, close and abort. */

import type { SecureChannel } from '../../src/net/channel.ts';

class End implements SecureChannel {
  readonly remoteKey = new Uint8Array(32).fill(7);
  readonly handshakeHash = new Uint8Array(32);
  readonly protocol = '/test/1';
  readonly #arrived: (Uint8Array | null)[] = [];
  #wake: (() => void) | undefined;
  #failed: Error | undefined;
  peer: End | undefined;

  /** Pieces that nobody has read yet. */
  get unread(): number {
    return this.#arrived.length;
  }

  async read(signal?: AbortSignal): Promise<Uint8Array | null> {
    for (;;) {
      signal?.throwIfAborted();
      const next = this.#arrived.shift();
      if (next === null) this.#arrived.unshift(null); // the end stays the end
      if (next !== undefined) return next;
      if (this.#failed !== undefined) throw this.#failed;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#failed !== undefined) throw this.#failed;
    this.peer?.deliver(bytes.slice());
    await new Promise(setImmediate);
  }

  async close(): Promise<void> {
    this.peer?.deliver(null);
  }

  abort(reason: Error): void {
    this.fail(reason);
    this.peer?.fail(reason);
  }

  deliver(bytes: Uint8Array | null): void {
    this.#arrived.push(bytes);
    this.#wake?.();
  }

  fail(reason: Error): void {
    this.#failed ??= reason;
    this.#wake?.();
  }
}

export function channelPair(): [End, End] {
  const [a, b] = [new End(), new End()];
  a.peer = b;
  b.peer = a;
  return [a, b];
}
