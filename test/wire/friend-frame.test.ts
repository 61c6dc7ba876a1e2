import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUNDLE_BYTES } from '../../src/kem/bundle.ts';
import { LINK_LOGIN_BYTES } from '../../src/kem/link-login.ts';
import { MESSAGE_SIZES } from '../../src/kem/ratchet-message.ts';
import { ENVELOPE_BYTES } from '../../src/kem/sealed-envelope.ts';
import { concat, toHex } from '../../src/safety/bytes.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import {
  decodeFriendFrame,
  encodeFriendFrame,
  FRIEND_BUNDLE_BYTES,
  type FriendFrame,
  LOGIN_FRAME_BYTES,
  MAC_BYTES,
  MAX_FRIEND_FRAME_BYTES,
  MIN_FRIEND_FRAME_BYTES,
  WELCOME_FRAME_BYTES,
} from '../../src/wire/friend-frame.ts';

const filled = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value);

const TAG = filled(16, 6);
const TAG_HEX = '06'.repeat(16);

const FRAMES: readonly FriendFrame[] = [
  { type: 'login', macs: [1, 2, 3, 4].map((byte) => filled(32, byte)), bundleHash: filled(32, 5) },
  { type: 'welcome', mac: filled(32, 1), bundleHash: filled(32, 2) },
  { type: 'seen', seen: 2 ** 48 - 1, tag: filled(16, 6) },
  { type: 'bundle', bytes: filled(BUNDLE_BYTES, 7) },
  {
    type: 'message',
    form: 'opening',
    count: 1,
    tag: filled(16, 6),
    ref: 2 ** 32 - 1,
    bytes: filled(ENVELOPE_BYTES, 3),
  },
  ...[4_064, 8_128, 16_256].map(
    (size) =>
      ({ type: 'message', form: 'message', count: 9, tag: TAG, ref: 0, bytes: filled(size, 4) }) as const,
  ),
  ...(['kept', 'unknown-session', 'busy', 'refused'] as const).map(
    (verdict) => ({ type: 'verdict', ref: 258, verdict }) as const,
  ),
  { type: 'presence', presence: 'online' },
  { type: 'presence', presence: 'away' },
  { type: 'ping', data: filled(8, 1) },
  { type: 'pong', data: filled(8, 2) },
  { type: 'proof', mac: filled(32, 3) },
];

for (const frame of FRAMES) {
  test(`${frame.type} (${encodeFriendFrame(frame).length} bytes) is read as it was written`, () => {
    const bytes = encodeFriendFrame(frame);
    assert.deepEqual(decodeFriendFrame(bytes), frame);
    assert.ok(bytes.length >= MIN_FRIEND_FRAME_BYTES && bytes.length <= MAX_FRIEND_FRAME_BYTES);
    for (const wrong of [bytes.subarray(1), bytes.subarray(0, -1), concat(bytes, Uint8Array.of(0))]) {
      assert.throws(() => decodeFriendFrame(wrong), MalformedError);
    }
  });
}

test('the bytes are those of docs/wire.md', () => {
  assert.equal(toHex(encodeFriendFrame({ type: 'verdict', ref: 258, verdict: 'busy' })), '060000010203');
  assert.equal(toHex(encodeFriendFrame({ type: 'seen', seen: 3, tag: TAG })), `03000000000003${TAG_HEX}`);
  assert.equal(toHex(encodeFriendFrame({ type: 'proof', mac: filled(32, 7) })), `0a${'07'.repeat(32)}`);
  assert.equal(toHex(encodeFriendFrame({ type: 'presence', presence: 'away' })), '0702');
  const message = encodeFriendFrame({
    type: 'message',
    form: 'message',
    count: 1,
    tag: TAG,
    ref: 2,
    bytes: filled(4_064, 255),
  });
  assert.equal(toHex(message.subarray(0, 29)), `0502000000000001${TAG_HEX}00000002ff`);
});

test('sizes are those of the formats that travel in it', () => {
  const [login, welcome] = FRAMES;
  assert.equal(encodeFriendFrame(login as FriendFrame).length, LOGIN_FRAME_BYTES);
  assert.equal(encodeFriendFrame(welcome as FriendFrame).length, WELCOME_FRAME_BYTES);
  assert.equal(FRIEND_BUNDLE_BYTES, BUNDLE_BYTES);
  assert.equal(MAC_BYTES, LINK_LOGIN_BYTES);
  const longest = FRAMES.map((frame) => encodeFriendFrame(frame).length).toSorted((a, b) => b - a)[0];
  assert.equal(longest, MAX_FRIEND_FRAME_BYTES);
  for (const size of MESSAGE_SIZES.slice(0, 3)) {
    encodeFriendFrame({
      type: 'message',
      form: 'message',
      count: 1,
      tag: TAG,
      ref: 1,
      bytes: filled(size, 0),
    });
  }
});

test('values that this version does not know are refused', () => {
  for (const hex of ['00', '0b00', '0700', '0703', '060000000000', '060000000005', '0500', '0503', '']) {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
    assert.throws(() => decodeFriendFrame(bytes), MalformedError, hex);
  }
});

test('what has no encoding is a defect of the caller', () => {
  const wrong: FriendFrame[] = [
    { type: 'login', macs: [filled(32, 1)], bundleHash: filled(32, 1) },
    { type: 'message', form: 'message', count: 1, tag: TAG, ref: 1, bytes: filled(100, 1) },
    { type: 'message', form: 'opening', count: 1, tag: TAG, ref: 1, bytes: filled(4_064, 1) },
    { type: 'seen', seen: 1, tag: filled(15, 1) },
    { type: 'message', form: 'opening', count: 2 ** 48, tag: TAG, ref: 1, bytes: filled(16_256, 1) },
    { type: 'ping', data: filled(7, 1) },
  ];
  for (const frame of wrong) assert.throws(() => encodeFriendFrame(frame), RangeError);
});
