/**
 * Petnames: what the owner calls people. Unique in the book whatever the case, and never taken from others unseen: a name
 * that somebody suggests is used only where it is plain and looks like no other.
 */

import type { ContactId } from '../delivery/face.ts';
import { toHex, utf8 } from '../safety/bytes.ts';
import { MAX_NAME_BYTES, MAX_NOTE_BYTES } from '../wire/friend-content.ts';
import { FriendsError } from './errors.ts';
import { MIN_ID_PREFIX } from './limits.ts';

/** Controls, invisible and direction characters, separators of lines, halves of characters: nobody types them. */
const UNTYPED = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;
const ID_LIKE = new RegExp(`^[0-9a-f]{${MIN_ID_PREFIX},}$`, 'i');
/** Means oneself wherever somebody is named. */
const OWN = 'me';
/** What of a suggested name is used as it is: letters that look like no others of other scripts. */
const PLAIN = /^[a-z0-9](?:[a-z0-9 ._-]{0,30}[a-z0-9])?$/i;

/** What remains of a character whose second half was cut off. */
const HALF_AT_END = /[\ud800-\udbff]$/;

/** The petname as it is kept: NFC, single spaces. Throws FriendsError NAME_BAD. */
export function checkedPetname(name: string): string {
  const clean = name.normalize('NFC').trim().replace(/ {2,}/g, ' ');
  const size = utf8(clean).length;
  if (size === 0 || size > MAX_NAME_BYTES)
    throw bad(`it has ${size} bytes, where 1 to ${MAX_NAME_BYTES} can be`);
  if (UNTYPED.test(clean)) throw bad('it holds invisible characters');
  if (foldOf(clean) === OWN || ID_LIKE.test(clean))
    throw bad('it would be mistaken for you, or for a profile id');
  return clean;
}

/** A note as it is kept and sent. Throws FriendsError NOTE_BAD. */
export function checkedNote(note: string): string {
  const size = utf8(note).length;
  if (size <= MAX_NOTE_BYTES && note.isWellFormed()) return note;
  throw new FriendsError('NOTE_BAD', 'the note is too long, or is no text', {
    hint: `Write at most ${MAX_NOTE_BYTES} bytes (about as many letters).`,
    data: { sizeBytes: size, maxBytes: MAX_NOTE_BYTES },
  });
}

/** As much of the own name as fits into a request. */
export function ownName(name: string): string {
  let clean = name.toWellFormed();
  while (utf8(clean).length > MAX_NAME_BYTES) clean = clean.slice(0, -1).replace(HALF_AT_END, '');
  return clean;
}

/** What two petnames must not share. */
export function foldOf(name: string): string {
  return name.normalize('NFKC').toLowerCase().trim();
}

/** A petname for somebody who was not given one, from what they call themselves where that is plain. */
export function suggestedPetname(theirName: string, id: ContactId, others: Iterable<string>): string {
  const taken = new Set(Array.from(others, lookOf));
  const start = isUsable(theirName) ? theirName.trim() : `contact-${toHex(id.subarray(0, 4))}`;
  for (let count = 1; ; count++) {
    const name = count === 1 ? start : `${start} ${count}`;
    if (!taken.has(lookOf(name))) return name;
  }
}

/** Whether `who` can be a profile id or a beginning of one. */
export function isIdPrefix(who: string): boolean {
  return ID_LIKE.test(who) && who.length <= 96;
}

function isUsable(name: string): boolean {
  const clean = name.trim();
  return PLAIN.test(clean) && foldOf(clean) !== OWN && !ID_LIKE.test(clean);
}

/** Names that look the same at a glance have one look. */
function lookOf(name: string): string {
  return foldOf(name)
    .replace(/[il1|]/g, 'i')
    .replace(/[o0]/g, 'o')
    .replaceAll('rn', 'm')
    .replace(/[ ._-]/g, '');
}

function bad(why: string): FriendsError {
  return new FriendsError('NAME_BAD', `that cannot be a name: ${why}`, {
    hint: 'Choose a short name, of letters, digits and spaces.',
  });
}
