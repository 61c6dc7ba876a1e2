/**
 * A plain two-way byte stream with real backpressure, and the one that is made of a node socket.
 *
 * Reading is paused-mode pulling: nothing is taken from the socket unless somebody asks, so what a peer pushes waits
 * in the kernel and not in our memory (node itself buffers up to its high-water mark and one chunk of 64 KiB).
 * Writes of one turn of the event loop leave in one system call. Nothing here is encrypted or authenticated.
 */

import type { Duplex } from 'node:stream';
import { ChannelError } from './errors.ts';
import { Wakeup } from './wakeup.ts';

export interface ByteChannel {
  /** The next bytes, or null at the clean end. One read at a time. An aborted read loses no bytes. */
  read(signal?: AbortSignal): Promise<Uint8Array | null>;
  /**
   * Takes `bytes` over (do not change them afterwards) and resolves when more may be written. Aborted: the bytes
   * may be sent nevertheless, only the wait ends.
   */
  write(bytes: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** No more writes: flushes, ends our direction. Reading goes on. */
  close(): Promise<void>;
  /** Ends both directions at once; pending and later reads and writes reject with `reason`. */
  abort(reason: Error): void;
}

/** Takes ownership of `socket`, its errors included. Reading from it begins with the first read. */
export function socketChannel(socket: Duplex): ByteChannel {
  return new SocketChannel(socket);
}

class SocketChannel implements ByteChannel {
  readonly #socket: Duplex;
  readonly #readable = new Wakeup();
  readonly #writable = new Wakeup();
  #failure: Error | undefined;
  #listening = false;
  #reading = false;
  #corked = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('error', (error) => this.#fail(new ChannelError('CLOSED', error)));
    socket.on('close', () => this.#onClose());
    socket.on('drain', () => this.#writable.wake());
    socket.on('finish', () => this.#writable.wake());
  }

  async read(signal?: AbortSignal): Promise<Uint8Array | null> {
    signal?.throwIfAborted();
    if (this.#reading) throw new RangeError('only one read at a time');
    this.#reading = true;
    try {
      this.#listen();
      for (;;) {
        const chunk = this.#socket.read() as Buffer | null;
        if (chunk !== null) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
        if (this.#socket.readableEnded) return null;
        if (this.#failure !== undefined) throw this.#failure;
        await this.#readable.wait(signal);
      }
    } finally {
      this.#reading = false;
    }
  }

  async write(bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#socket.writableEnded) throw new ChannelError('CLOSED');
    this.#cork();
    if (this.#socket.write(bytes)) return;
    while (this.#socket.writableNeedDrain) await this.#progress(signal);
  }

  async close(): Promise<void> {
    if (!this.#socket.writableEnded) this.#socket.end();
    while (!this.#socket.writableFinished) await this.#progress();
  }

  abort(reason: Error): void {
    this.#fail(reason);
    this.#socket.destroy();
  }

  async #progress(signal?: AbortSignal): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await this.#writable.wait(signal);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Not before the first read: listening makes node fill its buffer. */
  #listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    this.#socket.on('readable', () => this.#readable.wake());
    this.#socket.on('end', () => this.#readable.wake());
  }

  /**
   * Gathers all writes of this turn into one system call. Callers write from promise continuations, and nextTick
   * runs when these are done: so a handshake message and the caller's first record leave together.
   */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#socket.uncork();
    });
  }

  #onClose(): void {
    if (this.#socket.readableEnded && this.#socket.writableFinished) {
      this.#readable.wake();
      this.#writable.wake();
    } else this.#fail(new ChannelError('CLOSED'));
  }

  #fail(reason: Error): void {
    this.#failure ??= reason;
    this.#readable.wake();
    this.#writable.wake();
  }
}
