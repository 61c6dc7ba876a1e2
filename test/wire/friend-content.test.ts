/** Requests, acceptances and homes: the documented bytes, and nothing else. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MalformedError } from '../../src/safety/errors.ts';
import {
  decodeFriendAccept,
  decodeFriendHome,
  decodeFriendRequest,
  encodeFriendAccept,
  encodeFriendHome,
  encodeFriendRequest,
  MAX_NAME_BYTES,
  MAX_NOTE_BYTES,
} from '../../src/wire/friend-content.ts';

const filled = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value);
const INTRODUCTION = { revision: 0x01020304, onionKey: filled(32, 1), clientSecret: filled(32, 2) };
const INTRODUCTION_HEX = `01020304${'01'.repeat(32)}${'02'.repeat(32)}`;
const REQUEST = { introduction: INTRODUCTION, loginKey: filled(32, 3), name: 'Zoë', note: 'hi' };

const formats = [
  {
    format: 'friend-request',
    hex: `30${INTRODUCTION_HEX}${'03'.repeat(32)}00045a6fc3ab00026869`,
    bytes: encodeFriendRequest(REQUEST),
    value: REQUEST,
    decode: decodeFriendRequest,
  },
  {
    format: 'friend-accept',
    hex: `31${INTRODUCTION_HEX}00045a6fc3ab`,
    bytes: encodeFriendAccept({ introduction: INTRODUCTION, name: 'Zoë' }),
    value: { introduction: INTRODUCTION, name: 'Zoë' },
    decode: decodeFriendAccept,
  },
  {
    format: 'friend-home',
    hex: `32${INTRODUCTION_HEX}`,
    bytes: encodeFriendHome(INTRODUCTION),
    value: INTRODUCTION,
    decode: decodeFriendHome,
  },
];

for (const { format, hex, bytes, value, decode } of formats) {
  describe(format, () => {
    const refuses = (changed: Uint8Array): void =>
      assert.throws(
        () => decode(changed),
        (error) => error instanceof MalformedError && error.format === format,
      );

    test('has the documented bytes', () => {
      assert.equal(Buffer.from(bytes).toString('hex'), hex);
      assert.deepEqual(decode(bytes), value);
    });

    test('of another kind, cut off or with bytes behind is refused', () => {
      for (let size = 0; size < bytes.length; size++) refuses(bytes.subarray(0, size));
      refuses(Uint8Array.of(...bytes, 0));
      for (const kind of [0, 0x01, 0x30, 0x31, 0x32, 0x33]) {
        if (kind !== bytes[0]) refuses(bytes.with(0, kind));
      }
    });
  });
}

test('every request survives encoding', () => {
  const text = fc
    .string({ unit: 'grapheme', maxLength: 16 })
    .filter((value) => Buffer.byteLength(value) <= 64);
  fc.assert(
    fc.property(text, text, fc.nat(2 ** 32 - 1), (name, note, revision) => {
      const request = { ...REQUEST, introduction: { ...INTRODUCTION, revision }, name, note };
      assert.deepEqual(decodeFriendRequest(encodeFriendRequest(request)), request);
    }),
  );
});

test('texts that are too long or no UTF-8 are refused on both sides', () => {
  const longest = { ...REQUEST, name: 'n'.repeat(MAX_NAME_BYTES), note: 'n'.repeat(MAX_NOTE_BYTES) };
  const bytes = encodeFriendRequest(longest);
  assert.deepEqual(decodeFriendRequest(bytes), longest);
  assert.throws(() => encodeFriendRequest({ ...longest, name: `${longest.name}n` }), RangeError);
  assert.throws(() => encodeFriendRequest({ ...longest, note: `${longest.note}n` }), RangeError);
  assert.throws(() => encodeFriendRequest({ ...REQUEST, note: '\ud800' }), RangeError);
  const nameAt = 1 + 68 + 32;
  assert.throws(() => decodeFriendRequest(bytes.with(nameAt + 1, MAX_NAME_BYTES + 1)), MalformedError);
  assert.throws(() => decodeFriendRequest(bytes.with(nameAt + 2, 0xff)), MalformedError);
});
