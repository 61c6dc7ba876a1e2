/**
 * What a commit of a contact's next state leaves behind: sessions that are over, and secrets that were replaced. Double
 * Ratchet spec, section 8.9 (secure deletion), as far as JavaScript goes.
 */

import { allSessions, type ContactSessions, findSession } from './contact.ts';
import { eraseReplaced, eraseSession, type Session } from './session.ts';

/** Sessions of `before` that `after` does not hold: their rows and skipped keys go in the transaction of `after`. */
export function sessionsGone(before: ContactSessions, after: ContactSessions): Session[] {
  const sessions = allSessions(before).map(({ session }) => session);
  return sessions.filter(({ transcript }) => findSession(after, transcript) === null);
}

/** Best-effort erasure of the secrets of `before` that `after` does not hold: to be called when `after` is committed. */
export function eraseReplacedSessions(before: ContactSessions, after: ContactSessions): void {
  for (const { session } of allSessions(before)) {
    const next = findSession(after, session.transcript);
    if (next === null) eraseSession(session);
    else eraseReplaced(session, next.session);
  }
}
