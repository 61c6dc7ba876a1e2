/** The generation of a store as it is saved: what is read is written as the same bytes. */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeGeneration, encodeGeneration } from '../src/store/meta.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.equal(Buffer.compare(encodeGeneration(decodeGeneration(data)), data), 0);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
