/** Saved invites: what is read is written as the same bytes. */

import assert from 'node:assert/strict';
import { decodeInviteRow, encodeInviteRow } from '../src/friends/invite-row.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(Buffer.from(encodeInviteRow(decodeInviteRow(data))), Buffer.from(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
