/**
 * A libp2p connection over a byte channel, with backpressure both ways: nothing is pulled from the channel while the
 * connection is paused or nobody listens yet, and the muxer is told to wait while the channel is full.
 *
 * tor knows no half-close, so the first end closes both directions: what the muxer still had to say to a peer that
 * has ended would not arrive. For node's libp2p 3 (MultiaddrConnection).
 */

import type {
  AbortOptions,
  EventHandler,
  Logger,
  MessageStreamDirection,
  MessageStreamEvents,
} from '@libp2p/interface';
import { AbstractMultiaddrConnection } from '@libp2p/utils';
import type { Multiaddr } from '@multiformats/multiaddr';
import { Uint8ArrayList } from 'uint8arraylist';
import type { ByteChannel } from '../net/byte-channel.ts';
import { Wakeup } from '../net/wakeup.ts';
import type { Clock } from '../safety/clock.ts';
import { CLOSE_LINGER_MS, SEND_HIGH_WATER_BYTES, SEND_LOW_WATER_BYTES } from './limits.ts';

export interface OnionConnectionInit {
  readonly channel: ByteChannel;
  readonly remoteAddr: Multiaddr;
  readonly direction: MessageStreamDirection;
  readonly log: Logger;
  readonly clock: Clock;
}

export class OnionConnection extends AbstractMultiaddrConnection {
  readonly #channel: ByteChannel;
  readonly #clock: Clock;
  /** Taken from the muxer, not yet taken by the channel. Emptied by {@link #flush} alone. */
  readonly #outgoing = new Uint8ArrayList();
  #flushing: Promise<void> | undefined;
  readonly #readerMayGoOn = new Wakeup();
  /** Our own close or abort: a channel that fails after it is no news. */
  #ending = false;
  /** Settles when nothing is read any more. */
  readonly #reading: Promise<void>;

  constructor({ channel, remoteAddr, direction, log, clock }: OnionConnectionInit) {
    super({ remoteAddr, direction, log });
    this.#channel = channel;
    this.#clock = clock;
    this.#reading = this.#read();
  }

  /** Settles, never rejects, when the channel below is not read any more: ended or aborted. */
  get finished(): Promise<void> {
    return this.#reading;
  }

  sendData(data: Uint8ArrayList): { sentBytes: number; canSendMore: boolean } {
    const sentBytes = data.byteLength;
    this.#outgoing.append(data);
    // failures end the connection inside
    this.#flushing ??= this.#flush();
    return { sentBytes, canSendMore: this.#outgoing.byteLength < SEND_HIGH_WATER_BYTES };
  }

  /** Resolves when everything was handed to the channel and our direction is ended. */
  async sendClose(options?: AbortOptions): Promise<void> {
    this.#ending = true;
    const linger = new AbortController();
    const over = new Error('the other side did not close in time');
    // the linger ends with the reader; its abort ends a reader whose peer does not close
    void this.#clock.sleep(CLOSE_LINGER_MS, linger.signal).then(
      () => this.#channel.abort(over),
      () => {},
    );
    void this.#reading.then(() => linger.abort());
    this.#readerMayGoOn.wake();
    const closed = Promise.resolve(this.#flushing).then(() => this.#channel.close());
    await raceAbort(closed, options?.signal).catch((error: unknown) => {
      this.#channel.abort(error as Error);
      throw error;
    });
  }

  sendReset(error: Error): void {
    this.#ending = true;
    this.#channel.abort(error);
    this.#readerMayGoOn.wake();
  }

  /** The reader looks at `readStatus` before each pull; nothing else is to be done. */
  sendPause(): void {}

  sendResume(): void {
    this.#readerMayGoOn.wake();
  }

  override addEventListener<K extends keyof MessageStreamEvents>(
    type: K,
    listener: EventHandler<MessageStreamEvents[K]> | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    super.addEventListener(type, listener, options);
    // the base constructor listens to itself before there is a reader
    if (#readerMayGoOn in this) this.#readerMayGoOn.wake();
  }

  async #flush(): Promise<void> {
    try {
      while (this.#outgoing.byteLength > 0) {
        const bytes = this.#outgoing.subarray();
        this.#outgoing.consume(bytes.length);
        await this.#channel.write(bytes);
        if (this.writableNeedsDrain && this.#outgoing.byteLength < SEND_LOW_WATER_BYTES)
          this.safeDispatchEvent('drain');
      }
    } catch (error) {
      this.#outgoing.consume(this.#outgoing.byteLength);
      this.#lost(error as Error);
    } finally {
      this.#flushing = undefined;
    }
  }

  /** The only reader of the channel. Never rejects. */
  async #read(): Promise<void> {
    try {
      for (;;) {
        await this.#wanted();
        const bytes = await this.#channel.read();
        if (bytes === null) break;
        // after our own close the rest is read to its end and thrown away
        if (!this.#ending) this.onData(bytes);
      }
      if (!this.#ending) this.#remoteEnded();
    } catch (error) {
      this.#lost(error as Error);
    }
  }

  /** Resolves when there is somebody to read for. */
  async #wanted(): Promise<void> {
    // lets the constructor of the muxer, which listens, come first
    await Promise.resolve();
    while (!this.#ending && (this.readStatus === 'paused' || this.listenerCount('message') === 0)) {
      await this.#readerMayGoOn.wait();
    }
  }

  #remoteEnded(): void {
    this.#ending = true;
    // frees the channel; the peer has ended and hears nothing more
    this.#channel.close().catch((error: unknown) => this.#channel.abort(error as Error));
    this.onTransportClosed();
  }

  #lost(error: Error): void {
    this.#channel.abort(error);
    if (this.#ending) return;
    this.#ending = true;
    this.log('connection lost - %e', error);
    this.onRemoteReset();
  }
}

function raceAbort(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
