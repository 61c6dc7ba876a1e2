/**
 * The receiving half of `/kith/say/1`: content goes to the inbox as it arrives, and `written` is answered only
 * after it is durable there. Whatever goes wrong, nothing half-written stays and the sender learns why.
 */

import { createHash } from 'node:crypto';
import { concat } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import { DiskError } from '../safety/disk.ts';
import type { SecureChannel } from '../net/channel.ts';
import { withDeadline } from '../net/deadline.ts';
import { encodeSayReceipt, type SayStatus } from '../wire/say.ts';
import type { Inbox, IncomingFile } from './inbox.ts';
import {
  SAY_DISCARD_BYTES,
  SAY_DISCARD_MS,
  SAY_IDLE_MS,
  SAY_MAX_CONCURRENT,
  SAY_SECURE_PLACE_MS,
  SAY_WRITE_BYTES,
} from './limits.ts';

/** A message that is durably in the inbox. */
export interface Received {
  /** Ed25519 key of the sender as the link proved it: their onion, or a one-time key. */
  readonly from: Uint8Array;
  readonly path: string;
  readonly sizeBytes: number;
  readonly digest: Uint8Array;
}

export interface SayReceiverComponents {
  readonly inbox: Inbox;
  readonly clock: Clock;
  readonly onReceived: (received: Received) => void;
  /** Told about a message that could not be kept; the sender is told too. */
  readonly onRefused: (status: Exclude<SayStatus, 'written'>, cause?: unknown) => void;
}

const NO_DIGEST = new Uint8Array(32);

/** A message on its way, and how much of it came: the measure by which places are given away. */
interface Reception {
  readonly channel: SecureChannel;
  readonly startedMs: number;
  sizeBytes: number;
}

export class SayReceiver {
  readonly #components: SayReceiverComponents;
  readonly #active = new Set<Reception>();

  constructor(components: SayReceiverComponents) {
    this.#components = components;
  }

  /** Handler for {@link SAY_PROTOCOL}; returns when the channel is done. */
  readonly receive = async (channel: SecureChannel): Promise<void> => {
    if (this.#active.size >= SAY_MAX_CONCURRENT && !this.#dropSlowest())
      return this.#refuse(channel, 'failed', 0);
    const reception = { channel, startedMs: this.#components.clock.monotonic(), sizeBytes: 0 };
    this.#active.add(reception);
    try {
      await this.#receive(reception);
    } finally {
      this.#active.delete(reception);
    }
  };

  /** Keys are free, so all places may be held by somebody who sends a byte a minute: honest senders are faster. */
  #dropSlowest(): boolean {
    const nowMs = this.#components.clock.monotonic();
    const rate = ({ sizeBytes, startedMs }: Reception) => sizeBytes / (nowMs - startedMs);
    const [slowest] = [...this.#active]
      .filter(({ startedMs }) => nowMs - startedMs >= SAY_SECURE_PLACE_MS)
      .toSorted((a, b) => rate(a) - rate(b));
    if (slowest === undefined) return false;
    this.#active.delete(slowest);
    slowest.channel.abort(new Error('say: the place went to a faster sender'));
    return true;
  }

  async #receive(reception: Reception): Promise<void> {
    const { channel } = reception;
    let file: IncomingFile;
    try {
      file = await this.#components.inbox.receive();
    } catch (error) {
      return this.#refuse(channel, diskStatus(error), 0, error);
    }
    let message: Omit<Received, 'from'> | Refusal;
    try {
      message = await store(file, reception, this.#components.clock);
    } catch (error) {
      await file.drop();
      channel.abort(error instanceof Error ? error : new Error('say: stopped'));
      throw error;
    }
    this.#active.delete(reception); // what follows is short, and bounded by other limits
    if ('status' in message) return this.#refuse(channel, message.status, message.sizeBytes, message.cause);
    this.#components.onReceived({ from: channel.remoteKey, ...message });
    const { sizeBytes, digest } = message;
    await channel.write(encodeSayReceipt({ status: 'written', sizeBytes, digest }));
    await channel.close();
  }

  async #refuse(
    channel: SecureChannel,
    status: Exclude<SayStatus, 'written'>,
    sizeBytes: number,
    cause?: unknown,
  ): Promise<void> {
    this.#components.onRefused(status, cause);
    try {
      await channel.write(encodeSayReceipt({ status, sizeBytes, digest: NO_DIGEST }));
      await channel.close();
      await discard(channel, this.#components.clock);
    } catch (error) {
      channel.abort(error instanceof Error ? error : new Error('say: stopped'));
    }
  }
}

/** Why a message was not kept. */
interface Refusal {
  readonly status: Exclude<SayStatus, 'written'>;
  readonly sizeBytes: number;
  readonly cause?: unknown;
}

/**
 * Reads the channel to its end into `file`. What cannot be kept is dropped before this returns, so the space is free
 * when the sender hears of it. Throws only what the channel throws; then `file` is still the caller's to drop.
 */
async function store(
  file: IncomingFile,
  reception: Reception,
  clock: Clock,
): Promise<Omit<Received, 'from'> | Refusal> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const bytes of grouped(reception, clock)) {
    const status = await file.append(bytes).catch((error: unknown) => error);
    if (status !== 'written') {
      await file.drop();
      const full = status === 'too-large' || status === 'inbox-full';
      return full ? { status, sizeBytes } : { status: diskStatus(status), sizeBytes, cause: status };
    }
    hash.update(bytes);
    sizeBytes += bytes.length;
  }
  try {
    return { path: await file.keep(), sizeBytes, digest: hash.digest() };
  } catch (cause) {
    return { status: diskStatus(cause), sizeBytes, cause };
  }
}

function diskStatus(error: unknown): 'disk-full' | 'failed' {
  return error instanceof DiskError && error.code === 'DISK_FULL' ? 'disk-full' : 'failed';
}

/**
 * Reads on after a refusal, because hanging up at once could overtake the receipt; a sender that has read it stops.
 */
async function discard(channel: SecureChannel, clock: Clock): Promise<void> {
  const tooLong = () => new Error('say: the sender does not stop');
  const read = async (signal: AbortSignal): Promise<void> => {
    for (let sizeBytes = 0; sizeBytes < SAY_DISCARD_BYTES; ) {
      const bytes = await channel.read(signal);
      if (bytes === null) return;
      sizeBytes += bytes.length;
    }
    channel.abort(tooLong());
  };
  await withDeadline(clock, SAY_DISCARD_MS, undefined, read, tooLong);
}

/** The channel's bytes in pieces worth a disk write, with the idle deadline applied. */
async function* grouped(reception: Reception, clock: Clock): AsyncGenerator<Uint8Array> {
  const read = (signal: AbortSignal) => reception.channel.read(signal);
  const silent = () => new Error('say: the sender went silent');
  let pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for (;;) {
    const bytes = await withDeadline(clock, SAY_IDLE_MS, undefined, read, silent);
    if (bytes !== null) {
      pieces.push(bytes);
      sizeBytes += bytes.length;
      reception.sizeBytes += bytes.length;
    }
    if (sizeBytes >= SAY_WRITE_BYTES || (bytes === null && sizeBytes > 0)) {
      yield concat(...pieces);
      pieces = [];
      sizeBytes = 0;
    }
    if (bytes === null) return;
  }
}
