/**
 * A libp2p MessageStream as a byte channel: pull-based, so that what nobody reads stays at the sender.
 *
 * Two traps of the installed libp2p are handled here. `pause()` inside a 'message' handler does not hold, because a
 * `resume()` that is under way opens the stream again after the handler: so it is done a microtask later. `onDrain()`
 * resolves for ever after its first use: so 'drain' events are waited for instead.
 */

import type { MessageStream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface';
import type { ByteChannel } from './byte-channel.ts';
import { ChannelError } from './errors.ts';
import { STREAM_HIGH_WATER_BYTES } from './limits.ts';
import { Wakeup } from './wakeup.ts';

/** How far a sender may be ahead of the reads; who is farther is no peer of this protocol, and is aborted. */
export interface AheadLimit {
  readonly bytes: number;
  readonly error: () => Error;
}

/** Takes the reading of `stream` over. Reading begins with the first read. */
export function messageStreamChannel(stream: MessageStream, ahead?: AheadLimit): ByteChannel {
  return new MessageStreamChannel(stream, ahead);
}

class MessageStreamChannel implements ByteChannel {
  readonly #stream: MessageStream;
  readonly #ahead: AheadLimit | undefined;
  readonly #readable = new Wakeup();
  readonly #writable = new Wakeup();
  readonly #chunks: Uint8Array[] = [];
  #held = 0;
  #listening = false;
  #paused = false;
  #closed = false;
  #failure: Error | undefined;

  constructor(stream: MessageStream, ahead: AheadLimit | undefined) {
    this.#stream = stream;
    this.#ahead = ahead;
    stream.addEventListener('drain', () => this.#writable.wake());
    stream.addEventListener('end', () => this.#readable.wake());
    stream.addEventListener('close', (event) => this.#onClose(event));
  }

  async read(signal?: AbortSignal): Promise<Uint8Array | null> {
    signal?.throwIfAborted();
    this.#listen();
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#held -= chunk.length;
        return chunk;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#stream.readableEnded || (this.#closed && this.#stream.readBufferLength === 0)) return null;
      if (this.#paused) this.#setPaused(false);
      if (this.#chunks.length === 0) await this.#readable.wait(signal);
    }
  }

  async write(bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed) throw new ChannelError('CLOSED');
    this.#stream.send(bytes);
    while (this.#stream.writableNeedsDrain) {
      await this.#writable.wait(signal);
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#closed) throw new ChannelError('CLOSED');
    }
  }

  async close(): Promise<void> {
    await this.#stream.close();
  }

  abort(reason: Error): void {
    this.#failure ??= reason;
    this.#stream.abort(reason);
    this.#readable.wake();
    this.#writable.wake();
  }

  #listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    this.#stream.addEventListener('message', (event) => this.#onMessage(event));
  }

  #onMessage(event: StreamMessageEvent): void {
    if (this.#ahead !== undefined && this.#held + event.data.byteLength > this.#ahead.bytes) {
      this.#chunks.length = 0;
      return this.abort(this.#ahead.error());
    }
    const bytes = event.data.subarray();
    this.#chunks.push(bytes);
    this.#held += bytes.length;
    if (this.#held >= STREAM_HIGH_WATER_BYTES) queueMicrotask(() => this.#pause());
    this.#readable.wake();
  }

  #pause(): void {
    if (this.#held >= STREAM_HIGH_WATER_BYTES && !this.#paused) this.#setPaused(true);
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    try {
      if (paused) this.#stream.pause();
      else this.#stream.resume();
    } catch {
      // its reading end was closed meanwhile: nothing more will come, and the end is noticed as such
    }
  }

  #onClose(event: StreamCloseEvent): void {
    this.#closed = true;
    if (event.error !== undefined) this.#failure ??= new ChannelError('CLOSED', event.error);
    this.#readable.wake();
    this.#writable.wake();
  }
}
