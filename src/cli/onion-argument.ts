/** An onion address as a person gives it. */

import { type OnionAddress, decodeOnion, ONION_PORT } from '../wire/onion.ts';
import { KithError } from '../safety/errors.ts';

/** Where to find the right one: `node` is where one says something, `entry` a public node's place in the overlay. */
export const ADDRESS_HINTS = {
  node: 'Copy it from `kith status` of the other side, line onion: 56 characters and .onion.',
  entry:
    'Copy the overlay address that `kith up --public` or `kith status` of a public node shows: 56 characters and .onion.',
} as const;

/** The address; people paste it with spaces and in capitals. Throws BAD_ADDRESS. */
export function onionArgument(text: string, use: keyof typeof ADDRESS_HINTS): OnionAddress {
  const hint = ADDRESS_HINTS[use];
  let onion: OnionAddress;
  try {
    onion = decodeOnion(text.trim().toLowerCase());
  } catch (cause) {
    throw new KithError('BAD_ADDRESS', 'that is no onion address', { hint, cause });
  }
  if (use === 'entry' && onion.port !== ONION_PORT) {
    throw new KithError('BAD_ADDRESS', 'nodes of the overlay have no other port', { hint });
  }
  return onion;
}
