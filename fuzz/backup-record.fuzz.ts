/** Records of backups: what is read is written as the same bytes. */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeRecord, encodeRecord } from '../src/store/backup-format.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.equal(Buffer.compare(encodeRecord(decodeRecord(data)), data), 0);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
