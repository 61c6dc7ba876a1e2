/** Profile pictures: whatever the bytes are, they are a small picture or refused. */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import { decodePicture, MAX_PICTURE_SIDE, PICTURE_TYPES } from '../src/wire/picture.ts';

export function fuzz(data: Uint8Array): void {
  try {
    const { type, width, height } = decodePicture(data);
    assert.ok(PICTURE_TYPES.includes(type));
    for (const side of [width, height]) assert.ok(side >= 1 && side <= MAX_PICTURE_SIDE);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
