/** Heads of contents: what is read is written as the same bytes. */

import assert from 'node:assert/strict';
import { splitHead, withHead } from '../src/delivery/content-head.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    const { head, content } = splitHead(data);
    assert.deepEqual(Buffer.from(withHead(head, content)), Buffer.from(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
