/** Requests at a door: a pattern over a valid one, or if the first byte is odd the bytes as they are. */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeDoorRequest, encodeDoorRequest } from '../src/wire/door-request.ts';
import { laidOver } from './laid-over.ts';
import { filled } from './party.ts';

const VALID = encodeDoorRequest({
  token: filled(16, 9),
  count: 1,
  tag: filled(16, 8),
  envelope: filled(16_256, 5),
});

export function fuzz(data: Uint8Array): void {
  const bytes = (data[0] ?? 0) % 2 === 1 ? data.subarray(1) : laidOver(VALID, data.subarray(1));
  try {
    assert.deepEqual(encodeDoorRequest(decodeDoorRequest(bytes)), new Uint8Array(bytes));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
