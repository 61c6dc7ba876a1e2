/** Plaintext headers of KR1: what is read is written as the very same bytes. */

import assert from 'node:assert/strict';
import { decodeHeader, encodeHeader } from '../src/kem/ratchet-message.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.equal(Buffer.compare(encodeHeader(decodeHeader(data)), data), 0);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
