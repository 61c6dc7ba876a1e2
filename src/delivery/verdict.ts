/** What a sender is told when something that came was not kept: which errors are its own doing, and which are ours. */

import { KemError } from '../kem/index.ts';
import { CryptoError } from '../safety/crypto/provider.ts';
import { KithError } from '../safety/errors.ts';
import { StoreError } from '../store/errors.ts';
import type { Verdict } from './face.ts';
import type { SkippedLook } from './session-store.ts';

/** Ends the transaction, and is the verdict. */
export class Refusal extends Error {
  readonly verdict: Verdict;

  constructor(verdict: Verdict, cause?: unknown) {
    super(verdict, { cause });
    this.verdict = verdict;
  }
}

/** What the sender cannot better by another session. */
const REFUSED: readonly KemError['code'][] = [
  'BUNDLE_FORGED',
  'BUNDLE_MISMATCH',
  'OWN_FINGERPRINT',
  'WRONG_CONTACT',
];

/** Throws what is no verdict. */
export function verdictOf(error: unknown, looks: readonly SkippedLook[]): Verdict {
  if (error instanceof Refusal) return error.verdict;
  if (error instanceof StoreError) return 'busy';
  // made for a key that is not here, or under a state that differs
  if (error instanceof CryptoError) return 'unknown-session';
  if (error instanceof KemError) {
    // where it is not sure that the content was applied, it has to come again: its number tells
    if (error.code === 'ALREADY_RECEIVED') return looks.at(-1)?.wasUsed === true ? 'kept' : 'unknown-session';
    // one of the clocks is wrong, and will be right
    if (error.code === 'BUNDLE_FROM_FUTURE') return 'busy';
    return REFUSED.includes(error.code) ? 'refused' : 'unknown-session';
  }
  if (error instanceof KithError) return 'refused';
  throw error;
}
