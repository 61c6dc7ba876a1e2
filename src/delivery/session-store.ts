/**
 * The sessions with each contact, decoded once and kept, and their skipped keys, a row each. Tables `session` (one row
 * for the contact, one for each session, named by its transcript) and `skipped`. Never in backups.
 *
 * A state that was replaced is erased after the commit, best effort. A transaction that is undone leaves the rows, and
 * what is cached of them is read anew.
 */

import {
  type ContactSessions,
  decodeContact,
  decodeSession,
  encodeContact,
  encodeSession,
  eraseReplacedSessions,
  NO_SESSIONS,
  type Session,
  sessionsGone,
  type SkippedChanges,
  type SkippedKey,
  type SkippedKeys,
} from '../kem/index.ts';
import { allSessions, findSession } from '../kem/contact.ts';
import { concat } from '../safety/bytes.ts';
import type { Database } from '../store/database.ts';
import type { SealedTable } from '../store/sealed-table.ts';
import { FieldReader, FieldWriter } from '../wire/fields.ts';
import type { ContactId } from './face.ts';
import { WALK_ROWS } from './limits.ts';
import { RowCache } from './row-cache.ts';

const VERSION = 1;
const KEY_BYTES = 32;
/** A row without a key: it was there and is too old. So "too old" is told from "used". */
const LAPSED = Uint8Array.of(VERSION);

/** What one decryption has looked for. */
export class SkippedLook implements SkippedKeys {
  /** Whether a key was asked for that was there or never there; false: nothing was asked, or it is too old. */
  wasUsed = false;
  readonly #read: (chain: number, n: number) => Uint8Array | null;
  readonly #now: number;

  constructor(read: (chain: number, n: number) => Uint8Array | null, now: number) {
    this.#read = read;
    this.#now = now;
  }

  get(chain: number, n: number): SkippedKey | null {
    const row = this.#read(chain, n);
    this.wasUsed = row === null;
    if (row === null || row.length === LAPSED.length) return null;
    const reader = new FieldReader('skipped', row.subarray(1));
    const found = { key: reader.bytes(KEY_BYTES), expiresAt: reader.u48() };
    return found.expiresAt <= this.#now ? null : found;
  }
}

export class SessionStore {
  readonly #database: Database;
  readonly #rows: SealedTable;
  readonly #skipped: SealedTable;
  readonly #cache: RowCache<ContactSessions>;

  constructor(database: Database) {
    this.#database = database;
    this.#rows = database.table('session');
    this.#skipped = database.table('skipped');
    this.#cache = new RowCache(database);
  }

  get(contact: ContactId): ContactSessions {
    return this.#cache.get(contact, () => {
      const row = this.#rows.get(contact);
      if (row === null) return NO_SESSIONS;
      return decodeContact(row.value, (transcript) => {
        const session = this.#rows.get(transcript);
        return session === null ? null : decodeSession(session.value);
      });
    });
  }

  /** Replaces what is there, in a transaction; `steps` are states in between, which are erased too. */
  put(contact: ContactId, after: ContactSessions, steps: readonly ContactSessions[] = []): void {
    const before = this.get(contact);
    if (before === after) return;
    for (const { session } of allSessions(after)) {
      if (findSession(before, session.transcript)?.session === session) continue;
      this.#rows.put({
        name: session.transcript,
        value: encodeSession(session),
        scope: contact,
        alias: null,
      });
    }
    for (const session of sessionsGone(before, after)) this.#drop(session);
    if (after.peer === null) this.#rows.delete(contact);
    else this.#rows.put({ name: contact, value: encodeContact(after), scope: contact, alias: null });
    this.#cache.set(contact, after);
    this.#database.afterCommit(() => {
      let last = before;
      for (const step of [...steps, after]) {
        eraseReplacedSessions(last, step);
        last = step;
      }
    });
  }

  forget(contact: ContactId): void {
    this.put(contact, NO_SESSIONS);
  }

  look(transcript: Uint8Array, now: number): SkippedLook {
    return new SkippedLook(
      (chain, n) => this.#skipped.get(keyName(transcript, chain, n))?.value ?? null,
      now,
    );
  }

  applySkipped(transcript: Uint8Array, changes: SkippedChanges): void {
    for (const chain of changes.droppedChains) this.#skipped.deleteScope(chainName(transcript, chain));
    if (changes.droppedBelow !== null) this.#dropBelow(transcript, changes.droppedBelow);
    if (changes.used !== null) {
      this.#skipped.delete(keyName(transcript, changes.used.chain, changes.used.n));
    }
    for (const { chain, n, key, expiresAt } of changes.added) {
      this.#skipped.put({
        name: keyName(transcript, chain, n),
        scope: chainName(transcript, chain),
        alias: null,
        value: new FieldWriter().u8(VERSION).bytes(key, KEY_BYTES).u48(expiresAt).done(),
      });
    }
  }

  /** Drops the keys that are too old at `now`; that they were there stays until their chain goes. */
  lapse(now: number): void {
    for (let after = 0; ; ) {
      const rows = this.#skipped.page({ after, limit: WALK_ROWS });
      this.#database.transaction(() => {
        for (const { name, scope, value } of rows) {
          if (value.length === LAPSED.length) continue;
          const expiresAt = new FieldReader('skipped', value.subarray(1 + KEY_BYTES)).u48();
          if (expiresAt <= now) this.#skipped.put({ name, scope, alias: null, value: LAPSED });
        }
      });
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.seq;
    }
  }

  /** Keys are added in the order of their numbers, so those that go are the first. */
  #dropBelow(
    transcript: Uint8Array,
    { chain, n: bound }: { readonly chain: number; readonly n: number },
  ): void {
    for (;;) {
      const rows = this.#skipped.page({ scope: chainName(transcript, chain), after: 0, limit: WALK_ROWS });
      const gone = rows.filter(({ name }) => new FieldReader('skipped', name.subarray(-4)).u32() < bound);
      for (const { name } of gone) this.#skipped.delete(name);
      if (gone.length < WALK_ROWS) return;
    }
  }

  #drop({ transcript, receiving, oldChains }: Session): void {
    this.#rows.delete(transcript);
    const chains = receiving === null ? oldChains : [...oldChains, receiving];
    for (const { id } of chains) this.#skipped.deleteScope(chainName(transcript, id));
  }
}

function chainName(transcript: Uint8Array, chain: number): Uint8Array {
  return concat(transcript, new FieldWriter().u32(chain).done());
}

function keyName(transcript: Uint8Array, chain: number, n: number): Uint8Array {
  return concat(chainName(transcript, chain), new FieldWriter().u32(n).done());
}
