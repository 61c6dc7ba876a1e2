/** Keys of slots: accepted is the prefix with 32 bytes behind it, and nothing else. */

import assert from 'node:assert/strict';
import { concat, utf8 } from '../src/safety/bytes.ts';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeSlotKey } from '../src/wire/slot.ts';

const PREFIX = utf8('/kith-slot/');

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(concat(PREFIX, decodeSlotKey(data)), new Uint8Array(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
