/**
 * What is kept of an own invite, and its bytes in the table `invite` (and so in backups). docs/wire.md, "Saved friends".
 * The name of the row is the door's onion key. The text of the invite holds all that the row does not say.
 */

import type { ContactId } from '../delivery/face.ts';
import { toHex } from '../safety/bytes.ts';
import { FieldReader, FieldWriter } from '../wire/fields.ts';
import { MAX_NOTE_BYTES } from '../wire/friend-content.ts';
import { type DecodedInvite, decodeInvite, MAX_INVITE_LENGTH } from '../wire/invite.ts';
import type { Invite } from './people.ts';

export interface InviteRow {
  /** Ed25519 seed of the door's onion, 32 bytes. */
  readonly seed: Uint8Array;
  readonly uri: string;
  /** What the uri says. */
  readonly invite: DecodedInvite;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** When the door closes: with the invite, or earlier once a private one was used. */
  readonly expiresAt: number;
  /** Requests that came through it. */
  readonly used: number;
  /** Whose request has used a private one. */
  readonly usedBy: ContactId | null;
  readonly note: string;
}

const VERSION = 1;
const SEED_BYTES = 32;
const FINGERPRINT_BYTES = 48;

/** Throws RangeError on what has no encoding. */
export function encodeInviteRow(row: InviteRow): Uint8Array<ArrayBuffer> {
  const fields = new FieldWriter()
    .u8(VERSION)
    .bytes(row.seed, SEED_BYTES)
    .text(row.uri, MAX_INVITE_LENGTH)
    .u48(row.createdAt)
    .u48(row.expiresAt)
    .u32(row.used)
    .flag(row.usedBy !== null);
  if (row.usedBy !== null) fields.bytes(row.usedBy, FINGERPRINT_BYTES);
  return fields.text(row.note, MAX_NOTE_BYTES).done();
}

/** Total: throws only MalformedError. */
export function decodeInviteRow(value: Uint8Array): InviteRow {
  const reader = new FieldReader('invite-row', value);
  if (reader.u8() !== VERSION) reader.refuse('unknown version');
  const seed = reader.bytes(SEED_BYTES);
  const uri = reader.text(MAX_INVITE_LENGTH);
  const createdAt = reader.u48();
  const expiresAt = reader.u48();
  const used = reader.u32();
  const usedBy = reader.flag() ? reader.bytes(FINGERPRINT_BYTES) : null;
  const note = reader.text(MAX_NOTE_BYTES);
  reader.end();
  return { seed, uri, invite: decodeInvite(uri), createdAt, expiresAt, used, usedBy, note };
}

/** What may be shown of it. */
export function inviteOf({ uri, invite, createdAt, expiresAt, used, note }: InviteRow): Invite {
  const { onionKey, once } = invite;
  return {
    id: toHex(onionKey.subarray(0, 8)),
    uri,
    onionKey,
    public: once === null,
    note,
    createdAt,
    expiresAt,
    used,
  };
}
