/**
 * Which of the sessions with a contact is used: a pure value and its rules, the same on both sides, so that both end on
 * one session whatever is lost, repeated or reordered, and whoever restarts. docs/wire.md, "Sessions of a contact".
 *
 * - An own opening is live at once: it is encrypted to a verified bundle. Whatever was there before is only read.
 * - The peer's opening is live if there is nothing else; else it is a candidate, which replaces the live session when a
 *   message under it proves the initiator. So a thief of our prekeys can open sessions in a contact's name, but cannot
 *   draw away what we write to that contact.
 * - Simultaneous openings: the one of the lower fingerprint wins. Its owner cannot tell at first whether the peer knows
 *   it. So when the other is proven before that, it is used for the time being, and the own one is set aside; it wins
 *   back the place when a message under it shows that the peer has gone on with it: see {@link Contest}.
 * - What was replaced is read for 30 days after the last message under it.
 *
 * Does no cryptography (contact-receive.ts does) and keeps no skipped keys. The rules assume that every state is
 * committed; whoever restores an older one starts with none of these sessions (and new prekeys), and opens one anew.
 */

import { equal } from '../safety/bytes.ts';
import { isProven, type Session } from './session.ts';

/** More openings of one contact than this wait for proof only in an attack; the one unused longest makes room. */
const MAX_CANDIDATES = 4;
/** An own opening retires all others at once: live, aside and candidates; there is room for two more. */
const MAX_REPLACED = 2 + MAX_CANDIDATES + 2;
/**
 * A peer that names this epoch has had messages of both first ones from here, so it has decided every {@link Contest} in
 * favour of the session.
 */
const SETTLED_EPOCH = 2;
/** As long as skipped keys are kept, and twice as long as mail lies. */
export const KEEP_REPLACED_MS = 30 * 24 * 60 * 60 * 1000;

/**
 * A session of the peer against an own opening that the peer may not have known: the own one has won once the peer
 * names an epoch of it above `epoch`, the one in which it was when the peer's opening came. The peer reaches that only
 * by messages sent after its own opening, and sends none when it has gone on with its own.
 */
export interface Contest {
  /** Transcript of the own opening. */
  readonly against: Uint8Array;
  readonly epoch: number;
}

export interface ContactSession {
  readonly session: Session;
  /** Id of the peer's opening; null: an own one. */
  readonly openingId: Uint8Array | null;
  /** Secret of the pair, from the first contact (32 bytes): that of the live session is in use. */
  readonly pairKey: Uint8Array;
  readonly contest: Contest | null;
  /** Whether the peer waits for a message under this session; one without content will do. */
  readonly owed: boolean;
  /** Milliseconds since 1970 of the last message decrypted, or of the opening. */
  readonly usedAt: number;
}

export interface ContactSessions {
  /** What content is encrypted under. */
  readonly live: ContactSession | null;
  /** An own opening that `live`, of the peer, stands in for until it is decided. */
  readonly aside: ContactSession | null;
  /** Openings of the peer that are not proven, in the order in which they came. */
  readonly candidates: readonly ContactSession[];
  /** Only read; last used last. */
  readonly replaced: readonly ContactSession[];
}

export const NO_SESSIONS: ContactSessions = { live: null, aside: null, candidates: [], replaced: [] };

/** All sessions, in the order in which messages are tried. */
export function allSessions({ live, aside, candidates, replaced }: ContactSessions): ContactSession[] {
  const first = [live, aside].filter((entry) => entry !== null);
  return [...first, ...candidates, ...replaced.toReversed()];
}

/** The session with this transcript, or null. */
export function findSession(contact: ContactSessions, transcript: Uint8Array): ContactSession | null {
  return allSessions(contact).find(({ session }) => equal(session.transcript, transcript)) ?? null;
}

/** Sessions under which the peer waits for a message: to be sent when it suits, without content if there is none. */
export function repliesOwed(contact: ContactSessions): ContactSession[] {
  return allSessions(contact).filter(({ owed }) => owed);
}

/** After an own opening at `now` (milliseconds since 1970). */
export function withOpened(
  contact: ContactSessions,
  session: Session,
  pairKey: Uint8Array,
  now: number,
): ContactSessions {
  const live = { session, openingId: null, pairKey, contest: null, owed: false, usedAt: now };
  return { ...NO_SESSIONS, live, replaced: retire(allSessions(contact).toReversed()) };
}

/** After the peer's opening was accepted at `now`. `weAreLower`: whether the own fingerprint is the lower one. */
export function withAccepted(
  contact: ContactSessions,
  accepted: { readonly session: Session; readonly pairKey: Uint8Array; readonly openingId: Uint8Array },
  weAreLower: boolean,
  now: number,
): ContactSessions {
  const { session, pairKey, openingId } = accepted;
  const own = contact.aside ?? contact.live;
  const contest =
    weAreLower && own?.session.role === 'initiator' && own.session.remoteEpoch === 0
      ? { against: own.session.transcript, epoch: own.session.pq.epoch }
      : null;
  const entry = { session, openingId, pairKey, contest, owed: true, usedAt: now };
  if (contact.live === null) return { ...contact, live: entry };
  const waiting = [...contact.candidates, entry];
  if (waiting.length <= MAX_CANDIDATES) return { ...contact, candidates: waiting };
  const oldest = waiting.reduce((a, b) => (b.usedAt < a.usedAt ? b : a));
  return {
    ...contact,
    candidates: waiting.filter((other) => other !== oldest),
    replaced: retire([...contact.replaced, oldest]),
  };
}

