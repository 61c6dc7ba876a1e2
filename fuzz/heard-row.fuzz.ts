/** Saved places among the contents of a contact, as a backup may hold them: what is read is written as the same bytes. */

import assert from 'node:assert/strict';
import { decodeHeard, encodeHeard } from '../src/delivery/heard-row.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(Buffer.from(encodeHeard(decodeHeard(data))), Buffer.from(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
