/** The secret for tags as it is saved: 32 bytes or refused. */

import assert from 'node:assert/strict';
import { decodeTagSecret } from '../src/chat/own-tag.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(Buffer.from(decodeTagSecret(data)), Buffer.from(data));
    assert.equal(data.length, 32);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
