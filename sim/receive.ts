/** What a side does with a payload that has arrived: a message of a session, or an envelope. Changes nothing. */

import { type Received, receiveMessage, receiveOpening } from '../src/kem/contact-messages.ts';
import type { ContactSessions } from '../src/kem/contact.ts';
import { KemError } from '../src/kem/errors.ts';
import type { Identity } from '../src/kem/identity.ts';
import { readOpening } from '../src/kem/kx1.ts';
import type { Prekeys } from '../src/kem/prekeys.ts';
import type { Primitives } from '../src/kem/primitives.ts';
import { ENVELOPE_BYTES, openEnvelope } from '../src/kem/sealed-envelope.ts';
import type { SkippedKeys } from '../src/kem/skipped-keys.ts';
import { toHex } from '../src/safety/bytes.ts';

/** Who receives. */
export interface Receiver {
  readonly identity: Identity;
  readonly prekeys: readonly Prekeys[];
  readonly contact: ContactSessions;
  readonly replays: ReadonlySet<string>;
  skippedOf(transcript: Uint8Array): SkippedKeys;
}

/** Throws what the refusals throw: KemError, CryptoError, MalformedError. */
export function receive(p: Primitives, own: Receiver, payload: Uint8Array, now: number): Received {
  const skippedOf = (transcript: Uint8Array): SkippedKeys => own.skippedOf(transcript);
  try {
    return receiveMessage(p, own.contact, payload, skippedOf, now);
  } catch (error) {
    const isForNoSession = error instanceof KemError && error.code === 'NOT_FOR_THIS_SESSION';
    if (!isForNoSession || payload.length !== ENVELOPE_BYTES) throw error;
  }
  const inboxes = own.prekeys.map(({ inbox }) => inbox);
  const opening = readOpening(
    p.provider,
    openEnvelope(p.provider, inboxes, own.identity.fingerprint, payload),
  );
  const keys = {
    identity: own.identity,
    prekeys: own.prekeys,
    oneTimePrekey: () => null,
    isReplayed: (id: Uint8Array) => own.replays.has(toHex(id)),
  };
  return receiveOpening(p, keys, own.contact, opening, skippedOf, now);
}
