/** Misuse and exhaustion of the state machines. Refused bytes are CryptoError or MalformedError instead. */

import { KithError } from '../safety/errors.ts';

/**
 * `WRONG_STATE`: a message was written or read out of order, or after a failure.
 * `NONCE_EXHAUSTED`: a key was used as often as is allowed.
 */
export type KemErrorCode = 'WRONG_STATE' | 'NONCE_EXHAUSTED';

export class KemError extends KithError<KemErrorCode> {
  override readonly name = 'KemError';
}
