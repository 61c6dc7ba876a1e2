/** Saved contents of the outbox, as a backup may hold them: what is read is written as the same bytes. */

import assert from 'node:assert/strict';
import { decodeItem, encodeItem } from '../src/delivery/outbox-row.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(Buffer.from(encodeItem(decodeItem(data))), Buffer.from(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
