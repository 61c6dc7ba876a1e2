/** A sleep that can be cut short. */

import type { Wakeup } from '../../net/wakeup.ts';
import type { Clock } from '../../safety/clock.ts';

/** Resolves after `ms` (infinite: never) or at the next wake; rejects with the signal's reason. Leaves nothing behind. */
export async function sleepOrWake(
  clock: Clock,
  wakeup: Wakeup,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const waits = [wakeup.wait(either)];
  if (ms !== Number.POSITIVE_INFINITY) waits.push(clock.sleep(ms, either));
  try {
    await Promise.race(waits);
  } finally {
    over.abort();
    await Promise.allSettled(waits);
  }
}
