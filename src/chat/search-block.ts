/**
 * The folded text of up to 256 consecutive places of all histories, as one byte string that is searched at once.
 *
 * It lies sealed in the table `search`, as a whole, so the disk shows no words, no hashes of words and no index of
 * them: only that there is a block and how long it is. Why no keyed tokens: equal words would have equal tokens, and
 * how often each occurs would be readable. Why not in memory: 100,000 messages would have to be opened at each start.
 *
 * Layout: version 1 ‖ entries u16 ‖ contacts u16 ‖ contacts 48 each ‖ entries {offset in the block 1, contact 2, end of
 * its text 4} ‖ text, each followed by a line feed, which no folded text holds.
 */

import type { ContactId } from '../delivery/face.ts';
import { concat, equal, utf8 } from '../safety/bytes.ts';
import { FieldWriter } from '../wire/fields.ts';
import { BLOCK_MESSAGES, MAX_SEARCHED_BYTES } from './limits.ts';

const VERSION = 1;
const HEAD_BYTES = 5;
const CONTACT_BYTES = 48;
const ENTRY_BYTES = 7;

/** Same for all ways to write one text: compatibility forms, letter case, kinds of white space. */
export function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC').replaceAll(/\s+/g, ' ').trim();
}

export interface BlockEntry {
  readonly seq: number;
  readonly contact: ContactId;
  /** Not folded yet. */
  readonly text: string;
}

/** Number of the block that a place is in. */
export function blockOf(seq: number): number {
  return Math.floor((seq - 1) / BLOCK_MESSAGES);
}

/** Place before the first of a block. */
export function blockStart(block: number): number {
  return block * BLOCK_MESSAGES;
}

/** `entries` are of one block, in order of their places. */
export function encodeBlock(entries: readonly BlockEntry[]): Uint8Array<ArrayBuffer> {
  const contacts: ContactId[] = [];
  const texts: Uint8Array[] = [];
  const table = new FieldWriter();
  let end = 0;
  for (const { seq, contact, text } of entries) {
    let known = contacts.findIndex((other) => equal(other, contact));
    if (known < 0) known = contacts.push(contact) - 1;
    const bytes = utf8(`${fold(text)}\n`);
    const kept = bytes.length > MAX_SEARCHED_BYTES ? bytes.subarray(0, MAX_SEARCHED_BYTES) : bytes;
    texts.push(kept);
    end += kept.length;
    table
      .u8((seq - 1) % BLOCK_MESSAGES)
      .u16(known)
      .u32(end);
  }
  const head = new FieldWriter().u8(VERSION).u16(entries.length).u16(contacts.length).done();
  return concat(head, ...contacts, table.done(), ...texts);
}

/**
 * Places of the block, newest first, whose text holds `needle` (UTF-8 of a folded, not empty query), of `contact` if
 * given. Null for bytes that are no block of this version: then it is to be made anew.
 */
export function hitsIn(
  bytes: Uint8Array,
  block: number,
  needle: Uint8Array,
  contact: ContactId | null,
): number[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < HEAD_BYTES || view.getUint8(0) !== VERSION) return null;
  const [entries, contacts] = [view.getUint16(1), view.getUint16(3)];
  const table = HEAD_BYTES + contacts * CONTACT_BYTES;
  const start = table + entries * ENTRY_BYTES;
  if (start > bytes.length) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, bytes.length - start);
  const hits: number[] = [];
  let entry = 0;
  for (let at = text.indexOf(needle); at >= 0; ) {
    while (entry < entries && view.getUint32(table + entry * ENTRY_BYTES + 3) <= at) entry += 1;
    if (entry === entries) break;
    const row = table + entry * ENTRY_BYTES;
    const of = HEAD_BYTES + view.getUint16(row + 1) * CONTACT_BYTES;
    if (contact === null || equal(bytes.subarray(of, of + CONTACT_BYTES), contact)) {
      hits.push(blockStart(block) + 1 + view.getUint8(row));
    }
    // one hit is enough for an entry
    at = text.indexOf(needle, view.getUint32(row + 3));
  }
  return hits.reverse();
}
