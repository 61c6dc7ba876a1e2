/**
 * The authenticated inbound channels of an acceptor: counted in total and per key, run, and brought to an orderly
 * end when their handler is done.
 */

import { toHex } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import type { Log } from '../safety/log.ts';
import { withDeadline } from './deadline.ts';
import { ChannelError } from './errors.ts';
import { type AcceptorLimits, DRAIN_BYTES, DRAIN_TIMEOUT_MS } from './limits.ts';
import type { EndReason } from './record.ts';
import type { LinkChannel, SecureChannel } from './secure-channel.ts';

export class OpenChannels {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limits: AcceptorLimits;
  /** All that this class runs, refusals included, with the promise of their end. Those never reject. */
  readonly #running = new Map<LinkChannel, Promise<void>>();
  readonly #perKey = new Map<string, number>();
  #open = 0;
  #refusing = 0;
  #closed = false;

  constructor(clock: Clock, log: Log, limits: AcceptorLimits) {
    this.#clock = clock;
    this.#log = log;
    this.#limits = limits;
  }

  /** Channels with a running handler. */
  get open(): number {
    return this.#open;
  }

  /** Runs the handler, or tells the peer that we are busy. False: not even that, the caller has the connection. */
  serve(channel: LinkChannel, handler: (channel: SecureChannel) => Promise<void>): boolean {
    if (this.#closed) return false;
    const key = toHex(channel.remoteKey);
    const ofKey = this.#perKey.get(key) ?? 0;
    if (this.#open >= this.#limits.open || ofKey >= this.#limits.openPerKey)
      return this.refuse(channel, 'busy');
    this.#open++;
    this.#perKey.set(key, ofKey + 1);
    this.#run(channel, async () => {
      try {
        await handler(channel);
      } finally {
        this.#open--;
        this.#leaveKey(key);
      }
      await this.#finish(channel, 'done');
    });
    return true;
  }

  /** Tells the peer why not. False when too many are being told already, and the caller has the connection. */
  refuse(channel: LinkChannel, reason: EndReason): boolean {
    if (this.#closed || this.#refusing >= this.#limits.refusing) return false;
    this.#refusing++;
    this.#run(channel, async () => {
      try {
        await this.#finish(channel, reason);
      } finally {
        this.#refusing--;
      }
    });
    return true;
  }

  /** Aborts all and waits for their handlers. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const channel of this.#running.keys()) channel.abort(new ChannelError('CLOSED'));
    await Promise.all(this.#running.values());
  }

  #run(channel: LinkChannel, work: () => Promise<void>): void {
    const done = work()
      .catch((error: unknown) => {
        channel.abort(error instanceof Error ? error : new ChannelError('CLOSED', error));
        this.#log('debug', 'inbound channel ended with an error', {
          error: error instanceof Error ? error.name : 'unknown',
        });
      })
      .finally(() => this.#running.delete(channel));
    this.#running.set(channel, done);
  }

  /** Ends our direction, then reads what the peer still sends, within bounds, so that it sees our end. */
  async #finish(channel: LinkChannel, reason: EndReason): Promise<void> {
    try {
      await withDeadline(this.#clock, DRAIN_TIMEOUT_MS, undefined, async (signal) => {
        await raceSignal(channel.end(reason), signal);
        let left = DRAIN_BYTES;
        for (let bytes = await channel.read(signal); bytes !== null; bytes = await channel.read(signal)) {
          left -= bytes.length;
          if (left < 0) throw new ChannelError('TRUNCATED');
        }
      });
    } catch (error) {
      channel.abort(error as Error);
    }
  }

  #leaveKey(key: string): void {
    const left = (this.#perKey.get(key) ?? 1) - 1;
    if (left > 0) this.#perKey.set(key, left);
    else this.#perKey.delete(key);
  }
}

/** `promise`, or the signal's reason: the end record of a peer that reads nothing would wait for ever. */
async function raceSignal(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
