/**
 * What both sides of the end-to-end bench can be asked to do. Times are CPU time of the process, in µs an operation;
 * each message has {@link CONTENT_BYTES} of content, and each first contact uses a one-time prekey.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Bytes } from './comparator.ts';

export interface Contender {
  /** First contacts: everyone who writes first to everyone they write to, without a session so far. */
  open(): Promise<Opening>;
  /** `count` messages one way and as many back, in turns: one encrypt and one decrypt, for each message. */
  pingPong(count: number): Promise<number>;
  /**
   * `count` messages one way, encrypted one after the other, then decrypted in the same order. The turn before, with
   * the first message after it, is not counted.
   */
  oneWay(count: number): Promise<OneWay>;
  /** Means over `count` turns: of what one party stores of the session, and of a message. */
  sizes(count: number): Promise<Sizes>;
}

/** Those who write first, and those they write to. */
export const INITIATORS = 8;
export const RESPONDERS = 4;

/** Each initiator with each responder, neighbours with no party in common. */
export function pairings<Party>(
  initiators: readonly Party[],
  responders: readonly Party[],
): (readonly [Party, Party])[] {
  return responders.flatMap((_, shift) =>
    initiators.map(
      (initiator, i) => [initiator, responders[(i + shift) % responders.length] as Party] as const,
    ),
  );
}

export interface Opening {
  readonly initiate: number;
  readonly accept: number;
}

export interface OneWay {
  readonly encrypt: number;
  readonly decrypt: number;
}

export interface Sizes {
  readonly session: number;
  readonly message: number;
}

const CONTENT_BYTES = 1024;

/** Made before anything is measured. */
const CONTENTS = Array.from({ length: 256 }, (_, index) => {
  const content: Bytes = new Uint8Array(CONTENT_BYTES);
  for (let i = 0; i < content.length; i++) content[i] = i * 7 + index;
  return content;
});

/** The content of message `index`: another for each of 256 in a row, so that none passes for its neighbour. */
export function contentOf(index: number): Bytes {
  return CONTENTS[index % CONTENTS.length] as Bytes;
}

export function requireContent(index: number, content: Uint8Array | undefined): void {
  if (content === undefined || Buffer.compare(content, contentOf(index)) !== 0) {
    throw new Error(`message ${index} was not decrypted to what was encrypted`);
  }
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void;

/**
 * CPU time (user and system, of all threads) of `count` operations, in µs each. Not the time on the clock: the machine
 * is shared. With the collection of their garbage, and no other: else who allocates more often would pay for both.
 */
export async function cpuUs(count: number, operation: (index: number) => unknown): Promise<number> {
  collectGarbage({ type: 'minor' });
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) {
    const pending = operation(i);
    if (pending instanceof Promise) await pending;
  }
  collectGarbage({ type: 'minor' });
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}
