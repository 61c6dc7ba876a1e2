/** Randomness as a dependency, so that handshakes and simulations can be replayed from a seed. */

import { randomFillSync } from 'node:crypto';

/** Returns `size` fresh bytes that the caller owns. */
export type RandomBytes = (size: number) => Uint8Array<ArrayBuffer>;

/** The operating system's generator. */
export const systemRandom: RandomBytes = (size) => randomFillSync(new Uint8Array(size));
