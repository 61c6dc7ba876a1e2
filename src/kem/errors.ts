/** What the state machines refuse by a rule of theirs. What primitives refuse is CryptoError, bytes of the wrong form MalformedError. */

import { KithError } from '../safety/errors.ts';

/**
 * `WRONG_STATE`: a message was written or read out of order, or after a failure.
 * `NONCE_EXHAUSTED`: a key was used as often as is allowed.
 * `NOT_FOR_THIS_SESSION`: no header key of the session opens the message.
 * `ALREADY_RECEIVED`: the message's key was used, or was dropped because of its age.
 * `TOO_FAR_AHEAD`: more messages are missing before this one than are bridged.
 * `WRONG_EPOCH`: the peer names a post-quantum epoch that it cannot be in.
 * `CHAIN_EXHAUSTED`: so many messages went out unanswered that no more may be.
 * `CONTENT_TOO_LONG`: the content does not fit into a message of this size.
 * `BUNDLE_FORGED`: a signature of a bundle does not verify.
 * `BUNDLE_EXPIRED`: a bundle is older than is allowed for this use.
 * `BUNDLE_FROM_FUTURE`: a bundle was issued later than any clock difference explains.
 * `BUNDLE_MISMATCH`: the bundle is not the one that the KX1 header names.
 * `OWN_FINGERPRINT`: the other side claims, or is, the own identity.
 * `UNKNOWN_PREKEY`: the private half of the prekey was never here, or was erased.
 * `UNKNOWN_ONE_TIME_PREKEY`: the one-time prekey was never here, or was used.
 * `WRONG_CONTACT`: an opening or session of one contact was given to the sessions of another.
 * `REPLAYED`: this KX1 was accepted before, and its session is gone.
 */
export type KemErrorCode =
  | 'WRONG_STATE'
  | 'NONCE_EXHAUSTED'
  | 'NOT_FOR_THIS_SESSION'
  | 'ALREADY_RECEIVED'
  | 'TOO_FAR_AHEAD'
  | 'WRONG_EPOCH'
  | 'CHAIN_EXHAUSTED'
  | 'CONTENT_TOO_LONG'
  | 'BUNDLE_FORGED'
  | 'BUNDLE_EXPIRED'
  | 'BUNDLE_FROM_FUTURE'
  | 'BUNDLE_MISMATCH'
  | 'OWN_FINGERPRINT'
  | 'UNKNOWN_PREKEY'
  | 'UNKNOWN_ONE_TIME_PREKEY'
  | 'WRONG_CONTACT'
  | 'REPLAYED';

export class KemError extends KithError<KemErrorCode> {
  override readonly name = 'KemError';
}
