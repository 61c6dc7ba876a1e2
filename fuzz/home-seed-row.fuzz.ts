/** Home seeds as they are saved: what is read is written the same. */

import assert from 'node:assert/strict';
import { decodeHomeRow, encodeHomeRow } from '../src/node/home-rows.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(Buffer.from(encodeHomeRow(decodeHomeRow(data))), Buffer.from(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
