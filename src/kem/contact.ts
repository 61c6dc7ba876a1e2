/**
 * The sessions with one contact, as a value: which are there and what each is for. The rules that change it are in
 * contact-sessions.ts, its saved form in contact-codec.ts.
 */

import { equal } from '../safety/bytes.ts';
import { KemError } from './errors.ts';
import type { Session } from './session.ts';

/**
 * More openings of one contact than this wait for proof only in an attack. The first one makes room, and is gone: what
 * comes under it is refused, not read in silence while the ends differ.
 */
export const MAX_CANDIDATES = 8;
/** An own opening retires all others at once: live, aside and candidates; there is room for two more. */
export const MAX_REPLACED = 2 + MAX_CANDIDATES + 2;
/**
 * A session of the peer against an own opening that the peer may not have known: the own one has won once the peer has
 * begun chain `wonAt` of it, the second one after the peer's opening came. The peer begins that only in answer to a chain
 * begun here after its own opening, and answers none when it has gone on with its own.
 */
export interface Contest {
  /** Transcript of the own opening. */
  readonly against: Uint8Array;
  readonly wonAt: number;
}

export interface ContactSession {
  readonly session: Session;
  /** Id of the peer's opening; null: an own one. */
  readonly openingId: Uint8Array | null;
  readonly contest: Contest | null;
  /** Whether the peer waits for a message under this session; one without content will do. */
  readonly owed: boolean;
  /** Milliseconds since 1970 of the last message decrypted, or of the opening. */
  readonly usedAt: number;
  /** Unix seconds at which the first of the two bundles expires: what is not proven 14 days later is over. */
  readonly expiry: number;
}

export interface ContactSessions {
  /** Fingerprint of the contact, 48 bytes; null before the first session. */
  readonly peer: Uint8Array | null;
  /** What content is encrypted under. */
  readonly live: ContactSession | null;
  /** An own opening that `live`, of the peer, stands in for until it is decided. */
  readonly aside: ContactSession | null;
  /** Openings of the peer that are not proven, in the order in which they came. */
  readonly candidates: readonly ContactSession[];
  /** Only read; last used last. */
  readonly replaced: readonly ContactSession[];
}

export const NO_SESSIONS: ContactSessions = {
  peer: null,
  live: null,
  aside: null,
  candidates: [],
  replaced: [],
};

/** All sessions, in the order in which messages are tried. */
export function allSessions({ live, aside, candidates, replaced }: ContactSessions): ContactSession[] {
  const first = [live, aside].filter((entry) => entry !== null);
  return [...first, ...candidates, ...replaced.toReversed()];
}

/** The session with this transcript, or null. */
export function findSession(contact: ContactSessions, transcript: Uint8Array): ContactSession | null {
  return allSessions(contact).find(({ session }) => equal(session.transcript, transcript)) ?? null;
}

/**
 * Sessions under which the peer waits for a message at `now` (milliseconds since 1970): to be sent when it suits, without
 * content if there is none.
 */
export function repliesOwed(contact: ContactSessions, now: number): ContactSession[] {
  return allSessions(contact).filter(
    ({ owed, session, expiry }) => owed && (session.opening === null || now / 1000 < expiry),
  );
}

/** Throws KemError WRONG_CONTACT when these are sessions with somebody else. */
export function requirePeer({ peer }: ContactSessions, fingerprint: Uint8Array): void {
  if (peer === null || equal(peer, fingerprint)) return;
  throw new KemError('WRONG_CONTACT', 'these are the sessions of another contact', {
    hint: 'Look the contact up by the fingerprint.',
  });
}
