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
 * - What was replaced is read for 30 days after the last message under it. Only content is answered there, so that ends
 *   that differ send each other no replies without end.
 *
 * Does no cryptography (contact-messages.ts does) and keeps no skipped keys. The rules assume that every state is
 * committed; whoever restores an older one starts with none of these sessions (and new prekeys), and opens one anew.
 */

import { equal } from '../safety/bytes.ts';
import { MAIL_TTL_SECONDS } from './bundle.ts';
import {
  allSessions,
  type ContactSession,
  type ContactSessions,
  type Contest,
  findSession,
  MAX_CANDIDATES,
  MAX_REPLACED,
  NO_SESSIONS,
  requirePeer,
} from './contact.ts';
import { requireTime } from './primitives.ts';
import { SKIPPED_LIFE_MS } from './ratchet-chains.ts';
import { isProven, type Session } from './session.ts';

/** Who begins chain 3 has had chain 2 from here, and so has decided every {@link Contest} in favour of the session. */
const SETTLED_CHAIN = 3;
/** After that no skipped key of it is left. */
export const KEEP_REPLACED_MS = SKIPPED_LIFE_MS;

/** A session with whom: what opening or accepting gives. */
interface WithPeer {
  readonly session: Session;
  /** Unix seconds: see {@link ContactSession}. */
  readonly expiry: number;
  readonly peer: { readonly fingerprint: Uint8Array };
}

/** After an own opening at `now` (milliseconds since 1970). Throws KemError WRONG_CONTACT. */
export function withOpened(
  contact: ContactSessions,
  { session, peer, expiry }: WithPeer,
  now: number,
): ContactSessions {
  requirePeer(contact, peer.fingerprint);
  const usedAt = wholeTime(now);
  const live = { session, openingId: null, contest: null, owed: false, usedAt, expiry };
  return {
    ...NO_SESSIONS,
    peer: peer.fingerprint,
    live,
    replaced: retire(allSessions(contact).toReversed()),
  };
}

/**
 * After the peer's opening was accepted at `now`. `weAreLower`: whether the own fingerprint is the lower one. Throws KemError
 * WRONG_CONTACT.
 */
export function withAccepted(
  contact: ContactSessions,
  { session, peer, openingId, expiry }: WithPeer & { readonly openingId: Uint8Array },
  weAreLower: boolean,
  now: number,
): ContactSessions {
  requirePeer(contact, peer.fingerprint);
  const own = contact.aside ?? contact.live;
  const contest =
    weAreLower && own !== null && own.openingId === null && newestChain(own) < 1
      ? { against: own.session.transcript, wonAt: newestChain(own) + 2 }
      : null;
  const entry = { session, openingId, contest, owed: true, usedAt: wholeTime(now), expiry };
  const known = { ...contact, peer: peer.fingerprint };
  // where an own opening has expired, what waits goes first: the peer may go on with any of them
  if (contact.live === null && contact.candidates.length === 0) return { ...known, live: entry };
  return { ...known, candidates: [...contact.candidates, entry].slice(-MAX_CANDIDATES) };
}

/** After a message was encrypted under the session with the transcript of `next`. */
export function withSent(contact: ContactSessions, next: Session): ContactSessions {
  return replaceEntry(contact, next.transcript, (entry) => ({ ...entry, session: next, owed: false }));
}

/** After a message was decrypted under the session of `next` at `now` (ms since 1970). `isReply`: it has no content. */
export function withReceived(
  contact: ContactSessions,
  next: Session,
  isReply: boolean,
  now: number,
): ContactSessions {
  const before = findSession(contact, next.transcript);
  if (before === null) throw new RangeError('not a session of this contact');
  const isFirstAnswer = before.session.opening !== null && next.opening === null;
  const entry = { ...before, session: next, usedAt: wholeTime(now) };
  const replaced = replaceEntry(contact, next.transcript, () => entry);
  const updated = withoutLosers(replaced, entry);
  if (updated.live === entry) return owe(updated, entry, isFirstAnswer || !isSettledThere(updated, entry));
  if (updated.aside === entry) return receivedAside(updated, entry);
  if (updated.candidates.includes(entry)) return receivedCandidate(updated, entry);
  // the peer has not seen yet what is live here, and a message under that shows it; but to replies without end
  const used = { ...updated, replaced: [...updated.replaced.filter((other) => other !== entry), entry] };
  return owe(used, used.live, !isReply);
}

