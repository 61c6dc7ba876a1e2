/**
 * Onion addresses: the only addresses kith ever dials. One total decoder per text form, so that nothing else in
 * the code base cuts strings apart. Spec: Tor rend-spec-v3 section "Encoding onion addresses" (ONIONADDRESS),
 * multiaddr protocol 445 (onion3).
 *
 * Accepted is the canonical form alone: lower case, no padding, version 3, right checksum. Not checked: that the
 * key is a point of the curve, or free of torsion. Whoever authenticates against the key has to do that.
 */

import { sha3_256 } from '@noble/hashes/sha3.js';
import { concat, copyOf, utf8 } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';
import { isPeerId } from './peer-id.ts';

/** kith's virtual port on every onion. */
export const ONION_PORT = 1000;

export interface OnionAddress {
  /** Ed25519 public key of the service, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 56 characters of lower-case base32, without ".onion". */
  readonly host: string;
  /** Virtual port, 1 to 65,535. */
  readonly port: number;
}

const HOST_LENGTH = 56;
const HOST_BYTES = 35;
const KEY_BYTES = 32;
const VERSION = 3;
const MAX_PORT = 65_535;
const SUFFIX = '.onion';
const CHECKSUM_PREFIX = utf8('.onion checksum');
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** "/onion3/" + host + ":65535" + "/p2p/" + the longest peer id: anything longer is refused unread. */
const MAX_MULTIADDR_LENGTH = 8 + HOST_LENGTH + 6 + 5 + 61;

/** Address of an Ed25519 public key (32 bytes). Throws RangeError on a wrong length or port. */
export function onionOf(publicKey: Uint8Array, port: number = ONION_PORT): OnionAddress {
  if (publicKey.length !== KEY_BYTES) throw new RangeError('an onion key has 32 bytes');
  if (!Number.isInteger(port) || port < 1 || port > MAX_PORT) throw new RangeError('a port is 1 to 65535');
  return { publicKey: copyOf(publicKey), host: encodeBase32(onionBytes(publicKey)), port };
}

/** What base32 makes an address of, 35 bytes: key, checksum, version. */
export function onionBytes(publicKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(publicKey, checksum(publicKey), Uint8Array.of(VERSION));
}

/** Reads `<56>`, `<56>.onion` or `<56>.onion:<port>`. Throws {@link MalformedError}. */
export function decodeOnion(text: string): OnionAddress {
  const publicKey = decodeHost(text.slice(0, HOST_LENGTH));
  const host = text.slice(0, HOST_LENGTH);
  const rest = text.slice(HOST_LENGTH);
  if (rest === '' || rest === SUFFIX) return { publicKey, host, port: ONION_PORT };
  if (!rest.startsWith(`${SUFFIX}:`)) throw malformed('something other than ".onion" follows the address');
  return { publicKey, host, port: decodePort(rest.slice(SUFFIX.length + 1)) };
}

/** Reads exactly `/onion3/<56>:<port>` or `/onion3/<56>:<port>/p2p/<id>`. Throws {@link MalformedError}. */
export function decodeOnionMultiaddr(text: string): { onion: OnionAddress; peerId?: string } {
  if (text.length > MAX_MULTIADDR_LENGTH) throw malformed('too long for an onion multiaddr');
  const parts = text.split('/');
  const [start, protocol, address, p2p, peerId] = parts;
  if (start !== '' || protocol !== 'onion3' || address === undefined)
    throw malformed('not an onion3 multiaddr');
  if (address[HOST_LENGTH] !== ':') throw malformed('no port after the address');
  const host = address.slice(0, HOST_LENGTH);
  const onion = { publicKey: decodeHost(host), host, port: decodePort(address.slice(HOST_LENGTH + 1)) };
  if (parts.length === 3) return { onion };
  if (parts.length !== 5 || p2p !== 'p2p') throw malformed('something other than a peer id follows the port');
  if (peerId === undefined || !isPeerId(peerId)) throw malformed('not a peer id');
  return { onion, peerId };
}

/** The text that {@link decodeOnionMultiaddr} reads. Throws RangeError where `peerId` has not the form of one. */
export function encodeOnionMultiaddr(onion: OnionAddress, peerId?: string): string {
  const address = `/onion3/${onion.host}:${onion.port}`;
  if (peerId === undefined) return address;
  if (!isPeerId(peerId)) throw new RangeError('not a peer id');
  return `${address}/p2p/${peerId}`;
}

function checksum(publicKey: Uint8Array): Uint8Array {
  return sha3_256(concat(CHECKSUM_PREFIX, publicKey, Uint8Array.of(VERSION))).subarray(0, 2);
}

function decodeHost(host: string): Uint8Array {
  if (host.length !== HOST_LENGTH) throw malformed('an address has 56 characters');
  const bytes = new Uint8Array(HOST_BYTES);
  let bits = 0;
  let pending = 0;
  let at = 0;
  for (const character of host) {
    const digit = ALPHABET.indexOf(character);
    if (digit < 0) throw malformed('a character that is not lower-case base32');
    pending = (pending << 5) | digit;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = pending >>> bits;
    pending &= (1 << bits) - 1;
  }
  const publicKey = bytes.slice(0, KEY_BYTES);
  if (bytes[HOST_BYTES - 1] !== VERSION) throw malformed('not a version 3 address');
  const [first, second] = checksum(publicKey);
  if (bytes[KEY_BYTES] !== first || bytes[KEY_BYTES + 1] !== second) throw malformed('wrong checksum');
  return publicKey;
}

function encodeBase32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let pending = 0;
  for (const byte of bytes) {
    pending = (pending << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += ALPHABET[(pending >>> (bits - 5)) & 31];
    pending &= (1 << bits) - 1;
  }
  return text;
}

function decodePort(text: string): number {
  if (!/^[1-9][0-9]{0,4}$/.test(text))
    throw malformed('a port is a decimal number without sign or leading zero');
  const port = Number(text);
  if (port > MAX_PORT) throw malformed('a port is at most 65535');
  return port;
}

function malformed(what: string): MalformedError {
  return new MalformedError('onion', what);
}
