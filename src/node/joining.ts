/**
 * Keeps one member in the overlay: as long as it knows few peers it enters through entry points picked at random, at
 * growing, jittered intervals, so that a network that comes back is not stormed.
 *
 * Which entry points are picked depends on nothing that an earlier handle of this node did.
 */

import type { EntryPoints } from '../dht/entry-points.ts';
import type { Clock } from '../safety/clock.ts';
import type { OnionAddress } from '../wire/onion.ts';
import type { Member } from './member.ts';

/** With fewer peers than this a member keeps entering: disjoint paths of a lookup need different starts. */
const ENOUGH_PEERS = 6;
/** Entry points tried at once. */
const TRIED_AT_ONCE = 3;
/** The first pause after a round that left too few peers, and the longest, ms. */
const FIRST_PAUSE_MS = 3000;
const LONGEST_PAUSE_MS = 120_000;
/** How often one with enough peers looks again, ms. */
const CONTENT_PAUSE_MS = 60_000;

export interface Joining {
  readonly member: Member;
  readonly entryPoints: EntryPoints;
  readonly clock: Clock;
  /** Draws from [0, 1). */
  readonly chance: () => number;
  /** After each look at how the member stands. `known`: whether there is anybody to enter through. */
  readonly onLook: (known: boolean) => void;
}

/** Runs until the signal is aborted; never rejects. `nudge` ends a pause early: there is somebody new. */
export async function stayJoined(
  { member, entryPoints, clock, chance, onLook }: Joining,
  nudged: () => AbortSignal,
  signal: AbortSignal,
): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    const nudge = AbortSignal.any([signal, nudged()]); // before the look: what comes during it counts
    const enough = member.peers().length >= ENOUGH_PEERS;
    const picked = enough ? [] : entryPoints.pick(TRIED_AT_ONCE);
    onLook(enough || picked.length > 0);
    await Promise.all(picked.map((onion) => enter(member, entryPoints, onion, signal)));
    if (picked.length > 0) onLook(true);
    pauseMs = enough ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    const waitMs = enough ? CONTENT_PAUSE_MS : pauseMs;
    await clock.sleep(waitMs / 2 + (waitMs / 2) * chance(), nudge).catch(() => {});
  }
}

async function enter(
  member: Member,
  entryPoints: EntryPoints,
  onion: OnionAddress,
  signal: AbortSignal,
): Promise<void> {
  try {
    await member.dht.enter(onion, { signal });
    entryPoints.reached(onion);
  } catch {
    if (!signal.aborted) entryPoints.failed(onion);
  }
}