/** After a message was encrypted under the session with the transcript of `next`. */
export function withSent(contact: ContactSessions, next: Session): ContactSessions {
  return replaceEntry(contact, next.transcript, (entry) => ({ ...entry, session: next, owed: false }));
}

/** After a message was decrypted under the session with the transcript of `next`, at `now` (milliseconds since 1970). */
export function withReceived(contact: ContactSessions, next: Session, now: number): ContactSessions {
  const before = findSession(contact, next.transcript);
  if (before === null) throw new RangeError('not a session of this contact');
  const isFirstAnswer = before.session.opening !== null && next.opening === null;
  const entry = { ...before, session: next, usedAt: now };
  const updated = replaceEntry(contact, next.transcript, () => entry);
  if (updated.live === entry) {
    return owe(withoutLosers(updated, entry), entry, isFirstAnswer || !isSettledThere(updated));
  }
  if (updated.aside === entry) return receivedAside(updated, entry);
  if (updated.candidates.includes(entry)) return receivedCandidate(updated, entry);
  // the peer has not seen yet what is live here: a message under that shows it
  const used = { ...updated, replaced: [...updated.replaced.filter((other) => other !== entry), entry] };
  return used.live === null ? used : owe(used, used.live, true);
}

/** Without the replaced sessions that are over at `now`. They stay as long as the peer may not know the live one. */
export function withoutExpired(contact: ContactSessions, now: number): ContactSessions {
  if (!isSettledHere(contact)) return contact;
  return { ...contact, replaced: contact.replaced.filter(({ usedAt }) => now < usedAt + KEEP_REPLACED_MS) };
}

/** Candidates against which the live session has won are only read. */
function withoutLosers(contact: ContactSessions, live: ContactSession): ContactSessions {
  const lost = contact.candidates.filter(
    ({ contest }) => contest !== null && isAgainst(contest, live.session) && hasWon(live, contest),
  );
  if (lost.length === 0) return contact;
  const candidates = contact.candidates.filter((entry) => !lost.includes(entry));
  return { ...contact, candidates, replaced: retire([...contact.replaced, ...lost]) };
}

/** The own opening was set aside: has the peer gone on with it? */
function receivedAside(contact: ContactSessions, entry: ContactSession): ContactSessions {
  const { live } = contact;
  if (live !== null && !hasWon(entry, live.contest)) return owe(contact, entry, true);
  const lost = live === null ? [] : [live];
  return owe(
    { ...contact, live: entry, aside: null, replaced: retire([...contact.replaced, ...lost]) },
    entry,
    true,
  );
}

/** A candidate becomes live when its initiator is proven, unless an own opening has won against it. */
function receivedCandidate(contact: ContactSessions, entry: ContactSession): ContactSessions {
  if (!isProven(entry.session)) return owe(contact, entry, true);
  const at = contact.candidates.indexOf(entry);
  // the peer opens one after the other, and proves none that it has given up for a later one
  const earlier = contact.candidates.slice(0, at);
  const candidates = contact.candidates.slice(at + 1);
  const rivals = [contact.live, contact.aside].filter((other) => other !== null);
  const own = rivals.find(({ session }) => isAgainst(entry.contest, session));
  if (own !== undefined && hasWon(own, entry.contest)) {
    return owe(
      { ...contact, candidates, replaced: retire([...contact.replaced, ...earlier, entry]) },
      contact.live,
      true,
    );
  }
  const gone = rivals.filter((other) => other !== own);
  const adopted = {
    live: entry,
    aside: own ?? null,
    candidates,
    replaced: retire([...contact.replaced, ...earlier, ...gone]),
  };
  return owe(adopted, entry, true);
}

function isAgainst(contest: Contest | null, session: Session): boolean {
  return contest !== null && equal(contest.against, session.transcript);
}

function hasWon(own: ContactSession, contest: Contest | null): boolean {
  return contest === null || own.session.remoteEpoch > contest.epoch;
}

/** Whether the peer is known to use the live session for good, so that the replaced ones may go. */
function isSettledHere({ live }: ContactSessions): boolean {
  return live !== null && live.session.remoteEpoch >= SETTLED_EPOCH;
}

/** Whether the peer is known to know the same of us: the next epoch needs messages that say so. */
function isSettledThere(contact: ContactSessions): boolean {
  const { live } = contact;
  if (live === null || !isProven(live.session)) return live === null;
  return allSessions(contact).length === 1 || live.session.pq.epoch > SETTLED_EPOCH;
}

function owe(contact: ContactSessions, entry: ContactSession | null, owed: boolean): ContactSessions {
  if (entry === null || !owed) return contact;
  return replaceEntry(contact, entry.session.transcript, (found) => ({ ...found, owed: true }));
}

function replaceEntry(
  contact: ContactSessions,
  transcript: Uint8Array,
  change: (entry: ContactSession) => ContactSession,
): ContactSessions {
  const changed = (entry: ContactSession): ContactSession =>
    equal(entry.session.transcript, transcript) ? change(entry) : entry;
  return {
    live: contact.live === null ? null : changed(contact.live),
    aside: contact.aside === null ? null : changed(contact.aside),
    candidates: contact.candidates.map(changed),
    replaced: contact.replaced.map(changed),
  };
}

/** The newest {@link MAX_REPLACED}; nothing is owed under a session that is only read. */
function retire(entries: readonly ContactSession[]): ContactSession[] {
  return entries.slice(-MAX_REPLACED).map((entry) => ({ ...entry, owed: false, contest: null }));
}
