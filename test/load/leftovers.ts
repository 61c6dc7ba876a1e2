/**
 * What a process holds: sockets, pipes, timers and child processes that keep it alive, and its descriptors where the
 * system lists them (Linux). Counted before and after, so that a leak shows as a difference.
 */

import { readdirSync, readlinkSync } from 'node:fs';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 20;

export type Held = ReadonlyMap<string, number>;

export function held(): Held {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (/Pipe|Timeout|Process/.test(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  counts.set('descriptors', descriptors());
  return counts;
}

/** Kinds of which `now` says more than `before`, such as "2 PipeWrap", once they had `waitMs` to go. */
export async function leftOver(before: Held, waitMs: number, now: () => Held = held): Promise<string[]> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    // a timer that has just fired is still counted in its own turn
    await delay(LOOK_EVERY_MS);
    await nextTurn();
    const left = [...now()].flatMap(([kind, count]) => {
      const more = count - (before.get(kind) ?? 0);
      return more > 0 ? [`${more} ${kind}`] : [];
    });
    if (left.length === 0 || performance.now() > deadline) return left;
  }
}

function descriptors(): number {
  return list().filter((name) => {
    try {
      // node keeps one of /dev/null from the first child process on
      return readlinkSync(`/proc/self/fd/${name}`) !== '/dev/null';
    } catch {
      return false; // that of the listing itself
    }
  }).length;
}

function list(): readonly string[] {
  try {
    return readdirSync('/proc/self/fd');
  } catch {
    return [];
  }
}
