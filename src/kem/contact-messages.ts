/**
 * Messages from and to a contact, by the rules of contact-sessions.ts: which session reads a message, whether an opening
 * is a new one or repeated, and what form a message takes. docs/wire.md, "Sessions of a contact".
 *
 * Pure: each function returns the next state of the contact, to be committed with what came along before anything is
 * shown or sent. Whatever is refused changes nothing.
 */

import { equal } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';
import { allSessions, type ContactSession, type ContactSessions, requirePeer } from './contact.ts';
import { withAccepted, withReceived, withSent } from './contact-sessions.ts';
import { KemError } from './errors.ts';
import { type Opening, OPENING_MESSAGE_BYTES } from './kx1.ts';
import { encryptOpening } from './kx1-initiator.ts';
import { type AcceptedContact, accept, type ResponderKeys, splitBody } from './kx1-responder.ts';
import type { Prekeys } from './prekeys.ts';
import type { Primitives } from './primitives.ts';
import { type Decrypted, decrypt } from './ratchet-decrypt.ts';
import { encrypt } from './ratchet-encrypt.ts';
import type { EpochKeys } from './ratchet-keys.ts';
import type { SkippedChanges, SkippedKeys } from './skipped-keys.ts';

/** The skipped keys of the session with this transcript. */
export type SkippedOf = (transcript: Uint8Array) => SkippedKeys;

export interface Received {
  readonly contact: ContactSessions;
  /** Of the session that read the message. */
  readonly transcript: Uint8Array;
  /** Whether only the contact can have written this message: see {@link Decrypted}. It never becomes so afterwards. */
  readonly proven: boolean;
  /** Messages that are now known to be missing before this one: see {@link Decrypted}. */
  readonly missing: number;
  readonly content: Uint8Array;
  readonly skipped: SkippedChanges;
  readonly epochKeys: EpochKeys | null;
  /** What is to be committed besides when this opened a session. */
  readonly accepted: Pick<AcceptedContact, 'peer' | 'replayId' | 'oneTimePrekeyId'> | null;
}

export interface Sent {
  readonly contact: ContactSessions;
  /** Of the session it went under: when that is replaced before an acknowledgement, the content is to be encrypted anew. */
  readonly transcript: Uint8Array;
  /** `opening`: `bytes` (15,119) go into a sealed envelope; else they are the message. */
  readonly form: 'opening' | 'message';
  readonly bytes: Uint8Array;
  readonly epochKeys: EpochKeys | null;
}

/**
 * A message that came without an envelope, `now` in milliseconds since 1970. Throws what {@link decrypt} does; KemError
 * NOT_FOR_THIS_SESSION when no session of the contact knows it.
 */
export function receiveMessage(
  p: Primitives,
  contact: ContactSessions,
  message: Uint8Array,
  skippedOf: SkippedOf,
  now: number,
): Received {
  if (message.length === OPENING_MESSAGE_BYTES) {
    throw new MalformedError('kx1-header', 'the message of an opening without its header');
  }
  for (const { session } of allSessions(contact)) {
    try {
      const decrypted = decrypt(p, session, message, skippedOf(session.transcript), now);
      return received(contact, decrypted, decrypted.content, now);
    } catch (error) {
      if (!(error instanceof KemError && error.code === 'NOT_FOR_THIS_SESSION')) throw error;
    }
  }
  throw new KemError('NOT_FOR_THIS_SESSION', 'no session with the contact knows the message', {
    hint: 'It is damaged or from a session that is over; if it goes on, open a new one.',
  });
}

/**
 * An opening that came in an envelope, for the sessions of the contact that its fingerprint names (NO_SESSIONS where it is
 * new). Throws KemError WRONG_CONTACT, and what {@link accept} and {@link decrypt} do.
 */
export function receiveOpening(
  p: Primitives,
  own: ResponderKeys,
  contact: ContactSessions,
  opening: Opening,
  skippedOf: SkippedOf,
  now: number,
): Received {
  requirePeer(contact, opening.fingerprint);
  const { openingId } = opening;
  const known = allSessions(contact).find(
    (entry) => entry.openingId !== null && equal(entry.openingId, openingId),
  );
  if (known !== undefined) {
    const { session } = known;
    const decrypted = decrypt(p, session, opening.message, skippedOf(session.transcript), now);
    const [, content] = splitBody(p, opening, decrypted.content);
    return received(contact, decrypted, content, now);
  }
  const accepted = accept(p, own, opening, now);
  const { session, content, missing, skipped, epochKeys, peer, replayId, oneTimePrekeyId } = accepted;
  return {
    contact: withAccepted(contact, accepted, isLower(own.identity.fingerprint, opening.fingerprint), now),
    transcript: session.transcript,
    proven: false,
    missing,
    content,
    skipped,
    epochKeys,
    accepted: { peer, replayId, oneTimePrekeyId },
  };
}

/** What is to be sent under a session. */
export interface Sending {
  /** May be empty: for a reply that is owed. */
  readonly content: Uint8Array;
  /** Size of the message, one of MESSAGE_SIZES; an opening has its own. */
  readonly messageBytes: number;
  /** Own sets that are not erased: an opening carries the bundle of its set. */
  readonly prekeys: readonly Prekeys[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Encrypts under one session of the contact: `contact.live` for content, one of repliesOwed for an answer. Until the peer
 * has answered it is an opening. Throws what encryptOpening and {@link encrypt} do.
 */
export function encryptUnder(
  p: Primitives,
  contact: ContactSessions,
  { session }: ContactSession,
  { content, messageBytes, prekeys, now }: Sending,
): Sent {
  const { transcript } = session;
  if (session.opening !== null) {
    const sent = encryptOpening(p, session, prekeys, content, now);
    const { plaintext, epochKeys } = sent;
    return {
      contact: withSent(contact, sent.session),
      transcript,
      form: 'opening',
      bytes: plaintext,
      epochKeys,
    };
  }
  if (messageBytes === OPENING_MESSAGE_BYTES) throw new RangeError('this is the size of openings alone');
  const sent = encrypt(p, session, content, messageBytes);
  const { message, epochKeys } = sent;
  return { contact: withSent(contact, sent.session), transcript, form: 'message', bytes: message, epochKeys };
}

function received(
  contact: ContactSessions,
  { session, skipped, epochKeys, proven, missing }: Decrypted,
  content: Uint8Array,
  now: number,
): Received {
  return {
    contact: withReceived(contact, session, content.length === 0, now),
    transcript: session.transcript,
    proven,
    missing,
    content,
    skipped,
    epochKeys,
    accepted: null,
  };
}

/** Whether `a` comes before `b` as bytes; both are public. */
function isLower(a: Uint8Array, b: Uint8Array): boolean {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at >= 0 && (a[at] as number) < (b[at] as number);
}
