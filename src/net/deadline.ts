/** Work with an end: a deadline on the injected clock beside the caller's own signal. */

import type { Clock } from '../safety/clock.ts';
import { ChannelError } from './errors.ts';

/**
 * Runs `work` with a signal that is aborted after `ms` with what `over` makes (ChannelError TIMEOUT), or with the
 * caller's reason. The timer is gone when this returns. `work` has to observe the signal.
 */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
  over: () => Error = () => new ChannelError('TIMEOUT'),
): Promise<T> {
  signal?.throwIfAborted();
  const deadline = new AbortController();
  const timer = new AbortController();
  const forward = (): void => deadline.abort(signal?.reason);
  signal?.addEventListener('abort', forward, { once: true });
  // not awaited: it ends with the timer's signal, and its only rejection is that end
  void clock.sleep(ms, timer.signal).then(
    () => deadline.abort(over()),
    () => undefined,
  );
  try {
    return await work(deadline.signal);
  } finally {
    timer.abort();
    signal?.removeEventListener('abort', forward);
  }
}
