/**
 * Which sessions a contact has and what stands between them, as the bytes of one row; the sessions are rows of their own
 * (session-codec.ts), found by their transcripts. Never sent anywhere. docs/wire.md, "Saved contact".
 *
 *     version 1 ‖ fingerprint 48 ‖ count 1 ‖ entries
 *     entry = place 1 ‖ parts 1 ‖ transcript 32 ‖ used at 8 ‖ expiry 8 ‖ [opening id 32] ‖ [against 32 ‖ won at 4]
 *
 * Canonical: a state has one encoding. Whether it is the newest cannot be told from it.
 */

import { equal, toHex } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';
import { type ContactSession, type ContactSessions, MAX_CANDIDATES, MAX_REPLACED } from './contact.ts';
import { FINGERPRINT_BYTES } from './identity.ts';
import type { Session } from './session.ts';
import { SavedRow } from './saved-row.ts';

const VERSION = 1;
const KEY_BYTES = 32;
const HEAD_BYTES = 1 + FINGERPRINT_BYTES + 1;
const ENTRY_BYTES = 2 + KEY_BYTES + 8 + 8;
const OPENING_PART = 1;
const CONTEST_PART = 2;
const OWED_PART = 4;

/** What an entry is to the contact, in the order in which entries are written. */
const PLACES = ['live', 'aside', 'candidates', 'replaced'] as const;
const MAX_ENTRIES = 2 + MAX_CANDIDATES + MAX_REPLACED;

/** One allocation. Throws RangeError on a state that has no encoding. */
export function encodeContact(contact: ContactSessions): Uint8Array<ArrayBuffer> {
  if (contact.peer === null) throw new RangeError('nobody yet');
  const entries = PLACES.flatMap((place, i) => entriesAt(contact, place).map((entry) => [i, entry] as const));
  const row = new SavedRow('contact', new Uint8Array(sizeOf(entries.map(([, entry]) => entry))));
  row.putByte(VERSION);
  row.put(contact.peer, FINGERPRINT_BYTES);
  row.putByte(entries.length);
  for (const [place, { session, openingId, contest, owed, usedAt, expiry }] of entries) {
    row.putByte(place);
    row.putByte(
      (openingId === null ? 0 : OPENING_PART) +
        (contest === null ? 0 : CONTEST_PART) +
        (owed ? OWED_PART : 0),
    );
    row.put(session.transcript, KEY_BYTES);
    row.putU64(usedAt);
    row.putU64(expiry);
    if (openingId !== null) row.put(openingId, KEY_BYTES);
    if (contest !== null) {
      row.put(contest.against, KEY_BYTES);
      row.putU32(contest.wonAt);
    }
  }
  return row.bytes;
}

/**
 * The contact, with the sessions that `sessionOf` finds by their transcripts (32 bytes). Total: throws only
 * {@link MalformedError}, also where a session is missing.
 */
export function decodeContact(
  bytes: Uint8Array,
  sessionOf: (transcript: Uint8Array) => Session | null,
): ContactSessions {
  const row = new SavedRow('contact', bytes);
  if (row.takeByte() !== VERSION) throw malformed('unknown version');
  const peer = row.take(FINGERPRINT_BYTES);
  const count = row.takeByte();
  if (count > MAX_ENTRIES) throw malformed('too many sessions');
  const places: ContactSession[][] = PLACES.map(() => []);
  const seen = new Set<string>();
  let last = 0;
  for (let i = 0; i < count; i++) {
    const place = row.takeByte();
    const found = places[place];
    if (found === undefined || place < last) throw malformed('out of order');
    last = place;
    const entry = takeEntry(row, sessionOf);
    seen.add(toHex(entry.session.transcript));
    found.push(entry);
  }
  row.requireEnd();
  const [live = [], aside = [], candidates = [], replaced = []] = places;
  if (
    seen.size !== count ||
    live.length > 1 ||
    aside.length > live.length ||
    candidates.length > MAX_CANDIDATES ||
    replaced.length > MAX_REPLACED
  ) {
    throw malformed('no contact has these sessions');
  }
  return { peer, live: live[0] ?? null, aside: aside[0] ?? null, candidates, replaced };
}

function takeEntry(row: SavedRow, sessionOf: (transcript: Uint8Array) => Session | null): ContactSession {
  const parts = row.takeByte();
  if (parts > OPENING_PART + CONTEST_PART + OWED_PART) throw malformed('unknown parts');
  const transcript = row.take(KEY_BYTES);
  const session = sessionOf(transcript);
  if (session === null || !equal(session.transcript, transcript)) throw malformed('a session is missing');
  if ((session.role === 'responder') !== ((parts & OPENING_PART) !== 0)) throw malformed('whose opening?');
  return {
    session,
    usedAt: row.takeU64(),
    expiry: row.takeU64(),
    openingId: (parts & OPENING_PART) === 0 ? null : row.take(KEY_BYTES),
    contest: (parts & CONTEST_PART) === 0 ? null : { against: row.take(KEY_BYTES), wonAt: row.takeU32() },
    owed: (parts & OWED_PART) !== 0,
  };
}

function entriesAt(contact: ContactSessions, place: (typeof PLACES)[number]): readonly ContactSession[] {
  const found = contact[place];
  if (found === null) return [];
  return 'session' in found ? [found] : found;
}

function sizeOf(entries: readonly ContactSession[]): number {
  let size = HEAD_BYTES + entries.length * ENTRY_BYTES;
  for (const { openingId, contest } of entries) {
    if (openingId !== null) size += KEY_BYTES;
    if (contest !== null) size += KEY_BYTES + 4;
  }
  return size;
}

function malformed(what: string): MalformedError {
  return new MalformedError('contact', what);
}
