/** Saved messages: what decodes must encode to the same bytes. */

import assert from 'node:assert/strict';
import { decodeMessageRow, encodeMessageRow } from '../src/chat/message-row.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(Buffer.from(encodeMessageRow(decodeMessageRow(data))), Buffer.from(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
