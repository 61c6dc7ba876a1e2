/**
 * Frames between friends. The first byte chooses whether the rest is the frame, or a pattern that is laid over a valid
 * one of the types whose size no random input has.
 */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeFriendFrame, encodeFriendFrame } from '../src/wire/friend-frame.ts';
import { laidOver } from './laid-over.ts';
import { filled } from './party.ts';

const LONG = [
  encodeFriendFrame({ type: 'bundle', bytes: filled(9_428, 3) }),
  encodeFriendFrame({
    type: 'message',
    form: 'opening',
    count: 1,
    tag: filled(16, 9),
    ref: 2,
    bytes: filled(16_256, 5),
  }),
  encodeFriendFrame({
    type: 'message',
    form: 'message',
    count: 7,
    tag: filled(16, 9),
    ref: 2 ** 32 - 1,
    bytes: filled(4_064, 5),
  }),
];

export function fuzz(data: Uint8Array): void {
  const valid = LONG[(data[0] ?? 0) % (LONG.length + 1)];
  const bytes = valid === undefined ? data.subarray(1) : laidOver(valid, data.subarray(1));
  try {
    assert.deepEqual(encodeFriendFrame(decodeFriendFrame(bytes)), new Uint8Array(bytes));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
