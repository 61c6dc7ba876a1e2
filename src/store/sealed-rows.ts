/**
 * Rows in one SQLite file of which the file shows nothing: names are found by HMAC-SHA256, names and values lie in
 * AES-256-GCM under keys that are derived for this file. Hard caps on rows and bytes: what was written longest ago
 * goes first.
 *
 * A row: `row-seal.ts`, the aad being its tag, the plaintext length of the name (2, big-endian) ‖ name ‖ value. The
 * file's header: salt (32) ‖ check (32), which a wrong key does not match.
 *
 * Visible: how many rows, how long each is, in which order they were written. Not noticed: a file that was put back
 * to an earlier state, or rows that were removed. Owner: whoever opened it, alone, until `close`.
 */

import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { equal, u16 } from '../safety/bytes.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { type RandomBytes, systemRandom } from '../safety/random.ts';
import { openFailed, rowTooLarge, writeFailed, wrongStoreKey } from './errors.ts';
import { LOG_PAGES, MAX_ROW_NAME_BYTES, PAGE_CACHE_KIB, WALK_ROWS } from './limits.ts';
import { RowSeal, SEAL_BYTES } from './row-seal.ts';

/** Bytes of a row beside its name and value: the tag it is found by, what sealing adds, length of the name. */
const ROW_BYTES = 32 + SEAL_BYTES + 2;

export interface SealedRowsInit {
  /** File, created where it is missing; ':memory:' for one that ends with the process. */
  readonly path: string;
  /** 32 bytes. Copied; the caller may wipe it. */
  readonly key: Uint8Array;
  readonly maxRows: number;
  /** Of sealed bytes; the file may take up to about twice this. */
  readonly maxBytes: number;
  readonly random?: RandomBytes;
  readonly provider?: Provider;
  /** Whether each write survives a power cut. Default: the last ones may be lost then, never the file. */
  readonly durable?: boolean;
}

