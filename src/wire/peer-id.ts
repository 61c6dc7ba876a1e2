/**
 * The text form of libp2p peer ids, as far as an address needs it: which strings can be one, and which id an
 * Ed25519 key has. Spec: libp2p peer-ids (multihash of the protobuf-encoded public key, base58btc).
 *
 * Only the base58btc form is accepted: a second spelling (CIDs in other bases) would let one peer appear under
 * several addresses. Nothing is said about whether the key inside is a valid one.
 */

import { equal } from '../safety/bytes.ts';
import { decodeBase58, encodeBase58 } from './base58.ts';

/** Multihash `identity`, 36 bytes, of a protobuf PublicKey { Type: Ed25519, Data: 32 bytes }. */
const ED25519_PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20);

/** Multihash codes and the digest sizes that peer ids use: inlined key of at most 42 bytes, or SHA-256. */
const IDENTITY = 0x00;
const IDENTITY_MAX_BYTES = 42;
const SHA2_256 = 0x12;
const SHA2_256_BYTES = 32;

/** 44 bytes (the longest multihash above) take at most 61 base58 characters. */
const MAX_TEXT_LENGTH = 61;

/** Peer id of an Ed25519 public key (32 bytes): `12D3KooW…`, 52 characters. */
export function ed25519PeerId(publicKey: Uint8Array): string {
  if (publicKey.length !== 32) throw new RangeError('an Ed25519 public key has 32 bytes');
  const multihash = new Uint8Array(ED25519_PREFIX.length + 32);
  multihash.set(ED25519_PREFIX);
  multihash.set(publicKey, ED25519_PREFIX.length);
  return encodeBase58(multihash);
}

/** The Ed25519 public key that a peer id carries inline, or undefined where it carries none. */
export function ed25519KeyOf(peerId: string): Uint8Array | undefined {
  const multihash = isPeerId(peerId) ? decodeBase58(peerId) : undefined;
  if (multihash?.length !== ED25519_PREFIX.length + 32) return undefined;
  if (!equal(multihash.subarray(0, ED25519_PREFIX.length), ED25519_PREFIX)) return undefined;
  return multihash.slice(ED25519_PREFIX.length);
}

/** Whether a text has the form of a peer id: canonical base58btc of an identity or SHA-256 multihash. */
export function isPeerId(text: string): boolean {
  if (text.length === 0 || text.length > MAX_TEXT_LENGTH) return false;
  const multihash = decodeBase58(text);
  if (multihash === undefined || multihash.length < 2) return false;
  const digestBytes = multihash.length - 2;
  if (multihash[1] !== digestBytes) return false;
  if (multihash[0] === IDENTITY) return digestBytes > 0 && digestBytes <= IDENTITY_MAX_BYTES;
  return multihash[0] === SHA2_256 && digestBytes === SHA2_256_BYTES;
}
