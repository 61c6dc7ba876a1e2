/** Pictures are known by their first bytes, and their sides are bounded before anybody draws them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MalformedError } from '../../src/safety/errors.ts';
import { decodePicture, MAX_PICTURE_BYTES, MAX_PICTURE_SIDE } from '../../src/wire/picture.ts';
import { jpeg, png, webp } from './pictures.ts';

test('type and sides of each kind are read', () => {
  assert.deepEqual(decodePicture(png(3, 7)), { type: 'image/png', width: 3, height: 7 });
  assert.deepEqual(decodePicture(jpeg(640, 480, 300)), { type: 'image/jpeg', width: 640, height: 480 });
  for (const kind of ['VP8 ', 'VP8L', 'VP8X'] as const) {
    assert.deepEqual(decodePicture(webp(kind, 1_024, 5)), { type: 'image/webp', width: 1_024, height: 5 });
  }
});

test('one that would be drawn too large, or not at all, is refused', () => {
  const wide = MAX_PICTURE_SIDE + 1;
  const bad = [
    png(wide, 1),
    jpeg(1, wide),
    webp('VP8X', wide, 1),
    webp('VP8L', 1, wide),
    jpeg(0, 1),
    png(0, 1),
  ];
  for (const bytes of bad) assert.throws(() => decodePicture(bytes), /sides out of range/);
  assert.throws(() => decodePicture(new Uint8Array(MAX_PICTURE_BYTES + 1)), /too large/);
});

test('cut off at any byte before its sides are known, it is refused and nothing else happens', () => {
  for (const whole of [
    png(3, 7),
    jpeg(3, 7, 9),
    webp('VP8 ', 3, 7),
    webp('VP8L', 3, 7),
    webp('VP8X', 3, 7),
  ]) {
    for (let length = 0; length < 20; length++) {
      assert.throws(() => decodePicture(whole.subarray(0, length)), MalformedError);
    }
  }
  assert.throws(() => decodePicture(Buffer.from('GIF89a')), /neither PNG/);
  assert.throws(() => decodePicture(Buffer.from([0xff, 0xd8, 0xff, 0xda, 0, 2])), /without a frame/);
  assert.throws(() => decodePicture(Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 1])), /empty segment/);
});
