/**
 * A secure channel as a libp2p MessageStream, for muxers. Backpressure goes through both ways: while the stream is
 * paused, or holds a full buffer that nobody listens to, nothing is read from the channel; `send()` answers false
 * while the channel has not taken what it was given.
 *
 * libp2p closes connections below the encryption, without an end record, which looks the same as a cut. So the stream
 * is reset whenever the connection is gone before the peer's end record; that hurts no stream of a muxer whose peer
 * has said goodbye in the muxer's own frames.
 */

import type { AbortOptions, MessageStream } from '@libp2p/interface';
import { AbstractMessageStream, type SendResult } from '@libp2p/utils';
import type { Uint8ArrayList } from 'uint8arraylist';
import { ChannelError } from './errors.ts';
import { STREAM_HIGH_WATER_BYTES } from './limits.ts';
import type { SecureChannel } from './secure-channel.ts';
import { Wakeup } from './wakeup.ts';

export class SecureStream extends AbstractMessageStream {
  readonly #channel: SecureChannel;
  readonly #wanted = new Wakeup();
  readonly #flushed = new Wakeup();
  #unsent = 0;
  #starved = false;

  /** `stream` is what the channel runs over: its settings are taken on. */
  constructor(channel: SecureChannel, stream: MessageStream) {
    super({
      log: stream.log.newScope('kith-noise'),
      direction: stream.direction,
      inactivityTimeout: stream.inactivityTimeout,
      maxReadBufferLength: stream.maxReadBufferLength,
    });
    this.#channel = channel;
    stream.addEventListener('close', (event) => {
      if (event.error === undefined) this.#wanted.wake();
      else if (event.local === true) this.abort(event.error);
      else this.onRemoteReset();
    });
    // ends with the channel; failures become the stream's
    void this.#pump();
  }

  override sendData(data: Uint8ArrayList): SendResult {
    const bytes = data.subarray();
    this.#unsent += bytes.length;
    // the answer is in the counter; a failure of the channel becomes the stream's
    void this.#channel.write(bytes).then(
      () => this.#onSent(bytes.length),
      (error: unknown) => this.abort(error as Error),
    );
    const canSendMore = this.#unsent < STREAM_HIGH_WATER_BYTES;
    if (!canSendMore) this.#starved = true;
    return { sentBytes: bytes.length, canSendMore };
  }

  override sendReset(error: Error): void {
    this.#channel.abort(error);
    this.#wanted.wake();
    this.#flushed.wake();
  }

  override sendPause(): void {
    // the pump looks at readStatus before each read, which also survives a pause() inside a resume()
  }

  override sendResume(): void {
    this.#wanted.wake();
  }

  /** Ends our direction once everything is sent. The other direction ends when the peer ends it. */
  override async close(options: AbortOptions = {}): Promise<void> {
    if (this.writeStatus !== 'writable') return;
    this.writeStatus = 'closing';
    while (this.writeBufferLength > 0 || this.#unsent > 0) {
      if (this.status !== 'open') return;
      await this.#flushed.wait(options.signal);
    }
    await this.#channel.close();
    this.writeStatus = 'closed';
    if (this.remoteWriteStatus === 'closed') this.onTransportClosed();
  }

  protected override dispatchReadBuffer(): void {
    super.dispatchReadBuffer();
    this.#wanted.wake();
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        while (!this.#wantsMore()) await this.#wanted.wait();
        const bytes = await this.#channel.read();
        if (bytes === null) break;
        this.onData(bytes);
      }
      this.onRemoteCloseWrite();
    } catch (error) {
      if (!(error instanceof ChannelError && error.code === 'TRUNCATED')) this.abort(error as Error);
      // unless the connection below has said so already
      else if (this.status === 'open') this.onRemoteReset();
    }
  }

  /** A closed stream reads on: what comes is thrown away, and the end is noticed. */
  #wantsMore(): boolean {
    if (this.status !== 'open') return true;
    return this.readStatus !== 'paused' && this.readBufferLength < STREAM_HIGH_WATER_BYTES;
  }

  #onSent(size: number): void {
    this.#unsent -= size;
    this.#flushed.wake();
    if (this.#starved && this.#unsent < STREAM_HIGH_WATER_BYTES) {
      this.#starved = false;
      this.safeDispatchEvent('drain');
    }
  }
}
