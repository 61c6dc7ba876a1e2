/** Rows of sessions: what is read is written as the very same bytes. */

import assert from 'node:assert/strict';
import { decodeSession, encodeSession } from '../src/kem/session-codec.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.equal(Buffer.compare(encodeSession(decodeSession(data)), data), 0);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
