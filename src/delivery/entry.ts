/**
 * What was encrypted for a contact and is not acknowledged: rows of the table `ciphertext`, never in backups. The same
 * bytes are sent until there is a verdict. A row without bytes (`void`) was encrypted once and is to be encrypted anew.
 *
 *     name = the name of the outbox row, or contact 48 ‖ transcript 32 for a reply without content
 *     row  = version 1 ‖ form 1 ‖ transcript 32 ‖ count 6 ‖ stream 8 ‖ number 6 ‖ bytes
 */

import { toHex } from '../safety/bytes.ts';
import type { StoredRow } from '../store/sealed-table.ts';
import { FieldReader, FieldWriter } from '../wire/fields.ts';
import { STREAM_BYTES } from './content-head.ts';
import type { Carried } from './face.ts';
import { ITEM_NAME_BYTES, keyOf } from './outbox-row.ts';
import type { Numbered } from './streams.ts';

const VERSION = 1;
const FORMS = ['void', 'opening', 'message'] as const;
const TRANSCRIPT_BYTES = 32;
const NO_BYTES = new Uint8Array(0);
export const NO_NUMBER: Numbered = { stream: new Uint8Array(STREAM_BYTES), number: 0 };

export interface Entry extends Numbered {
  /** Place among the ciphertexts of a contact: they are sent in this order. */
  readonly seq: number;
  readonly name: Uint8Array;
  /** The name in hex. */
  readonly id: string;
  /** Of the content; null: a reply. */
  readonly key: Uint8Array | null;
  readonly form: (typeof FORMS)[number];
  /** Of the session it was encrypted under. */
  readonly transcript: Uint8Array;
  /** See Carried: no two ciphertexts of a contact have the same. */
  readonly count: number;
}

/** What an entry is made of. */
export type EntryState = Omit<Entry, 'seq' | 'name' | 'id' | 'key'>;

export function entryOf(seq: number, name: Uint8Array, state: EntryState): Entry {
  const { form, transcript, count, stream, number } = state;
  const key = name.length === ITEM_NAME_BYTES ? keyOf(name) : null;
  return { seq, name, id: toHex(name), key, form, transcript, count, stream, number };
}

export function encodeEntry(state: EntryState, bytes: Uint8Array = NO_BYTES): Uint8Array<ArrayBuffer> {
  const { form, transcript, count, stream, number } = state;
  const writer = new FieldWriter().u8(VERSION).u8(FORMS.indexOf(form)).bytes(transcript, TRANSCRIPT_BYTES);
  return writer.u48(count).bytes(stream, STREAM_BYTES).u48(number).bytes(bytes).done();
}

export function decodeEntry({ seq, name, value }: StoredRow): Entry & { readonly bytes: Uint8Array } {
  const reader = new FieldReader('ciphertext-row', value);
  if (reader.u8() !== VERSION) reader.refuse('unknown version');
  const form = FORMS[reader.u8()] ?? reader.refuse('unknown form');
  const transcript = reader.bytes(TRANSCRIPT_BYTES);
  const count = reader.u48();
  const state = { form, transcript, count, stream: reader.bytes(STREAM_BYTES), number: reader.u48() };
  return { ...entryOf(seq, name, state), bytes: reader.rest() };
}

/** As it travels, but for its tag; null for what is to be encrypted anew. */
export function carriedOf(row: StoredRow): Omit<Carried, 'tag'> | null {
  const { form, bytes, count } = decodeEntry(row);
  return form === 'void' ? null : { form, bytes, count };
}
