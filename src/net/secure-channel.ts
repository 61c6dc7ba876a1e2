/**
 * An authenticated, encrypted byte stream over a byte channel, once the handshake is done.
 *
 * Each direction ends by itself with an authenticated end record; the connection below is closed when both have,
 * because tor drops both directions of a stream at once. So after `close()` read on to null, or `abort()`: a channel
 * that is left half-closed keeps its connection. A loss before the peer's end is TRUNCATED, never an end.
 */

import type { Clock } from '../safety/clock.ts';
import { CryptoError } from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';
import type { ByteChannel } from './byte-channel.ts';
import { ChannelError } from './errors.ts';
import type { FrameReader } from './frame-reader.ts';
import type { Established } from './handshake.ts';
import { MAX_RECORD_DATA_BYTES, RELEASE_TIMEOUT_MS } from './limits.ts';
import {
  type EndReason,
  MAX_RECORD_BYTES,
  MIN_RECORD_BYTES,
  type OpenedRecord,
  RecordOpener,
  RecordSealer,
  refusalOf,
  REKEY_LIMITS,
  type RekeyLimits,
} from './record.ts';

export interface SecureChannel extends ByteChannel {
  /** Ed25519 key that the other side proved, 32 bytes. */
  readonly remoteKey: Uint8Array;
  /** Transcript hash, 32 bytes, equal on both sides and on no other connection: for channel binding. */
  readonly handshakeHash: Uint8Array;
  /** What the dialer named: "libp2p" or a raw protocol. */
  readonly protocol: string;
}

export interface LinkChannelInit {
  readonly lower: ByteChannel;
  /** The reader that read the handshake: it may hold bytes of the first records already. */
  readonly frames: FrameReader;
  readonly established: Established;
  readonly protocol: string;
  readonly clock: Clock;
  readonly rekey?: RekeyLimits;
}

export class LinkChannel implements SecureChannel {
  readonly remoteKey: Uint8Array;
  readonly handshakeHash: Uint8Array;
  readonly protocol: string;
  readonly #lower: ByteChannel;
  readonly #frames: FrameReader;
  readonly #clock: Clock;
  readonly #sealer: RecordSealer;
  readonly #opener: RecordOpener;
  /** The last write or end in line: records leave in the order they were sealed. */
  #line: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;
  #reading = false;
  #ourEnd = false;
  #theirEnd = false;

  constructor({ lower, frames, established, protocol, clock, rekey = REKEY_LIMITS }: LinkChannelInit) {
    this.remoteKey = established.remoteKey;
    this.handshakeHash = established.transport.handshakeHash;
    this.protocol = protocol;
    this.#lower = lower;
    this.#frames = frames;
    this.#clock = clock;
    this.#sealer = new RecordSealer(established.transport.send, () => clock.monotonic(), rekey);
    this.#opener = new RecordOpener(established.transport.receive, rekey);
  }

  /** Whether the peer's authenticated end has been read. */
  get ended(): boolean {
    return this.#theirEnd;
  }

  async read(signal?: AbortSignal): Promise<Uint8Array | null> {
    if (this.#reading) throw new RangeError('only one read at a time');
    this.#reading = true;
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#theirEnd) return null;
        const record = await this.#nextRecord(signal);
        if (record.type === 'data') return record.data;
        if (record.type === 'end') this.#onEnd(record.reason);
      }
    } finally {
      this.#reading = false;
    }
  }

  async write(bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (this.#closing !== undefined) throw new ChannelError('CLOSED');
    signal?.throwIfAborted();
    await orAborted(
      this.#inLine(() => this.#sealAndSend(bytes, signal)),
      signal,
    );
  }

  close(): Promise<void> {
    return this.end('done');
  }

  /** {@link close} with a reason other than "done", which the peer's read throws as an error. */
  end(reason: EndReason): Promise<void> {
    this.#closing ??= this.#inLine(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      this.#ourEnd = true;
      await this.#lower.write(this.#sealer.end(reason));
      if (this.#theirEnd) await this.#release();
    });
    return this.#closing;
  }

  abort(reason: Error): void {
    this.#failure ??= reason;
    this.#lower.abort(reason);
  }

  #inLine(work: () => Promise<void>): Promise<void> {
    const done = this.#line.then(work);
    // whoever asked for the work gets its error; the line goes on
    this.#line = done.catch(() => undefined);
    return done;
  }

  async #sealAndSend(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    for (let at = 0; at < bytes.length; at += MAX_RECORD_DATA_BYTES) {
      signal?.throwIfAborted();
      if (this.#failure !== undefined) throw this.#failure;
      const pieces = this.#sealer.data(bytes.subarray(at, at + MAX_RECORD_DATA_BYTES));
      // all at once, whatever becomes of the wait: a record that is sent in part would cost the connection
      await Promise.all(pieces.map((piece) => this.#lower.write(piece, signal)));
    }
  }

  async #nextRecord(signal: AbortSignal | undefined): Promise<OpenedRecord> {
    try {
      const frame = await this.#frames.next(MIN_RECORD_BYTES, MAX_RECORD_BYTES, signal);
      if (frame === null) throw new ChannelError('TRUNCATED');
      return this.#opener.open(frame);
    } catch (error) {
      throw this.#readFailure(error, signal);
    }
  }

  #readFailure(error: unknown, signal: AbortSignal | undefined): Error {
    if (this.#failure !== undefined) return this.#failure;
    if (signal?.aborted === true && signal.reason === error) return error as Error;
    const refused = error instanceof CryptoError || error instanceof MalformedError;
    const failure = refused ? new ChannelError('RECORD_REFUSED', error) : truncated(error);
    this.abort(failure);
    return failure;
  }

  #onEnd(reason: EndReason): void {
    this.#theirEnd = true;
    const refusal = refusalOf(reason);
    if (refusal !== undefined) {
      this.abort(refusal);
      throw refusal;
    }
    // the flush is not the reader's concern: both directions are authentically over
    if (this.#ourEnd) void this.#release();
  }

  /** Both directions have ended: flush, and let go of the connection. Never rejects. */
  async #release(): Promise<void> {
    const timer = new AbortController();
    const over = new ChannelError('CLOSED');
    // ends with its signal at the latest
    void this.#clock.sleep(RELEASE_TIMEOUT_MS, timer.signal).then(
      () => this.#lower.abort(over),
      () => undefined,
    );
    // takes in the peer's end of stream, which it may be waiting to get rid of; what else would come is ignored
    void this.#lower.read(timer.signal).catch(() => undefined);
    try {
      await this.#lower.close();
    } catch {
      // the peer has all it asked for; a socket that fails now changes nothing
    } finally {
      timer.abort();
      this.#lower.abort(over);
    }
  }
}

/** Ends the wait for `work`, which observes the signal too, but only when its turn has come. */
async function orAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function truncated(error: unknown): ChannelError {
  return error instanceof ChannelError && error.code === 'TRUNCATED'
    ? error
    : new ChannelError('TRUNCATED', error);
}
