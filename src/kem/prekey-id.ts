/**
 * Ids of prekeys and one-time prekeys: 4 random bytes that name the private half to its owner, and nothing to others. 0
 * stands for "none" on the wire. Not secret, and not bound to the key: the transcript does that (kx1.ts).
 */

import type { Primitives } from './primitives.ts';

/** A random 32-bit id that is neither 0 nor one of `taken`. */
export function newPrekeyId(random: Primitives['random'], taken: readonly number[]): number {
  for (;;) {
    const bytes = random(4);
    const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    if (id !== 0 && !taken.includes(id)) return id;
  }
}

/** Whether `id` can name a key: a whole number of 4 bytes that is not 0. */
export function isPrekeyId(id: number): boolean {
  return Number.isInteger(id) && id >= 1 && id < 2 ** 32;
}
