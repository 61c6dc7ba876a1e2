/** Boxes: what decodes must encode to the same bytes. */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeBox, encodeBox } from '../src/wire/parcel.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(encodeBox(decodeBox(data)), new Uint8Array(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
