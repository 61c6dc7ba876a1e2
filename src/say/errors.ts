/** Why a message was not delivered. */

import { KithError } from '../safety/errors.ts';
import type { SayStatus } from '../wire/say.ts';

export type SayErrorCode =
  | 'SAY_REFUSED'
  | 'SAY_LOST'
  | 'SAY_DIGEST'
  | 'SAY_TIMEOUT'
  | 'SAY_EMPTY'
  | 'SAY_ADDRESS'
  | 'SAY_STOPPED';

/** The message is not (known to be) on the other side's disk. */
export class SayError extends KithError<SayErrorCode> {
  override readonly name = 'SayError';
}

const REFUSALS: Readonly<Record<Exclude<SayStatus, 'written'>, readonly [string, string]>> = {
  'too-large': [
    'it is larger than the other side takes',
    'Send it in parts, or ask for another way to hand it over.',
  ],
  'inbox-full': ["the other side's inbox is full", 'Ask them to empty their inbox, then send it again.'],
  'disk-full': ["the other side's disk is full", 'Ask them to free some space, then send it again.'],
  failed: ['the other side could not write it', 'Ask them to run `kith doctor`, then send it again.'],
};

/** The error for a receipt that says anything but `written`. */
export function refusal(status: Exclude<SayStatus, 'written'>, sentBytes: number): SayError {
  const [what, hint] = REFUSALS[status];
  return new SayError('SAY_REFUSED', `the message was not kept: ${what}`, {
    hint,
    data: { status, sentBytes },
  });
}
