/** The wait for tor before a dial. */

import type { Clock } from '../../safety/clock.ts';
import type { Log } from '../../safety/log.ts';
import { codeOf } from './errors.ts';
import { READY_RETRY_MS } from './limits.ts';

export interface UntilReadyInit {
  readonly clock: Clock;
  readonly log: Log;
  /** Resolves when tor can dial; undefined: it always can. */
  readonly ready: ((signal: AbortSignal) => Promise<void>) | undefined;
}

/** Asks again when it fails. Rejects with the signal's reason alone. */
export async function untilReady({ clock, log, ready }: UntilReadyInit, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await ready?.(signal);
    } catch (error) {
      signal.throwIfAborted();
      log('debug', 'tor is not ready to dial friends', { code: codeOf(error) });
      await clock.sleep(READY_RETRY_MS, signal);
    }
  }
}
