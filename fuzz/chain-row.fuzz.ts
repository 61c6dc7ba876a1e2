/** Saved chains: what decodes must encode to the same bytes. */

import assert from 'node:assert/strict';
import { decodeChainRow, encodeChainRow } from '../src/chat/chain-row.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  try {
    assert.deepEqual(Buffer.from(encodeChainRow(decodeChainRow(data))), Buffer.from(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