/**
 * Without what is over at `now`: what is not proven although no mail to its bundles can be on its way any more (then
 * `live` may be null: open anew), and what is only read and not used for 30 days, unless the peer may not know the live one.
 */
export function withoutExpired(contact: ContactSessions, now: number): ContactSessions {
  const { live, aside, candidates, replaced } = contact;
  const mayBeProven = ({ session, expiry }: ContactSession): boolean =>
    isProven(session) || now < (expiry + MAIL_TTL_SECONDS) * 1000;
  const isSettled = live !== null && newestChain(live) >= SETTLED_CHAIN;
  const isRead = (entry: ContactSession): boolean =>
    mayBeProven(entry) && !(isSettled && now >= entry.usedAt + KEEP_REPLACED_MS);
  return {
    ...contact,
    live: live !== null && mayBeProven(live) ? live : null,
    aside: aside !== null && mayBeProven(aside) ? aside : null,
    candidates: candidates.filter(mayBeProven),
    replaced: replaced.filter(isRead),
  };
}

/** As it is saved. */
function wholeTime(now: number): number {
  requireTime(now);
  return Math.floor(now);
}

/** Candidates against which `own` has won are only read. */
function withoutLosers(contact: ContactSessions, own: ContactSession): ContactSessions {
  const hasLost = ({ contest }: ContactSession): boolean =>
    isAgainst(contest, own.session) && hasWon(own, contest);
  const candidates = contact.candidates.filter((entry) => !hasLost(entry));
  if (candidates.length === contact.candidates.length) return contact;
  return {
    ...contact,
    candidates,
    replaced: retire([...contact.replaced, ...contact.candidates.filter(hasLost)]),
  };
}

/** The own opening was set aside: has the peer gone on with it? */
function receivedAside(contact: ContactSessions, entry: ContactSession): ContactSessions {
  const { live } = contact;
  if (live !== null && !hasWon(entry, live.contest)) return owe(contact, entry, true);
  const replaced = live === null ? contact.replaced : retire([...contact.replaced, live]);
  return owe({ ...contact, live: entry, aside: null, replaced }, entry, true);
}

/** A candidate becomes live when its initiator is proven; an own opening that may yet win against it is set aside. */
function receivedCandidate(contact: ContactSessions, entry: ContactSession): ContactSessions {
  if (!isProven(entry.session)) return owe(contact, entry, true);
  const at = contact.candidates.indexOf(entry);
  // the peer opens one after the other, and proves none that it has given up for a later one
  const earlier = contact.candidates.slice(0, at);
  const rivals = [contact.live, contact.aside].filter((other) => other !== null);
  const aside = rivals.find(({ session }) => isAgainst(entry.contest, session)) ?? null;
  const gone = rivals.filter((other) => other !== aside);
  const replaced = retire([...contact.replaced, ...earlier, ...gone]);
  const candidates = contact.candidates.slice(at + 1);
  return owe({ peer: contact.peer, live: entry, aside, candidates, replaced }, entry, true);
}

function isAgainst(contest: Contest | null, session: Session): boolean {
  return contest !== null && equal(contest.against, session.transcript);
}

function hasWon(own: ContactSession, contest: Contest | null): boolean {
  return contest === null || newestChain(own) >= contest.wonAt;
}

/** Number of the peer's newest chain. Each but the first answers the one begun here after the one before it. */
function newestChain({ session }: ContactSession): number {
  return session.receiving?.id ?? -1;
}

/** Whether the peer is known to have settled on `live` as well, so that it needs no more replies. */
function isSettledThere(contact: ContactSessions, live: ContactSession): boolean {
  const isOnly = allSessions(contact).length === 1;
  return isProven(live.session) && (isOnly || newestChain(live) > SETTLED_CHAIN);
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
    peer: contact.peer,
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
