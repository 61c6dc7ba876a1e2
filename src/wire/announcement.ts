/**
 * "This onion is a public node": what a node that wants to be found says about itself, signed by the onion's key.
 *
 *     version         1   1
 *     public key     32   Ed25519, the onion's
 *     issued          8   unix seconds, big-endian
 *     expiry          8   unix seconds, big-endian; at most 48 hours after issued
 *     signature      64   Ed25519 over "kith/1/announcement/sign" and everything before
 *
 * Nothing else is in it: no version of the software, no name, no other address. The decoder reads the form alone: it
 * does not verify the signature, and it has no clock to say whether the times are right.
 */

import { concat, copyOf, utf8 } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';

const VERSION = 1;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const ISSUED_AT = 1 + KEY_BYTES;
const EXPIRY_AT = ISSUED_AT + 8;
const UNSIGNED_BYTES = EXPIRY_AT + 8;
const SIGN_LABEL = utf8('kith/1/announcement/sign');

/** Size of an announcement: always this. */
export const ANNOUNCEMENT_BYTES = UNSIGNED_BYTES + SIGNATURE_BYTES;

/** Longest life of an announcement: a node that is gone is forgotten two days later at most. */
export const MAX_ANNOUNCEMENT_TTL_SECONDS = 48 * 60 * 60;

/** What is signed, without the signature. */
export interface UnsignedAnnouncement {
  /** Ed25519 public key of the onion, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Unix seconds. */
  readonly issued: number;
  /** Unix seconds. */
  readonly expiry: number;
}

export interface Announcement extends UnsignedAnnouncement {
  readonly signature: Uint8Array;
}

/** Throws RangeError on what {@link decodeAnnouncement} would not read. */
export function encodeAnnouncement(announcement: Announcement): Uint8Array {
  if (announcement.signature.length !== SIGNATURE_BYTES) throw new RangeError('a signature has 64 bytes');
  return concat(unsigned(announcement), announcement.signature);
}

/** The bytes that the onion's key signs. Throws RangeError as {@link encodeAnnouncement} does. */
export function announcementSigningInput(announcement: UnsignedAnnouncement): Uint8Array {
  return concat(SIGN_LABEL, unsigned(announcement));
}

/** Total: throws only {@link MalformedError}. The parts are copies. */
export function decodeAnnouncement(bytes: Uint8Array): Announcement {
  if (bytes.length !== ANNOUNCEMENT_BYTES) throw malformed('wrong length');
  if (bytes[0] !== VERSION) throw malformed('unknown version');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const issued = view.getBigUint64(ISSUED_AT);
  const expiry = view.getBigUint64(EXPIRY_AT);
  if (expiry > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('impossible time');
  if (!isLife(Number(issued), Number(expiry))) throw malformed('a life that is not 1 second to 48 hours');
  return {
    publicKey: copyOf(bytes, 1, ISSUED_AT),
    issued: Number(issued),
    expiry: Number(expiry),
    signature: copyOf(bytes, UNSIGNED_BYTES),
  };
}

function unsigned({ publicKey, issued, expiry }: UnsignedAnnouncement): Uint8Array {
  if (publicKey.length !== KEY_BYTES) throw new RangeError('an onion key has 32 bytes');
  if (!Number.isSafeInteger(issued) || issued < 0 || !Number.isSafeInteger(expiry) || !isLife(issued, expiry))
    throw new RangeError('an announcement lives 1 second to 48 hours');
  const times = new DataView(new ArrayBuffer(16));
  times.setBigUint64(0, BigInt(issued));
  times.setBigUint64(8, BigInt(expiry));
  return concat(Uint8Array.of(VERSION), publicKey, new Uint8Array(times.buffer));
}

function isLife(issued: number, expiry: number): boolean {
  return expiry > issued && expiry - issued <= MAX_ANNOUNCEMENT_TTL_SECONDS;
}

function malformed(what: string): MalformedError {
  return new MalformedError('announcement', what);
}
