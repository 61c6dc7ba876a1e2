/**
 * The sending half of `/kith/say/1`: resolves only when the other side has said, over the authenticated channel,
 * that exactly these bytes are on its disk.
 */

import { createHash } from 'node:crypto';
import { concat, equal } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import type { SecureChannel } from '../net/channel.ts';
import { decodeSayReceipt, SAY_RECEIPT_BYTES, type SayReceipt } from '../wire/say.ts';
import { refusal, SayError } from './errors.ts';
import { SAY_RECEIPT_MS } from './limits.ts';

export interface Delivered {
  readonly sizeBytes: number;
  /** SHA-256 of the content, as both sides computed it. */
  readonly digest: Uint8Array;
}

export interface SayProgress {
  readonly sentBytes: number;
}

export interface SendOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SayProgress) => void;
}

/**
 * Sends `content` over an open channel and waits for the receipt. Ends the channel in every case.
 * Throws {@link SayError}, or the channel's own error when the link broke.
 */
export async function sendSay(
  channel: SecureChannel,
  content: AsyncIterable<Uint8Array>,
  { clock, signal, onProgress }: SendOptions,
): Promise<Delivered> {
  const hash = createHash('sha256');
  let sentBytes = 0;
  const early = readReceipt(channel, signal); // a refusal may come while we are still sending
  const refused = early.then(
    (receipt) => receipt.status !== 'written',
    () => true,
  );
  let over = false;
  void refused.then((value) => {
    over = value;
  });
  const pieces = content[Symbol.asyncIterator]();
  try {
    for (;;) {
      const following = pieces.next();
      following.catch(() => {}); // thrown by the race, unless the other side ended it first
      const piece = await Promise.race([following, stopped(refused)]);
      if (piece === undefined || piece.done === true) break;
      const chunk = piece.value;
      await Promise.race([channel.write(chunk, signal), stopped(refused)]);
      if (over) break;
      hash.update(chunk);
      sentBytes += chunk.length;
      onProgress?.({ sentBytes });
    }
    if (!over) await channel.close();
    const receipt = await withDeadline(early, SAY_RECEIPT_MS, clock, signal);
    if (receipt.status !== 'written') throw refusal(receipt.status, sentBytes);
    const digest = hash.digest();
    if (receipt.sizeBytes !== sentBytes || !equal(receipt.digest, digest)) {
      throw new SayError('SAY_DIGEST', 'the other side wrote something else than what was sent', {
        hint: 'Do not rely on that copy; update both nodes and send it again.',
        data: { sentBytes, writtenBytes: receipt.sizeBytes },
      });
    }
    channel.abort(new Error('say: done')); // both directions have ended; this frees the circuit at once
    return { sizeBytes: sentBytes, digest };
  } catch (error) {
    channel.abort(error instanceof Error ? error : new Error('say: stopped'));
    early.catch(() => {}); // already reported by `error`
    throw error;
  } finally {
    void pieces.return?.(); // a source that waits for its user is not waited for
  }
}

/** Resolves when the message is over before its content is: refused, cut or given up. The losing side of a race. */
async function stopped(refused: Promise<boolean>): Promise<undefined> {
  return (await refused) ? undefined : new Promise(() => {});
}

async function readReceipt(channel: SecureChannel, signal?: AbortSignal): Promise<SayReceipt> {
  let bytes: Uint8Array = new Uint8Array(0);
  while (bytes.length < SAY_RECEIPT_BYTES) {
    const more = await channel.read(signal);
    if (more === null) {
      throw new SayError('SAY_LOST', 'the other side ended without saying what became of the message', {
        hint: 'It may or may not have been kept; send it again.',
      });
    }
    bytes = concat(bytes, more);
  }
  return decodeSayReceipt(bytes);
}

async function withDeadline<T>(work: Promise<T>, ms: number, clock: Clock, signal?: AbortSignal): Promise<T> {
  const over = new AbortController();
  const stop = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
  const deadline = clock.sleep(ms, stop).then(() => {
    throw new SayError('SAY_TIMEOUT', 'the other side did not confirm the message in time', {
      hint: 'It may or may not have been kept; send it again.',
      data: { waitedMs: ms },
    });
  });
  deadline.catch(() => {}); // lost the race
  try {
    return await Promise.race([work, deadline]);
  } finally {
    over.abort();
  }
}
