/** Identity secrets: what decodes must encode to the same bytes. */

import assert from 'node:assert/strict';
import { decodeIdentity, encodeIdentity } from '../src/kem/identity.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(encodeIdentity(decodeIdentity(data)), new Uint8Array(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
