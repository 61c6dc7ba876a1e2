/** Rows of tables, as they are before they are sealed: what is read is written as the same bytes. */

import assert from 'node:assert/strict';
import { concat } from '../src/safety/bytes.ts';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeRow, encodeRowHead } from '../src/store/table-seal.ts';

export function fuzz(data: Uint8Array): void {
  try {
    const row = decodeRow(1, data);
    assert.equal(Buffer.compare(concat(encodeRowHead(row), row.value), data), 0);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
