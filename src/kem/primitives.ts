/** What the end-to-end protocols are handed: the primitives, the randomness and the time. They have no others. */

import type { Provider } from '../safety/crypto/provider.ts';
import type { RandomBytes } from '../safety/random.ts';

export interface Primitives {
  readonly provider: Provider;
  readonly random: RandomBytes;
}

/** The last moment that a Date knows: what is reckoned from it still fits the 8 bytes of a saved time. */
const MAX_TIME_MS = 8_640_000_000_000_000;

/**
 * Throws RangeError unless `now` is a moment in milliseconds since 1970. For all that would take a time that is no
 * number as early or late enough, or keep it.
 */
export function requireTime(now: number): void {
  if (!(now >= 0 && now <= MAX_TIME_MS)) throw new RangeError('not a time in milliseconds since 1970');
}
