/** Messages of a conversation: what decodes must encode to the same bytes. */

import assert from 'node:assert/strict';
import { decodeChatContent, encodeChatContent } from '../src/wire/chat-content.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(Buffer.from(encodeChatContent(decodeChatContent(data))), Buffer.from(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
