/**
 * Invites. The first byte chooses whether the rest is the text, or bytes to which the right check is put. Accepted is
 * only what is written as the same text.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { concat } from '../src/safety/bytes.ts';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeInvite, encodeInvite } from '../src/wire/invite.ts';

export function fuzz(data: Uint8Array): void {
  const [mode = 0] = data;
  const rest = data.subarray(1);
  const text = mode % 2 === 0 ? new TextDecoder().decode(rest) : textOf(rest);
  try {
    assert.equal(encodeInvite(decodeInvite(text)), text);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}

function textOf(body: Uint8Array): string {
  const check = createHash('sha256').update(body).digest().subarray(0, 4);
  return `kith:${Buffer.from(concat(body, check)).toString('base64url')}`;
}
