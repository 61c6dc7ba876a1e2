/** Key slots: what is read is written as the same bytes. An input that begins with an even byte has its check made right. */

import assert from 'node:assert/strict';
import { nodeProvider } from '../src/safety/crypto/node.ts';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeKeySlots, encodeKeySlots } from '../src/store/key-slots.ts';

export function fuzz(data: Uint8Array): void {
  const bytes = data.slice(1);
  if ((data[0] ?? 0) % 2 === 0 && bytes.length >= 16) {
    bytes.set(nodeProvider.sha256(bytes.subarray(0, -16)).subarray(0, 16), bytes.length - 16);
  }
  try {
    const written = encodeKeySlots(nodeProvider, decodeKeySlots(nodeProvider, bytes));
    assert.equal(Buffer.compare(written, bytes), 0);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
