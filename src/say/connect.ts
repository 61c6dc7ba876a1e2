/**
 * Connecting for a person who waits: a dial that fails for a reason that can pass (the other tor restarts, its
 * descriptor is stale, our tor is coming back) is tried again for a while before the person is told.
 */

import type { SecureChannel } from '../net/channel.ts';
import type { Clock } from '../safety/clock.ts';
import { KithError } from '../safety/errors.ts';
import { CONNECT_PATIENCE_MS, CONNECT_RETRY_MS } from './limits.ts';

/** Trying again cannot help: the address, the key or the permission is wrong. */
const FINAL: ReadonlySet<string> = new Set([
  'ONION_BAD_ADDRESS',
  'ONION_AUTH_MISSING',
  'ONION_AUTH_WRONG',
  'NOT_ALLOWED',
  'WRONG_KEY',
  'BAD_ISOLATION',
  'TOR_NOT_FOUND',
  'TOR_UNSUITABLE',
  'TOR_GAVE_UP',
]);

export interface ConnectOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** A try failed and another follows. */
  readonly onRetry?: (cause: KithError) => void;
}

/** The channel of the first `dial` that succeeds; throws the last failure, or the signal's reason. */
export async function connectPatiently(
  dial: () => Promise<SecureChannel>,
  { clock, signal, onRetry }: ConnectOptions,
): Promise<SecureChannel> {
  const giveUpAt = clock.monotonic() + CONNECT_PATIENCE_MS;
  for (;;) {
    try {
      return await dial();
    } catch (error) {
      const passes = error instanceof KithError && !FINAL.has(error.code);
      if (!passes || signal?.aborted === true || clock.monotonic() + CONNECT_RETRY_MS > giveUpAt) throw error;
      onRetry?.(error);
      await clock.sleep(CONNECT_RETRY_MS, signal);
    }
  }
}
