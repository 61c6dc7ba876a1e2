/** Saved lists of waiting changes: what decodes must encode to the same bytes. */

import assert from 'node:assert/strict';
import { decodeWaitingRow, encodeWaitingRow } from '../src/chat/waiting-row.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(Buffer.from(encodeWaitingRow(decodeWaitingRow(data))), Buffer.from(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
