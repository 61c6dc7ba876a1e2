/**
 * The payload of handshake messages 2 and 3: who is speaking, the proof of it, and names.
 *
 *     identity key   32   Ed25519
 *     signature      64   over label, role and transcript hash (net/handshake.ts)
 *     count           1   0 to 8
 *     count times:
 *       length        1   1 to 255
 *       name              printable ASCII, 0x21 to 0x7e
 *
 * Message 2 lists the muxers that the responder speaks, best first (none on raw links). Message 3 has one name: what
 * follows the handshake, a raw protocol or the muxer chosen; or none where nothing is negotiated.
 * The decoder does not verify the signature and does not judge the key.
 */

import { concat, copyOf } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const FIXED_BYTES = KEY_BYTES + SIGNATURE_BYTES + 1;

/** More muxers than anybody speaks; keeps message 2 in one small frame. */
export const MAX_LINK_NAMES = 8;
/** What one length byte can say; the same limit libp2p software uses for protocol names in practice. */
const MAX_LINK_NAME_BYTES = 255;
/** Shortest payload: no names. */
export const MIN_LINK_PAYLOAD_BYTES = FIXED_BYTES;

export interface LinkPayload {
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
  readonly names: readonly string[];
}

/** Longest payload with at most `names` names. */
export function maxLinkPayloadBytes(names: number): number {
  return FIXED_BYTES + names * (1 + MAX_LINK_NAME_BYTES);
}

/** Whether `name` can stand in a payload: 1 to 255 characters of printable ASCII without spaces. */
export function isLinkName(name: string): boolean {
  return /^[\x21-\x7e]{1,255}$/.test(name);
}

/** Throws RangeError on names, keys or signatures that cannot be encoded. */
export function encodeLinkPayload(payload: LinkPayload): Uint8Array {
  const { publicKey, signature, names } = payload;
  if (
    publicKey.length !== KEY_BYTES ||
    signature.length !== SIGNATURE_BYTES ||
    names.length > MAX_LINK_NAMES
  ) {
    throw new RangeError('a link payload has a 32-byte key, a 64-byte signature and at most 8 names');
  }
  const parts: Uint8Array[] = [publicKey, signature, Uint8Array.of(names.length)];
  for (const name of names) {
    if (!isLinkName(name)) throw new RangeError('a name is 1 to 255 characters of printable ASCII');
    parts.push(
      Uint8Array.of(name.length),
      Uint8Array.from(name, (character) => character.charCodeAt(0)),
    );
  }
  return concat(...parts);
}

/**
 * Reads exactly what {@link encodeLinkPayload} writes, with at most `maxNames` names. The parts are copies. Throws
 * MalformedError.
 */
export function decodeLinkPayload(bytes: Uint8Array, maxNames: number = MAX_LINK_NAMES): LinkPayload {
  if (bytes.length < FIXED_BYTES) throw malformed('is too short', bytes.length);
  const count = bytes[FIXED_BYTES - 1] as number;
  if (count > maxNames) throw malformed('has too many names', bytes.length);
  const names: string[] = [];
  let at = FIXED_BYTES;
  for (let i = 0; i < count; i++) {
    const end = at + 1 + (bytes[at] ?? 0);
    if (end > bytes.length) throw malformed('ends inside a name', bytes.length);
    const name = String.fromCharCode(...bytes.subarray(at + 1, end));
    if (!isLinkName(name)) throw malformed('has a name that is empty or not printable ASCII', bytes.length);
    names.push(name);
    at = end;
  }
  if (at !== bytes.length) throw malformed('has bytes after its end', bytes.length);
  return {
    publicKey: copyOf(bytes, 0, KEY_BYTES),
    signature: copyOf(bytes, KEY_BYTES, KEY_BYTES + SIGNATURE_BYTES),
    names,
  };
}

function malformed(what: string, size: number): MalformedError {
  return new MalformedError('link-payload', what, { size });
}
