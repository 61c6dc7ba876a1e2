/**
 * What is kept of a contact, and its bytes in the table `contact` (and so in backups). docs/wire.md, "Saved friends".
 * The name of the row is the fingerprint.
 */

import type { ContactId } from '../delivery/face.ts';
import { FieldReader, FieldWriter } from '../wire/fields.ts';
import {
  type Introduction,
  MAX_NAME_BYTES,
  MAX_NOTE_BYTES,
  readIntroduction,
  writeIntroduction,
} from '../wire/friend-content.ts';
import { INVITE_TOKEN_BYTES } from '../wire/invite.ts';
import { MAX_HOMES } from './limits.ts';
import type { Contact, ContactState } from './people.ts';

export interface ContactRow extends Contact {
  /** A petname that the owner gave; else one that was made up, which gives way. */
  readonly nameChosen: boolean;
  /** Of `asking`: it came through a public door. */
  readonly throughPublic: boolean;
  /** Of `requested`: where the request is taken. */
  readonly door: DoorToKnock | null;
  readonly theirHome: TheirHome | null;
  /** Ed25519 key of the onion at which their last link was logged in, as the handshake proved it; null: none yet. */
  readonly seenAt: Uint8Array | null;
  /** Something that tells them an own home has arrived there, or may have. */
  readonly introduced: boolean;
  /** What was given to them to enter the own homes, newest first; a revision that they know is gone once they know a newer. */
  readonly given: readonly GivenKey[];
  /** Introductions that are on their way to them, in this order. */
  readonly pending: readonly PendingIntroduction[];
  /** Provisional login keys, 32 bytes each: the own first; none once a pair key was used. */
  readonly logins: readonly Uint8Array[];
}

