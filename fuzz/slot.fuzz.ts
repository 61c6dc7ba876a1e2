/** Slots: what decodes must encode to the same bytes. */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeSlot, encodeSlot } from '../src/wire/slot.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(encodeSlot(decodeSlot(data)), new Uint8Array(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
