/** Answers of a door: what decodes must encode to the same byte. */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeDoorStatus, encodeDoorStatus } from '../src/wire/door-request.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(encodeDoorStatus(decodeDoorStatus(data)), new Uint8Array(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
