/** Plaintext bodies of KR1, of any size: what is read is written as the very same bytes. */

import assert from 'node:assert/strict';
import { decodeBody, encodeBody } from '../src/kem/ratchet-message.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.equal(Buffer.compare(encodeBody(decodeBody(data), data.length), data), 0);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
