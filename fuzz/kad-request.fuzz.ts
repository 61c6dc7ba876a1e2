/** Requests of the DHT: what is accepted survives encoding, and says nothing but what kith serves. */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeKadRequest, encodeKadRequest, MAX_KAD_REQUEST_BYTES } from '../src/wire/kad-message.ts';
import { decodeSlotKey } from '../src/wire/slot.ts';

export function fuzz(data: Uint8Array): void {
  try {
    const request = decodeKadRequest(data);
    const written = encodeKadRequest(request);
    assert.ok(written.length <= MAX_KAD_REQUEST_BYTES);
    assert.deepEqual(decodeKadRequest(written), request);
    if (request.type === 'get-value') decodeSlotKey(request.key);
    if (request.type === 'put-value') decodeSlotKey(request.record.key);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
