/** Handshake payloads: what decodes encodes to the same bytes. The first byte says how many names are allowed. */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import { decodeLinkPayload, encodeLinkPayload, MAX_LINK_NAMES } from '../src/wire/link-payload.ts';

export function fuzz(data: Uint8Array): void {
  const maxNames = (data[0] ?? 0) % (MAX_LINK_NAMES + 1);
  const bytes = data.subarray(1);
  try {
    const payload = decodeLinkPayload(bytes, maxNames);
    assert.ok(payload.names.length <= maxNames);
    assert.deepEqual(Buffer.from(encodeLinkPayload(payload)), Buffer.from(bytes));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
