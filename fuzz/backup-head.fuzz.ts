/** Heads of backups: what is read is written as the same bytes. */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeHead, encodeHead } from '../src/store/backup-format.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.equal(Buffer.compare(encodeHead(decodeHead(data)), data), 0);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
