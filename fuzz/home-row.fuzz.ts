/** Saved homes: what is read is written as the same bytes. */

import assert from 'node:assert/strict';
import { decodeHomeRow, encodeHomeRow } from '../src/friends/home-row.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(Buffer.from(encodeHomeRow(decodeHomeRow(data))), Buffer.from(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
