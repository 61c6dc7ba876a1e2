/** Lines of the local socket, cut and decoded; what decodes must survive encoding. */

import assert from 'node:assert/strict';
import { decodeRpcLine, encodeRpcLine, LineReader } from '../src/local/json-rpc.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  const reader = new LineReader();
  const cut = data.length >>> 1;
  try {
    for (const chunk of [data.subarray(0, cut), data.subarray(cut)]) {
      for (const line of reader.push(Buffer.from(chunk))) {
        const message = decodeRpcLine(line);
        assert.deepEqual(decodeRpcLine(encodeRpcLine(message).trimEnd()), message);
      }
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
