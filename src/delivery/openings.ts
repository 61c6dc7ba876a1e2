/**
 * Opening sessions: when there is none to write under, or the contact has said that it does not know it. At most one a
 * minute and contact, fewer while none is taken, because each costs both sides a key agreement.
 *
 * Owner: Delivery, inside a transaction. What is remembered between openings is in memory: who restarts may open at once.
 */

import {
  type ContactSessions,
  CryptoError,
  initiate,
  KemError,
  NO_SESSIONS,
  type OneTimePrekeyPublic,
  type Primitives,
  verifyBundle,
  withOpened,
} from '../kem/index.ts';
import { equal, wipe } from '../safety/bytes.ts';
import type { ContactId } from './face.ts';
import { REOPEN_MAX_MS, REOPEN_MIN_MS } from './limits.ts';
import type { OwnKeys } from './own-keys.ts';
import type { Peers } from './peers.ts';
import type { SessionStore } from './session-store.ts';

/** Why nothing can be encrypted for a contact now. */
export type OpeningCause = 'no-current-bundle' | 'session-refused';

/** What is remembered of a contact while the process lives. Monotonic milliseconds. */
export interface OpeningMemory {
  /** Transcript of a session that the contact does not know, or that cannot be used any more. */
  refused: Uint8Array | null;
  /** Not before. */
  nextAt: number;
  delayMs: number;
}

export function newOpeningMemory(): OpeningMemory {
  return { refused: null, nextAt: 0, delayMs: REOPEN_MIN_MS };
}

/** The contact has taken something, or may take it now: what was remembered against openings is forgotten. */
export function openingWasTaken(memory: OpeningMemory): void {
  memory.delayMs = REOPEN_MIN_MS;
}

export interface OpeningTimes {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly monotonic: number;
}

export class Openings {
  readonly #p: Primitives;
  readonly #own: OwnKeys;
  readonly #peers: Peers;
  readonly #sessions: SessionStore;

  constructor(p: Primitives, own: OwnKeys, peers: Peers, sessions: SessionStore) {
    this.#p = p;
    this.#own = own;
    this.#peers = peers;
    this.#sessions = sessions;
  }

  /** Whether the live session can be written under, as far as is known. */
  isUsable({ live }: ContactSessions, { refused }: OpeningMemory): boolean {
    return live !== null && !(refused !== null && equal(refused, live.session.transcript));
  }

  /** Sees that there is a session to write under; null: there is. */
  ensure(contact: ContactId, memory: OpeningMemory, times: OpeningTimes): OpeningCause | null {
    if (this.isUsable(this.#sessions.get(contact), memory)) return null;
    if (times.monotonic < memory.nextAt) return 'session-refused';
    if (!this.open(contact, times.now)) return 'no-current-bundle';
    memory.nextAt = times.monotonic + memory.delayMs;
    memory.delayMs = Math.min(2 * memory.delayMs, REOPEN_MAX_MS);
    return null;
  }

  /**
   * A new session to the newest bundle of the contact. False: the bundle is not current, or no key agreement is
   * possible with it. `forgetting`: all others go, and nothing is read under them any more.
   */
  open(
    contact: ContactId,
    now: number,
    options: { readonly oneTimePrekey?: OneTimePrekeyPublic; readonly forgetting?: boolean } = {},
  ): boolean {
    const { bundle, changedTo } = this.#peers.require(contact);
    if (options.forgetting === true) this.#sessions.put(contact, NO_SESSIONS);
    if (changedTo !== null) return false;
    try {
      const peer = verifyBundle(this.#p.provider, bundle, now);
      const { oneTimePrekey } = options;
      const opened = initiate(this.#p, {
        identity: this.#own.identity,
        prekeys: this.#own.newest(now),
        peer,
        now,
        ...(oneTimePrekey === undefined ? {} : { oneTimePrekey }),
      });
      wipe(opened.epochKeys.send, opened.epochKeys.receive);
      this.#sessions.put(contact, withOpened(this.#sessions.get(contact), opened, now));
      return true;
    } catch (error) {
      if (error instanceof KemError || error instanceof CryptoError) return false;
      throw error;
    }
  }
}
