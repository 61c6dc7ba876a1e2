/**
 * The own identity, its prekeys and one-time prekeys, and which first contacts were accepted under them: rows of the
 * tables `identity` (in backups), `prekeys`, `one_time` and `replay` (never: after a restore it is not known what they
 * have accepted, so new ones are made). docs/embed.md lists these duties.
 *
 * Owner: Delivery, which calls everything inside a transaction. Erasure is best effort.
 */

import {
  decodeIdentity,
  decodePrekeys,
  encodeIdentity,
  encodePrekeys,
  erasureDue,
  generateIdentity,
  generateOneTimePrekey,
  generatePrekeys,
  Identity,
  type OneTimePrekey,
  type OneTimePrekeyPublic,
  Prekeys,
  type Primitives,
  publicOneTimePrekey,
  rotationDue,
  wipeIdentity,
} from '../kem/index.ts';
import { utf8, wipe } from '../safety/bytes.ts';
import type { Database } from '../store/database.ts';
import type { SealedTable } from '../store/sealed-table.ts';
import { FieldReader, FieldWriter } from '../wire/fields.ts';
import { CountTags } from './count-tag.ts';
import { FULL_ROTATE_MS, MAX_REPLAYS, MAX_STRANGER_REPLAYS, WALK_ROWS } from './limits.ts';

const IDENTITY_NAME = utf8('identity');
const VERSION = 1;

export class OwnKeys {
  readonly identity: Identity;
  readonly tags: CountTags;
  readonly #database: Database;
  readonly #p: Primitives;
  readonly #prekeyRows: SealedTable;
  readonly #oneTimeRows: SealedTable;
  readonly #replayRows: SealedTable;
  /** As saved, newest first; dropped when a transaction that changed it is undone. */
  #sets: readonly Prekeys[] | null = null;

  /** Makes the identity the first time. */
  constructor(database: Database, p: Primitives) {
    this.#database = database;
    this.#p = p;
    this.#prekeyRows = database.table('prekeys');
    this.#oneTimeRows = database.table('one_time');
    this.#replayRows = database.table('replay');
    const { identity, tags } = loadIdentity(database, p);
    this.identity = identity;
    this.tags = tags;
  }

  /** The newest set, made where it is due, or full, at `now` (milliseconds since 1970). In a transaction. */
  newest(now: number): Prekeys {
    const [newest] = this.sets();
    if (newest !== undefined && !rotationDue(newest, now) && !this.#isUsedUp(newest, now)) return newest;
    const made = generatePrekeys(this.#p, this.identity, this.sets(), now);
    this.#prekeyRows.put({ name: nameOf(made.id), value: encodePrekeys(made.secrets), alias: null });
    this.#change([made, ...this.sets()]);
    return made;
  }

  /** All sets that are kept, newest first. */
  sets(): readonly Prekeys[] {
    this.#sets ??= this.#prekeyRows
      .page({ limit: WALK_ROWS })
      .map(({ value }) => new Prekeys(this.#p.provider, decodePrekeys(value)));
    return this.#sets;
  }

  /** Erases what is past its time, with what was accepted under it. In a transaction. */
  eraseDue(now: number): void {
    const due = this.sets().filter((set) => erasureDue(set, now));
    if (due.length === 0) return;
    for (const { id } of due) {
      this.#prekeyRows.delete(nameOf(id));
      this.#replayRows.deleteScope(nameOf(id));
    }
    this.#change(this.sets().filter((set) => !due.includes(set)));
    this.#database.afterCommit(() => {
      for (const set of due) set.erase();
    });
  }

  newOneTimePrekey(): OneTimePrekeyPublic {
    const taken = this.#oneTimeRows
      .page({ limit: 1_000 })
      .map(({ name }) => new FieldReader('id', name).u32());
    const made = generateOneTimePrekey(this.#p, taken);
    const value = new FieldWriter().u8(VERSION).bytes(made.secret).done();
    this.#oneTimeRows.put({ name: nameOf(made.id), value, alias: null });
    const given = publicOneTimePrekey(this.#p.provider, made);
    wipe(made.secret, value);
    return given;
  }

  oneTimePrekey(id: number): OneTimePrekey | null {
    const row = this.#oneTimeRows.get(nameOf(id));
    return row === null ? null : { id, secret: row.value.subarray(1) };
  }

  dropOneTimePrekey(id: number): void {
    if (id !== 0) this.#oneTimeRows.delete(nameOf(id));
  }

  isReplayed(replayId: Uint8Array): boolean {
    return this.#replayRows.has(replayId);
  }

  /** Whether no more first contacts can be accepted under this set; strangers get a part of it. */
  isFull(prekeyId: number, isStranger: boolean): boolean {
    const most = isStranger ? MAX_STRANGER_REPLAYS : MAX_REPLAYS;
    return this.#replayRows.count(nameOf(prekeyId)) >= most;
  }

  /** Refuses this first contact from now on, as long as the set is kept. In the transaction that accepts it. */
  keepReplay(replayId: Uint8Array, prekeyId: number): void {
    this.#replayRows.put({
      name: replayId,
      scope: nameOf(prekeyId),
      alias: null,
      value: Uint8Array.of(VERSION),
    });
  }

  /** At most so often that all sets that are kept can be tried with an opening. */
  #isUsedUp({ id, issued }: Prekeys, now: number): boolean {
    return now - issued * 1000 >= FULL_ROTATE_MS && this.isFull(id, true);
  }

  #change(sets: readonly Prekeys[]): void {
    this.#sets = sets;
    this.#database.onRollback(() => {
      this.#sets = null;
    });
  }
}

function loadIdentity(database: Database, p: Primitives): { identity: Identity; tags: CountTags } {
  return database.transaction(() => {
    const rows = database.table('identity');
    const row = rows.get(IDENTITY_NAME);
    const secrets = row === null ? generateIdentity(p) : decodeIdentity(row.value);
    if (row === null) rows.put({ name: IDENTITY_NAME, value: encodeIdentity(secrets), alias: null });
    const identity = new Identity(p.provider, secrets);
    const tags = new CountTags(p.provider, secrets.edSeed);
    wipeIdentity(secrets);
    return { identity, tags };
  });
}

function nameOf(id: number): Uint8Array {
  return new FieldWriter().u32(id).done();
}
