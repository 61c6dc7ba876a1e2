/** What gives a persona away, and whether something holds it. */

import { multiaddr } from '@multiformats/multiaddr';
import { peerIdOfKey } from '../../../src/transport-tor/keys.ts';
import { toHex } from '../../../src/safety/bytes.ts';
import { encodeBase58 } from '../../../src/wire/base58.ts';
import type { OnionAddress } from '../../../src/wire/onion.ts';

/** Everything by which the persona of an onion could be recognised, in every form that it has somewhere. */
export function traces({ publicKey, host }: OnionAddress): (string | Uint8Array)[] {
  const peerId = peerIdOfKey(publicKey);
  return [
    publicKey,
    host,
    host.toUpperCase(),
    peerId.toString(),
    peerId.toCID().toString(),
    peerId.toMultihash().bytes,
    encodeBase58(publicKey),
    toHex(publicKey),
    Buffer.from(publicKey).toString('base64').slice(0, 42),
    Buffer.from(publicKey).toString('base64url'),
    multiaddr(`/onion3/${host}:1000`).bytes.subarray(3, 38),
  ];
}

/** How many of the needles are in there. */
export function finds(haystack: Uint8Array, needles: readonly (string | Uint8Array)[]): number {
  return needles.filter((needle) => Buffer.from(haystack).includes(needle)).length;
}
