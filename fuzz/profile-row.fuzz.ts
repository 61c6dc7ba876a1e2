/** Profiles as they are saved: what is read is written the same. */

import assert from 'node:assert/strict';
import { decodeProfileRow, encodeProfileRow } from '../src/profile/row.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(Buffer.from(encodeProfileRow(decodeProfileRow(data))), Buffer.from(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
