/**
 * A content that waits for a contact, as a row of the table `outbox`, which is in backups; and its name. docs/wire.md,
 * "Saved rows of delivery".
 *
 *     name = contact 48 ‖ key 16 ‖ slot 1           slot: among those of the same key
 *     row  = version 1 ‖ stream 8 ‖ number 6 ‖ since 6 ‖ content
 */

import { FINGERPRINT_BYTES } from '../kem/index.ts';
import { concat, copyOf } from '../safety/bytes.ts';
import { FieldReader, FieldWriter } from '../wire/fields.ts';
import { STREAM_BYTES } from './content-head.ts';
import type { ContactId } from './face.ts';
import type { Numbered } from './streams.ts';

const VERSION = 1;
const KEY_BYTES = 16;
export const ITEM_NAME_BYTES = FINGERPRINT_BYTES + KEY_BYTES + 1;

export interface OutboxItem extends Numbered {
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly content: Uint8Array;
}

export function itemName(contact: ContactId, key: Uint8Array, slot: number): Uint8Array {
  if (key.length !== KEY_BYTES) throw new RangeError('the key of a content has 16 bytes');
  return concat(contact, key, Uint8Array.of(slot));
}

export function keyOf(name: Uint8Array): Uint8Array {
  return copyOf(name, FINGERPRINT_BYTES, FINGERPRINT_BYTES + KEY_BYTES);
}

export function encodeItem({ stream, number, since, content }: OutboxItem): Uint8Array<ArrayBuffer> {
  const writer = new FieldWriter().u8(VERSION).bytes(stream, STREAM_BYTES).u48(number).u48(since);
  return writer.bytes(content).done();
}

/** Total: throws only MalformedError. */
export function decodeItem(bytes: Uint8Array): OutboxItem {
  const reader = new FieldReader('outbox-row', bytes);
  if (reader.u8() !== VERSION) reader.refuse('unknown version');
  const item = { stream: reader.bytes(STREAM_BYTES), number: reader.u48(), since: reader.u48() };
  if (item.number === 0) reader.refuse('numbers begin with 1');
  if (reader.left === 0) reader.refuse('no content');
  return { ...item, content: reader.rest() };
}
