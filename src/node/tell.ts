/** Tells the face what happened. */

import type { Log } from '../safety/log.ts';
import type { KithEvent, KithInit } from './face.ts';
import { reasonOf } from './failures.ts';

/** A listener's own failure is not the node's. */
export function tell(
  { onEvent, log }: Pick<KithInit, 'onEvent'> & { readonly log: Log },
  event: KithEvent,
): void {
  try {
    onEvent?.(event);
  } catch (error) {
    log('error', 'the listener for events failed', { event: event.kind, reason: reasonOf(error) });
  }
}
