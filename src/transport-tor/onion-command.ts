/**
 * The ADD_ONION command of a service: key form, flags, client keys (control-spec ADD_ONION).
 *
 * tor takes a service key in expanded form: SHA-512 of the seed, its first half clamped as RFC 8032 5.1.5 says.
 * So the onion address is the seed's own Ed25519 public key, and one seed is both address and link identity.
 */

import { createHash } from 'node:crypto';
import { systemRandom } from '../safety/random.ts';
import { OnionServiceError } from './tor/errors.ts';
import { DEFAULT_MAX_STREAMS, MAX_CLIENT_KEYS } from './tor/limits.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const KEY_BYTES = 32;

export interface OnionTarget {
  /** Unix socket that gets the connections. No spaces or quotes. */
  readonly socketPath: string;
  /** Virtual port. */
  readonly port: number;
  /** X25519 public keys of those who may connect; undefined: everybody; empty: nobody. */
  readonly clientAuth?: readonly Uint8Array[] | undefined;
  /** Proof of work at the introduction points when they are flooded. */
  readonly pow: boolean;
  /** Streams one circuit may hold before tor closes it; 0 for no limit. */
  readonly maxStreams?: number | undefined;
}

/** The words behind ADD_ONION. They hold the secret key: never log them. */
export function addOnionWords(keyBlob: string, target: OnionTarget): string[] {
  const clients = clientKeys(target.clientAuth);
  const maxStreams = target.maxStreams ?? DEFAULT_MAX_STREAMS;
  const flags = [
    'DiscardPK',
    ...(clients.length > 0 ? ['V3Auth'] : []),
    ...(maxStreams > 0 ? ['MaxStreamsCloseCircuit'] : []),
  ];
  return [
    `ED25519-V3:${keyBlob}`,
    `Flags=${flags.join(',')}`,
    ...(maxStreams > 0 ? [`MaxStreams=${maxStreams}`] : []),
    ...(target.pow ? ['PoWDefensesEnabled=1'] : []),
    `Port=${target.port},unix:${target.socketPath}`,
    ...clients.map((key) => `ClientAuthV3=${base32(key)}`),
  ];
}

/** Base64 of the expanded secret key of a 32-byte seed. */
export function expandSeed(seed: Uint8Array): string {
  if (seed.length !== KEY_BYTES) throw new RangeError('an onion seed has 32 bytes');
  const expanded = createHash('sha512').update(seed).digest();
  expanded[0] = (expanded[0] as number) & 248;
  expanded[31] = ((expanded[31] as number) & 127) | 64;
  const blob = expanded.toString('base64');
  expanded.fill(0);
  return blob;
}

/** Throws OnionServiceError ONION_TOO_MANY_CLIENTS, RangeError on a key that has not 32 bytes. */
export function checkClientKeys(keys: readonly Uint8Array[] | undefined): void {
  if (keys?.some((key) => key.length !== KEY_BYTES)) throw new RangeError('an X25519 key has 32 bytes');
  if ((keys?.length ?? 0) <= MAX_CLIENT_KEYS) return;
  throw new OnionServiceError('ONION_TOO_MANY_CLIENTS', 'too many client keys for one onion service', {
    hint: 'Spread the clients over two onion services: a larger descriptor is refused by the directories.',
    data: { count: keys?.length ?? 0, limit: MAX_CLIENT_KEYS },
  });
}

/** With an empty list tor would publish for everybody; a key that nobody holds keeps everybody out. */
function clientKeys(keys: readonly Uint8Array[] | undefined): readonly Uint8Array[] {
  return keys !== undefined && keys.length === 0 ? [systemRandom(KEY_BYTES)] : (keys ?? []);
}

/** RFC 4648 base32, lower case, without padding. */
export function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value & 0x1f) << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += ALPHABET[(value >>> (bits - 5)) & 31];
  }
  return bits > 0 ? text + ALPHABET[(value << (5 - bits)) & 31] : text;
}
