/** Randomness as a dependency, so that handshakes and simulations can be replayed from a seed. */

import { randomFillSync } from 'node:crypto';

/** Returns `size` fresh bytes that the caller owns. */
export type RandomBytes = (size: number) => Uint8Array<ArrayBuffer>;

/** The operating system's generator. */
export const systemRandom: RandomBytes = (size) => randomFillSync(new Uint8Array(size));

/** Draws from [0, 1), from 32 random bits at a time. */
export function chanceOf(random: RandomBytes): () => number {
  return () => {
    const bytes = random(4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
  };
}
