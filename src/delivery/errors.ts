/** What delivery refuses to its callers. What cryptography refuses is KemError, what the database refuses StoreError. */

import { KithError } from '../safety/errors.ts';

/**
 * `UNKNOWN_CONTACT`: nobody with this fingerprint was met.
 * `CONTENT_TOO_LONG`: the content does not fit into one message.
 * `OUTBOX_FULL`: so much waits for this contact that no more is taken.
 */
export type DeliveryErrorCode = 'UNKNOWN_CONTACT' | 'CONTENT_TOO_LONG' | 'OUTBOX_FULL';

export class DeliveryError extends KithError<DeliveryErrorCode> {
  override readonly name = 'DeliveryError';
}

export function unknownContact(): DeliveryError {
  return new DeliveryError('UNKNOWN_CONTACT', 'this contact is not known', {
    hint: 'Add the contact first, with an invite.',
  });
}
