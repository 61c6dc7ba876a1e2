/** Saved contacts of the friends book: what is read is written as the same bytes. */

import assert from 'node:assert/strict';
import { decodeContactRow, encodeContactRow } from '../src/friends/contact-row.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(
      Buffer.from(encodeContactRow(decodeContactRow(data.subarray(0, 0), data))),
      Buffer.from(data),
    );
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
