/** An onion address as a person gives it. */

import { type OnionAddress, decodeOnion } from '../wire/onion.ts';
import { KithError } from '../safety/errors.ts';

/** The address; people paste it with spaces and in capitals. Throws BAD_ADDRESS. */
export function onionArgument(text: string): OnionAddress {
  try {
    return decodeOnion(text.trim().toLowerCase());
  } catch (cause) {
    throw new KithError('BAD_ADDRESS', 'that is no onion address', {
      hint: 'Copy it from `kith status` of the other side: 56 characters and .onion.',
      cause,
    });
  }
}
