/** Bytes that depend on a seed alone, so that a test has the same keys in each run. */

import type { RandomBytes } from '../../src/safety/random.ts';
import { seededChance } from '../../src/testnet/seeded.ts';

export function seededRandom(seed: number): RandomBytes {
  const chance = seededChance(seed);
  return (size) => Uint8Array.from({ length: size }, () => Math.floor(chance() * 256));
}