export interface DoorToKnock {
  readonly onionKey: Uint8Array;
  /** 16 bytes; null: a public door. */
  readonly token: Uint8Array | null;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface TheirHome extends Introduction {
  /** Only they can have said it; else somebody with our stolen prekeys might have. */
  readonly authentic: boolean;
}

export interface GivenKey {
  /** Of the own home that it opens. */
  readonly revision: number;
  /** X25519, 32 bytes. */
  readonly clientSecret: Uint8Array;
}

export interface PendingIntroduction {
  /** Its key in the outbox, 16 bytes. */
  readonly key: Uint8Array;
  readonly revision: number;
}

const VERSION = 1;
const KEY_BYTES = 32;
const OUTBOX_KEY_BYTES = 16;
/** Own and theirs. */
const MAX_LOGINS = 2;
/** The request or answer, and a notice for each home. */
export const MAX_PENDING = 1 + MAX_HOMES;
const STATES: readonly ContactState[] = ['requested', 'asking', 'friend', 'blocked'];

/** Somebody of whom nothing is known; `now` in milliseconds since 1970. */
export function stranger(id: ContactId, now: number): ContactRow {
  return {
    id,
    state: 'asking',
    name: '',
    nameChosen: false,
    theirName: '',
    note: '',
    since: Math.floor(now),
    expiresAt: null,
    arrived: true,
    refused: false,
    compared: false,
    throughPublic: false,
    door: null,
    theirHome: null,
    seenAt: null,
    introduced: false,
    given: [],
    pending: [],
    logins: [],
  };
}

/** The row of somebody who is a friend from `now` on. */
export function befriended(row: ContactRow, now: number): ContactRow {
  const since = Math.floor(now);
  const over = { expiresAt: null, arrived: true, refused: false, throughPublic: false, door: null };
  return { ...row, ...over, state: 'friend', since };
}

/** Throws RangeError on what has no encoding. */
export function encodeContactRow(row: ContactRow): Uint8Array<ArrayBuffer> {
  const fields = new FieldWriter()
    .u8(VERSION)
    .u8(STATES.indexOf(row.state))
    .text(row.name, MAX_NAME_BYTES)
    .flag(row.nameChosen)
    .text(row.theirName, MAX_NAME_BYTES)
    .text(row.note, MAX_NOTE_BYTES)
    .u48(row.since);
  optional(fields, row.expiresAt, (at) => fields.u48(at));
  fields.flag(row.arrived).flag(row.refused).flag(row.compared).flag(row.throughPublic);
  optional(fields, row.door, (door) => {
    fields.bytes(door.onionKey, KEY_BYTES);
    optional(fields, door.token, (token) => fields.bytes(token, INVITE_TOKEN_BYTES));
    fields.u48(door.expiresAt);
  });
  optional(fields, row.theirHome, (home) => writeIntroduction(fields, home).flag(home.authentic));
  optional(fields, row.seenAt, (onionKey) => fields.bytes(onionKey, KEY_BYTES));
  fields.flag(row.introduced);
  several(fields, row.given, MAX_HOMES, ({ revision, clientSecret }) =>
    fields.u32(revision).bytes(clientSecret, KEY_BYTES),
  );
  several(fields, row.pending, MAX_PENDING, ({ key, revision }) =>
    fields.bytes(key, OUTBOX_KEY_BYTES).u32(revision),
  );
  several(fields, row.logins, MAX_LOGINS, (key) => fields.bytes(key, KEY_BYTES));
  return fields.done();
}

/** Total: throws only MalformedError. The parts are copies, `id` excepted. */
export function decodeContactRow(id: ContactId, value: Uint8Array): ContactRow {
  const reader = new FieldReader('contact-row', value);
  if (reader.u8() !== VERSION) reader.refuse('unknown version');
  const row: ContactRow = {
    id,
    state: STATES[reader.u8()] ?? reader.refuse('unknown state'),
    name: reader.text(MAX_NAME_BYTES),
    nameChosen: reader.flag(),
    theirName: reader.text(MAX_NAME_BYTES),
    note: reader.text(MAX_NOTE_BYTES),
    since: reader.u48(),
    expiresAt: reader.flag() ? reader.u48() : null,
    arrived: reader.flag(),
    refused: reader.flag(),
    compared: reader.flag(),
    throughPublic: reader.flag(),
    door: reader.flag() ? readDoor(reader) : null,
    theirHome: reader.flag() ? { ...readIntroduction(reader), authentic: reader.flag() } : null,
    seenAt: reader.flag() ? reader.bytes(KEY_BYTES) : null,
    introduced: reader.flag(),
    given: readSeveral(reader, MAX_HOMES, () => ({
      revision: reader.u32(),
      clientSecret: reader.bytes(KEY_BYTES),
    })),
    pending: readSeveral(reader, MAX_PENDING, () => ({
      key: reader.bytes(OUTBOX_KEY_BYTES),
      revision: reader.u32(),
    })),
    logins: readSeveral(reader, MAX_LOGINS, () => reader.bytes(KEY_BYTES)),
  };
  reader.end();
  return row;
}

/** What may be shown of it. */
export function contactOf(row: ContactRow): Contact {
  const { id, state, name, theirName, note, since, expiresAt, arrived, refused, compared } = row;
  return { id, state, name, theirName, note, since, expiresAt, arrived, refused, compared };
}

function readDoor(reader: FieldReader): DoorToKnock {
  const onionKey = reader.bytes(KEY_BYTES);
  const token = reader.flag() ? reader.bytes(INVITE_TOKEN_BYTES) : null;
  return { onionKey, token, expiresAt: reader.u48() };
}

function optional<T>(fields: FieldWriter, value: T | null, write: (value: T) => void): void {
  fields.flag(value !== null);
  if (value !== null) write(value);
}

function several<T>(fields: FieldWriter, values: readonly T[], max: number, write: (value: T) => void): void {
  if (values.length > max) throw new RangeError('too many in a list');
  fields.u8(values.length);
  for (const value of values) write(value);
}

function readSeveral<T>(reader: FieldReader, max: number, read: () => T): T[] {
  const count = reader.u8();
  if (count > max) reader.refuse('too many in a list', { count, max });
  return Array.from({ length: count }, read);
}
