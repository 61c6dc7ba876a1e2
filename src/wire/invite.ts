/**
 * Invites: all that a stranger needs to knock, in one text. docs/wire.md, "Invites".
 *
 *     kith:  base64url of
 *     version 1 ‖ flags 1 ‖ door's onion key 32 ‖ fingerprint 48 ‖ expiry 4 (unix seconds)
 *     ‖ private only: token 16 ‖ one-time prekey id 4 ‖ one-time prekey 32
 *     ‖ count 1 ‖ count × onion key of an entry point 32 ‖ check 4
 *
 * One encoding: what is read is written as the same text. The check (the beginning of SHA-256 over all before it) tells
 * a typo from a lie and proves nothing: whoever can change an invite can make another. So the text has to come from the
 * person it is of; who is behind the door is then checked by the fingerprint.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { concat, copyOf, equal } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';
import { decodeBase64url, encodeBase64url } from './base64url.ts';
import { FieldReader, FieldWriter } from './fields.ts';

const FORMAT = 'invite';
const PREFIX = 'kith:';
const VERSION = 1;
const PUBLIC = 1;
const KEY_BYTES = 32;
const FINGERPRINT_BYTES = 48;
const CHECK_BYTES = 4;
/** Admits to a private door, 16 bytes. */
export const INVITE_TOKEN_BYTES = 16;
/** As many as can all be gone only by bad luck; each makes the text 43 characters longer. */
export const MAX_INVITE_ENTRY_POINTS = 3;
/** Characters of the longest invite: anything longer is refused unread. */
export const MAX_INVITE_LENGTH = 324;

export interface DecodedInvite {
  /** Ed25519 key of the door's onion, 32 bytes. */
  readonly onionKey: Uint8Array;
  /** Whom it leads to, 48 bytes. */
  readonly fingerprint: Uint8Array;
  /** Unix seconds. */
  readonly expiry: number;
  /** Null: a public invite, for anybody and any number of times. */
  readonly once: InviteOnce | null;
  /** Onion keys of DHT entry points, at most {@link MAX_INVITE_ENTRY_POINTS}, none twice. */
  readonly entryPoints: readonly Uint8Array[];
}

/** What makes an invite good for one person, once. */
export interface InviteOnce {
  /** 16 bytes. */
  readonly token: Uint8Array;
  readonly oneTimePrekey: {
    /** Never 0. */
    readonly id: number;
    /** X25519, 32 bytes. */
    readonly publicKey: Uint8Array;
  };
}

/** The text of an invite. Throws RangeError on fields that have no encoding. */
export function encodeInvite(invite: DecodedInvite): string {
  const { once, entryPoints } = invite;
  if (entryPoints.length > MAX_INVITE_ENTRY_POINTS) throw new RangeError('too many entry points');
  if (hasTwins(entryPoints)) throw new RangeError('an entry point twice');
  if (once?.oneTimePrekey.id === 0) throw new RangeError('one-time prekey id');
  const fields = new FieldWriter()
    .u8(VERSION)
    .u8(once === null ? PUBLIC : 0)
    .bytes(invite.onionKey, KEY_BYTES)
    .bytes(invite.fingerprint, FINGERPRINT_BYTES)
    .u32(invite.expiry);
  if (once !== null) {
    fields.bytes(once.token, INVITE_TOKEN_BYTES).u32(once.oneTimePrekey.id);
    fields.bytes(once.oneTimePrekey.publicKey, KEY_BYTES);
  }
  fields.u8(entryPoints.length);
  for (const key of entryPoints) fields.bytes(key, KEY_BYTES);
  const body = fields.done();
  return PREFIX + encodeBase64url(concat(body, checkOf(body)));
}

/** Total: throws only {@link MalformedError}. The parts are copies. Takes no spaces around the text. */
export function decodeInvite(text: string): DecodedInvite {
  if (text.length > MAX_INVITE_LENGTH) throw new MalformedError(FORMAT, 'too long');
  if (!text.startsWith(PREFIX)) throw new MalformedError(FORMAT, 'does not begin with kith:');
  const bytes = decodeBase64url(text.slice(PREFIX.length));
  if (bytes === null) throw new MalformedError(FORMAT, 'mistyped: not base64url');
  // the version first: another one may have no check
  if (bytes.length > 0 && bytes[0] !== VERSION) throw new MalformedError(FORMAT, 'unknown version');
  const body = bytes.subarray(0, -CHECK_BYTES);
  if (bytes.length < CHECK_BYTES || !equal(checkOf(body), copyOf(bytes, -CHECK_BYTES))) {
    throw new MalformedError(FORMAT, 'mistyped or cut off: the check does not match');
  }
  return decodeBody(new FieldReader(FORMAT, body));
}

function decodeBody(reader: FieldReader): DecodedInvite {
  reader.u8(); // the version
  const flags = reader.u8();
  if (flags > PUBLIC) reader.refuse('unknown flags');
  const onionKey = reader.bytes(KEY_BYTES);
  const fingerprint = reader.bytes(FINGERPRINT_BYTES);
  const expiry = reader.u32();
  const once = flags === PUBLIC ? null : decodeOnce(reader);
  const count = reader.u8();
  if (count > MAX_INVITE_ENTRY_POINTS) reader.refuse('too many entry points', { count });
  const entryPoints = Array.from({ length: count }, () => reader.bytes(KEY_BYTES));
  if (hasTwins(entryPoints)) reader.refuse('an entry point twice');
  reader.end();
  return { onionKey, fingerprint, expiry, once, entryPoints };
}

function decodeOnce(reader: FieldReader): InviteOnce {
  const token = reader.bytes(INVITE_TOKEN_BYTES);
  const id = reader.u32();
  if (id === 0) reader.refuse('no one-time prekey has the id 0');
  return { token, oneTimePrekey: { id, publicKey: reader.bytes(KEY_BYTES) } };
}

function checkOf(body: Uint8Array): Uint8Array {
  return sha256(body).subarray(0, CHECK_BYTES);
}

function hasTwins(keys: readonly Uint8Array[]): boolean {
  return keys.some((key, i) => keys.slice(i + 1).some((other) => equal(key, other)));
}
