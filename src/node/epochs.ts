/**
 * When handles change: at global epochs, so that all nodes do it in the same short window and none stands out.
 * DESIGN 2: an epoch is a UTC day, the window its first two hours.
 *
 * The new handle comes and the old one goes at two independent moments of that window. If one vanished in the second
 * the other appeared, whoever watches the DHT could pair them.
 */

import type { Clock } from '../safety/clock.ts';

export interface EpochSchedule {
  /** Length of an epoch, ms. Epochs are counted from 1970-01-01T00:00Z. */
  readonly lengthMs: number;
  /** The start of each epoch in which handles change, ms. */
  readonly windowMs: number;
}

const HOUR_MS = 3_600_000;

export const HANDLE_EPOCHS: EpochSchedule = { lengthMs: 24 * HOUR_MS, windowMs: 2 * HOUR_MS };

/** Wall clocks jump, so a long wait looks at them this often, ms. */
const LOOK_MS = 30_000;

/** Number of the epoch at a wall time. */
export function epochAt(nowMs: number, { lengthMs }: EpochSchedule): number {
  return Math.floor(nowMs / lengthMs);
}

/** When one node changes into `epoch`: its new handle comes, then its old one goes. `chance` draws from [0, 1). */
export function changeInto(
  epoch: number,
  { lengthMs, windowMs }: EpochSchedule,
  chance: () => number,
): { readonly comesMs: number; readonly goesMs: number } {
  const [first, second] = [chance(), chance()];
  const startMs = epoch * lengthMs;
  return {
    comesMs: startMs + Math.min(first, second) * windowMs,
    goesMs: startMs + Math.max(first, second) * windowMs,
  };
}

/** Resolves with the epoch at hand as soon as that is another than `epoch`, whichever way the clock was set. */
export async function otherEpoch(
  epoch: number,
  schedule: EpochSchedule,
  clock: Clock,
  signal: AbortSignal,
): Promise<number> {
  for (;;) {
    const now = clock.now();
    const current = epochAt(now, schedule);
    if (current !== epoch) return current;
    await clock.sleep(Math.min((epoch + 1) * schedule.lengthMs - now, LOOK_MS), signal);
  }
}

/** Resolves when the wall clock shows `atMs` or later. Rejects with the signal's reason. */
export async function until(atMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  for (let leftMs = atMs - clock.now(); leftMs > 0; leftMs = atMs - clock.now()) {
    await clock.sleep(Math.min(leftMs, LOOK_MS), signal);
  }
}
