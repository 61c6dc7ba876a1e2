/**
 * Changes (edits, deletions, reactions) that came before the message they are of. Format `waiting-row`, version 1, one
 * row for each target in the table `chat_waiting`.
 */

import { MESSAGE_ID_BYTES } from '../wire/chat-content.ts';
import { FieldReader, FieldWriter } from '../wire/fields.ts';
import { MAX_WAITING_CHANGES } from './limits.ts';
import type { ChangeRef } from './message-row.ts';

const VERSION = 1;

export function encodeWaitingRow(changes: readonly ChangeRef[]): Uint8Array<ArrayBuffer> {
  const fields = new FieldWriter().u8(VERSION).u8(changes.length);
  for (const { mine, id } of changes) fields.flag(mine).bytes(id, MESSAGE_ID_BYTES);
  return fields.done();
}

/** Total: throws only MalformedError. */
export function decodeWaitingRow(bytes: Uint8Array): ChangeRef[] {
  const fields = new FieldReader('waiting-row', bytes);
  if (fields.u8() !== VERSION) fields.refuse('unknown version');
  const count = fields.u8();
  if (count > MAX_WAITING_CHANGES) fields.refuse('too many changes', { count });
  const changes = Array.from({ length: count }, () => ({
    mine: fields.flag(),
    id: fields.bytes(MESSAGE_ID_BYTES),
  }));
  fields.end();
  return changes;
}