interface Row {
  readonly seq: number;
  readonly tag: Uint8Array;
  readonly sealed: Uint8Array;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS header (only INTEGER PRIMARY KEY CHECK (only = 1), salt BLOB NOT NULL, proof BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS rows (seq INTEGER PRIMARY KEY, tag BLOB NOT NULL UNIQUE, sealed BLOB NOT NULL) STRICT;
`;

export class SealedRows {
  readonly #database: DatabaseSync;
  readonly #seal: RowSeal;
  readonly #maxRows: number;
  readonly #maxBytes: number;
  readonly #statements = new Map<string, StatementSync>();
  #rows = 0;
  #bytes = 0;
  #inBatch = false;

  private constructor(database: DatabaseSync, init: SealedRowsInit) {
    this.#database = database;
    this.#maxRows = init.maxRows;
    this.#maxBytes = init.maxBytes;
    this.#seal = this.#header(init);
    this.#count();
  }

  /** Throws StoreError STORE_KEY_WRONG, STORE_DAMAGED, STORE_IN_USE or STORE_UNREADABLE. */
  static open(init: SealedRowsInit): SealedRows {
    if (init.key.length !== 32) throw new RangeError('a store key has 32 bytes');
    if (init.maxRows < 1 || init.maxBytes < 1) throw new RangeError('a store holds at least one row');
    let database: DatabaseSync | undefined;
    try {
      // SQLite gives its log the mode of the file
      if (init.path !== ':memory:') closeSync(openSync(init.path, 'a', 0o600));
      database = new DatabaseSync(init.path);
      database.exec(`
        PRAGMA locking_mode = EXCLUSIVE;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = ${init.durable === true ? 'FULL' : 'NORMAL'};
        PRAGMA secure_delete = ON;
        PRAGMA cache_size = -${PAGE_CACHE_KIB};
        PRAGMA wal_autocheckpoint = ${LOG_PAGES};
        PRAGMA journal_size_limit = ${LOG_PAGES * 4096};
        ${SCHEMA}`);
      return new SealedRows(database, init);
    } catch (error) {
      database?.close();
      throw openFailed(error);
    }
  }

  /** The value, or null where there is none. A damaged row counts as none, and is removed. */
  get(name: Uint8Array): Uint8Array | null {
    const tag = this.#seal.tag(name);
    const row = this.#prepare('SELECT seq, tag, sealed FROM rows WHERE tag = ?').get(tag) as Row | undefined;
    return row === undefined ? null : (this.#open(row)?.[1] ?? null);
  }

  /**
   * Writes a row, which is the youngest then. Returns the names of the rows that had to go for it. Throws StoreError
   * ROW_TOO_LARGE or STORE_WRITE_FAILED, and has changed nothing then.
   */
  put(name: Uint8Array, value: Uint8Array): readonly Uint8Array[] {
    const sizeBytes = ROW_BYTES + name.length + value.length;
    if (name.length > MAX_ROW_NAME_BYTES) throw rowTooLarge(name.length, MAX_ROW_NAME_BYTES);
    if (sizeBytes > this.#maxBytes) throw rowTooLarge(sizeBytes, this.#maxBytes);
    const tag = this.#seal.tag(name);
    const sealed = this.#seal.seal(tag, u16(name.length), name, value);
    return this.batch(() => {
      this.#drop(tag);
      this.#prepare('INSERT INTO rows (tag, sealed) VALUES (?, ?)').run(tag, sealed);
      this.#rows++;
      this.#bytes += sealed.length + tag.length;
      return this.#evict();
    });
  }

  /** Removes a row; a missing one is fine. */
  delete(name: Uint8Array): void {
    const tag = this.#seal.tag(name);
    this.batch(() => this.#drop(tag));
  }

  /** Runs `work` so that all its writes are kept or none. Throws what `work` throws, or STORE_WRITE_FAILED. */
  batch<T>(work: () => T): T {
    if (this.#inBatch) return work();
    this.#database.exec('BEGIN');
    this.#inBatch = true;
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      this.#count();
      // what SQLite throws has a code of its own
      throw (error as { errcode?: number }).errcode === undefined ? error : writeFailed(error);
    } finally {
      this.#inBatch = false;
    }
  }

  /** All rows that were there at the beginning, written longest ago first. Rows may be written meanwhile. */
  *entries(): Generator<[name: Uint8Array, value: Uint8Array]> {
    const { last } = this.#prepare('SELECT coalesce(max(seq), 0) AS last FROM rows').get() as {
      last: number;
    };
    for (let after = 0; ; ) {
      const rows = this.#prepare(
        `SELECT seq, tag, sealed FROM rows WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ${WALK_ROWS}`,
      ).all(after, last) as unknown as Row[];
      for (const row of rows) {
        const opened = this.#open(row);
        if (opened !== null) yield opened;
        after = row.seq;
      }
      if (rows.length < WALK_ROWS) return;
    }
  }

  /** Rows, and sealed bytes, at present. */
  size(): { rows: number; bytes: number } {
    return { rows: this.#rows, bytes: this.#bytes };
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  /** By the salt of this file, which is made where the file is new. */
  #header({ key, random = systemRandom, provider = nodeProvider }: SealedRowsInit): RowSeal {
    const found = this.#prepare('SELECT salt, proof FROM header').get() as
      | { salt: Uint8Array; proof: Uint8Array }
      | undefined;
    const salt = found?.salt ?? random(32);
    const seal = new RowSeal({ key, salt, random, provider });
    if (found !== undefined && !equal(seal.check, found.proof)) throw wrongStoreKey();
    this.#prepare('INSERT OR IGNORE INTO header VALUES (1, ?, ?)').run(salt, seal.check);
    return seal;
  }

  /** Name and value of a row; null where it is damaged, and then it is gone. */
  #open({ tag, sealed }: Row): [Uint8Array, Uint8Array] | null {
    const plain = this.#seal.open(tag, sealed);
    if (plain === null) {
      this.batch(() => this.#drop(tag));
      return null;
    }
    const end = 2 + (((plain[0] as number) << 8) | (plain[1] as number));
    return [plain.slice(2, end), plain.slice(end)];
  }

  /** Removes the rows written longest ago until both caps hold; their names. */
  #evict(): Uint8Array[] {
    const names: Uint8Array[] = [];
    while (this.#rows > this.#maxRows || this.#bytes > this.#maxBytes) {
      const oldest = this.#prepare('SELECT seq, tag, sealed FROM rows ORDER BY seq LIMIT 1').get();
      const row = oldest as unknown as Row;
      const opened = this.#open(row);
      if (opened === null) continue;
      this.#drop(row.tag);
      names.push(opened[0]);
    }
    return names;
  }

  #drop(tag: Uint8Array): void {
    const gone = this.#prepare('DELETE FROM rows WHERE tag = ? RETURNING length(sealed) AS bytes').get(tag);
    if (gone === undefined) return;
    this.#rows--;
    this.#bytes -= (gone as { bytes: number }).bytes + tag.length;
  }

  #count(): void {
    const { rows, bytes } = this.#prepare(
      'SELECT count(*) AS rows, coalesce(sum(length(sealed) + length(tag)), 0) AS bytes FROM rows',
    ).get() as { rows: number; bytes: number };
    this.#rows = rows;
    this.#bytes = bytes;
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
