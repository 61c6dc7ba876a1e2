/**
 * A second try beside a slow first one. When an onion's tor was killed, an introduction point may go on taking
 * introductions for it; tor then waits for a rendezvous that never comes, and joins further streams of the same
 * circuit to that wait. Only a fresh descriptor and another circuit get through, and nothing tells the two cases apart
 * but time.
 */

import type { Clock } from '../safety/clock.ts';

export interface HedgeOptions<T> {
  readonly clock: Clock;
  /** The second try starts when the first has not settled after this, ms. */
  readonly afterMs: number;
  readonly signal: AbortSignal;
  /** Gets a result that came too late. */
  readonly discard: (late: T) => void;
}

export interface Hedged<T> {
  readonly value: T;
  /** Which try it came from. */
  readonly round: 0 | 1;
}

/**
 * The first result of two tries, of which the second may never start; the other is aborted. A first try that fails
 * before the second starts is the failure; when both fail, the first one's is thrown.
 */
export async function hedged<T>(
  attempt: (round: 0 | 1, signal: AbortSignal) => Promise<T>,
  { clock, afterMs, signal, discard }: HedgeOptions<T>,
): Promise<Hedged<T>> {
  const decided = new AbortController();
  const running = AbortSignal.any([signal, decided.signal]);
  let hedging = false;
  const first = attempt(0, running);
  const second = clock.sleep(afterMs, running).then(() => {
    hedging = true;
    return attempt(1, running);
  });
  first.catch((error: unknown) => {
    if (!hedging) decided.abort(error);
  });
  const tries = [first, second].map((result, round) =>
    result.then((value): Hedged<T> => ({ value, round: round as 0 | 1 })),
  );
  let winner: Hedged<T> | undefined;
  try {
    winner = await Promise.any(tries);
    return winner;
  } catch (error) {
    throw (error as AggregateError).errors[0];
  } finally {
    decided.abort(new Error('the other try was faster'));
    for (const late of tries) {
      late.then(
        (result) => {
          if (result.round !== winner?.round) discard(result.value);
        },
        () => {}, // told above, or of no interest any more
      );
    }
  }
}
