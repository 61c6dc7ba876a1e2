/** Saved contacts, with a session for each transcript that begins with an even byte, whose role the next byte tells: what is read is written the same. */

import assert from 'node:assert/strict';
import { decodeContact, encodeContact } from '../src/kem/contact-codec.ts';
import type { Session } from '../src/kem/session.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  const sessionOf = (transcript: Uint8Array): Session | null =>
    (transcript[0] as number) % 2 === 0
      ? ({ transcript, role: (transcript[1] as number) % 2 === 0 ? 'responder' : 'initiator' } as Session)
      : null;
  try {
    const contact = decodeContact(data, sessionOf);
    assert.deepEqual(Buffer.from(encodeContact(contact)), Buffer.from(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
