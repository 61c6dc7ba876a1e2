/** Notices of the chat: what decodes must encode to the same bytes. */

import assert from 'node:assert/strict';
import { decodeChatNotice, encodeChatNotice } from '../src/wire/chat-notice.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(Buffer.from(encodeChatNotice(decodeChatNotice(data))), Buffer.from(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
