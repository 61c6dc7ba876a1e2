/** Answers of the DHT: what is accepted survives encoding; a claimed address never does. */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeKadResponse, encodeKadResponse, MAX_CLOSER_PEERS } from '../src/wire/kad-message.ts';

export function fuzz(data: Uint8Array): void {
  try {
    const response = decodeKadResponse(data);
    assert.ok(response.closer.length <= MAX_CLOSER_PEERS);
    assert.ok(response.closer.every((key) => key.length === 32));
    assert.deepEqual(decodeKadResponse(encodeKadResponse(response)), response);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
