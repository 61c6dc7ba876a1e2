/**
 * Prekeys. The first byte chooses whether the rest is the row or a pattern that is laid over a valid one; what decodes
 * must encode to the same bytes.
 */

import assert from 'node:assert/strict';
import { decodePrekeys, encodePrekeys } from '../src/kem/prekeys.ts';
import { MalformedError } from '../src/safety/errors.ts';
import { laidOver } from './laid-over.ts';
import { party } from './party.ts';

const VALID = encodePrekeys(party([1, 2, 3, 4, 5]).prekeys.secrets);

export function fuzz(data: Uint8Array): void {
  const [mode = 0] = data;
  const bytes = mode % 2 === 0 ? data.subarray(1) : laidOver(VALID, data.subarray(1));
  try {
    assert.equal(Buffer.compare(encodePrekeys(decodePrekeys(bytes)), bytes), 0);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
