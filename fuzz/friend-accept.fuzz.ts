/** Acceptances: what is read is written as the same bytes. */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeFriendAccept, encodeFriendAccept } from '../src/wire/friend-content.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(Buffer.from(encodeFriendAccept(decodeFriendAccept(data))), Buffer.from(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
