/** Parts of pictures: what is read is written the same. */

import assert from 'node:assert/strict';
import { decodePicturePart, encodePicturePart } from '../src/wire/profile-content.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(Buffer.from(encodePicturePart(decodePicturePart(data))), Buffer.from(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
