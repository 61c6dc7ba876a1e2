/** How long to wait after failed dials. Pure: its owner holds the clock. */

import { BACKOFF_MAX_MS, BACKOFF_MIN_MS, BACKOFF_RECENT_MS, RECENT_MS } from './limits.ts';

/**
 * Milliseconds to wait after the `failures`-th failure in a row (from 1). `sinceReachedMs`: since the friend was
 * reached, null for never. `chance` draws from [0, 1): half of the time is drawn, so that not all come back at once.
 */
export function backoffMs(failures: number, sinceReachedMs: number | null, chance: () => number): number {
  const isRecent = sinceReachedMs !== null && sinceReachedMs < RECENT_MS;
  const longest = isRecent ? BACKOFF_RECENT_MS : BACKOFF_MAX_MS;
  const whole = Math.min(longest, BACKOFF_MIN_MS * 2 ** Math.min(failures - 1, 20));
  return whole * (0.5 + chance() / 2);
}
