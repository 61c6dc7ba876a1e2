/** What becomes of failures that nobody waits for: they are logged and go no further. */

import { KithError } from '../safety/errors.ts';
import type { Log } from '../safety/log.ts';

/** What a log may say of an error: its code or its class. Messages of others may name paths, onions, people. */
export function reasonOf(error: unknown): string {
  if (error instanceof KithError) return error.code;
  return error instanceof Error ? error.name : typeof error;
}

/** The same as `work`, for callers to whom its failure says nothing. It is logged as `what`. */
export function guarded<Args extends readonly unknown[]>(
  log: Log,
  what: string,
  work: (...args: Args) => void,
): (...args: Args) => void {
  return (...args) => {
    try {
      work(...args);
    } catch (error) {
      log('error', what, { reason: reasonOf(error) });
    }
  };
}
