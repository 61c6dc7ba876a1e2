/** Receipts of `/kith/say/1`: what decodes must encode to the same bytes. */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeSayReceipt, encodeSayReceipt } from '../src/wire/say.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(encodeSayReceipt(decodeSayReceipt(data)), new Uint8Array(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
