/**
 * The one file of everything durable about people: tables of sealed rows (sealed-table.ts), and transactions over all
 * of them. What a transaction wrote is on disk when it returns, also after a power cut (WAL, synchronous=FULL), or not
 * at all. Everything is synchronous: between two statements of a transaction nothing else runs.
 *
 * File: a header, salt (32) and check (32), as in `sealed-rows.ts`; its layout has a number (migrations.ts). Visible in
 * it: names of tables, how many rows each has, how long they are. Not noticed: a whole file put back to an earlier state.
 *
 * Owner: whoever opened it, alone, until `close`. A backup is written by `backup.ts`, not by copying the file.
 */

import { closeSync, openSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { equal } from '../safety/bytes.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { type RandomBytes, systemRandom } from '../safety/random.ts';
import { foreignFile, openFailed, readFailed, wrongPeopleKey } from './errors.ts';
import { LOG_PAGES, PEOPLE_CACHE_KIB } from './limits.ts';
import { type Migration, migrate, MIGRATIONS } from './migrations.ts';
import { RowSeal } from './row-seal.ts';
import { SealedTable } from './sealed-table.ts';
import { TableSeal } from './table-seal.ts';
import { creationOf } from './table-sql.ts';
import { Transactions } from './transactions.ts';

export interface TableSpec {
  /** `[a-z_]{1,32}`. It stands readable in the file. */
  readonly name: string;
  /** Whether its rows go into a backup. */
  readonly inBackup: boolean;
}

export interface DatabaseInit {
  /** File, created where it is missing; ':memory:' for one that ends with the process. */
  readonly path: string;
  /** 32 bytes. The caller may wipe it afterwards. */
  readonly key: Uint8Array;
  readonly tables: readonly TableSpec[];
  readonly random?: RandomBytes | undefined;
  readonly provider?: Provider | undefined;
  /**
   * Called before and after every statement that writes, every begin and every commit, with what it is: a place to fail
   * in tests. What it throws before a commit undoes the transaction; what it throws after one comes too late for that,
   * and then nothing that was to run after the commit does.
   */
  readonly onStep?: ((step: string) => void) | undefined;
  /** Layouts of the file, in order. Default: those of this version. */
  readonly migrations?: readonly Migration[] | undefined;
}

type DatabaseSpec = Pick<DatabaseInit, 'path' | 'tables' | 'onStep'>;

export class Database {
  /** As they were declared. */
  readonly tables: readonly TableSpec[];
  readonly #sqlite: DatabaseSync;
  readonly #transactions: Transactions;
  readonly #tables = new Map<string, SealedTable>();
  readonly #seals = new Map<string, TableSeal>();
  readonly #path: string;

  private constructor(sqlite: DatabaseSync, { path, tables, onStep = () => {} }: DatabaseSpec) {
    this.#sqlite = sqlite;
    this.#path = path;
    this.tables = tables;
    this.#transactions = new Transactions(sqlite, onStep);
  }

  /**
   * Opens or creates the file. Throws StoreError STORE_KEY_WRONG, STORE_DAMAGED, STORE_IN_USE, STORE_UNREADABLE,
   * STORE_TOO_NEW or STORE_UPGRADE_FAILED, and has changed nothing then.
   */
  static open(init: DatabaseInit): Database {
    requireSound(init);
    let sqlite: DatabaseSync | undefined;
    try {
      // SQLite gives its log the mode of the file
      if (init.path !== ':memory:') closeSync(openSync(init.path, 'a', 0o600));
      sqlite = new DatabaseSync(init.path);
      sqlite.exec(`
        PRAGMA locking_mode = EXCLUSIVE;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA secure_delete = ON;
        PRAGMA cache_size = -${PEOPLE_CACHE_KIB};
        PRAGMA wal_autocheckpoint = ${LOG_PAGES};
        PRAGMA journal_size_limit = ${LOG_PAGES * 4096}`);
      const database = new Database(sqlite, init);
      database.#prepare(init);
      // left by a crash; the file is ours alone by now
      if (init.path !== ':memory:') removeSnapshot(init.path);
      return database;
    } catch (error) {
      sqlite?.close();
      // of SQLite or the file system; anything else is a defect, or a test's way to fail
      throw (error as NodeJS.ErrnoException).code === undefined ? error : openFailed(error);
    }
  }

  /** Throws RangeError for one that was not declared. */
  table(name: string): SealedTable {
    const table = this.#tables.get(name);
    if (table === undefined) throw new RangeError(`the table ${name} was not declared`);
    return table;
  }

  /**
   * Runs `work` so that all its writes are kept or none, and returns when they are on disk. One inside another is a
   * part of it: it is kept with the outer one, and when it throws, only its own writes are undone, and the outer one may
   * catch that and go on. Throws what `work` throws, or StoreError STORE_WRITE_FAILED, or TypeError where `work` returns
   * a promise; and, after a commit, the first error of what was to run after it.
   */
  transaction<T>(work: () => T): T {
    return this.#transactions.transaction(work);
  }

  /** Runs `work` after the outermost commit, never where it fails; outside a transaction at once. */
  afterCommit(work: () => void): void {
    this.#transactions.afterCommit(work);
  }

  /** Runs `work` when this transaction (or nested part) is undone, what was asked for last first; outside one, never. */
  onRollback(work: () => void): void {
    this.#transactions.onRollback(work);
  }

  /**
   * The rows as they are now, in a file of their own beside this one, sealed as they were; it is removed by `remove`.
   * Takes as long as copying the file does, and nothing else runs meanwhile. Not in a transaction, and not ':memory:'.
   */
  snapshot(): { readonly database: Database; readonly remove: () => void } {
    const path = snapshotOf(this.#path);
    const remove = (): void => removeSnapshot(this.#path);
    remove(); // left by a failure
    try {
      closeSync(openSync(path, 'wx', 0o600));
      this.#sqlite.prepare('VACUUM INTO ?').run(path);
      const sqlite = new DatabaseSync(path);
      const database = new Database(sqlite, { path, tables: this.tables });
      for (const [name, seal] of this.#seals) {
        database.#tables.set(name, new SealedTable(name, database.#transactions, seal));
      }
      return {
        database,
        remove: () => {
          database.close();
          remove();
        },
      };
    } catch (error) {
      remove();
      throw readFailed(error);
    }
  }

  /** Twice is fine. */
  close(): void {
    if (this.#sqlite.isOpen) this.#sqlite.close();
  }

  /** Checks the key, brings the file to this version's layout and makes what tables are missing. */
  #prepare({
    key,
    migrations = MIGRATIONS,
    provider = nodeProvider,
    random = systemRandom,
  }: DatabaseInit): void {
    const version = this.#number('PRAGMA user_version');
    if (version === 0 && this.#number('SELECT count(*) FROM sqlite_schema') > 0) throw foreignFile();
    let salt: Uint8Array | undefined;
    const tableOf = (name: string): SealedTable => {
      salt ??= this.#header(key, provider, random);
      for (const sql of creationOf(name)) this.#sqlite.exec(sql);
      const seal = new TableSeal({ key, salt, table: name, provider, random });
      this.#seals.set(name, seal);
      return new SealedTable(name, this.#transactions, seal);
    };
    // before anything is changed with a wrong one
    if (version > 0) salt = this.#header(key, provider, random);
    migrate(version, migrations, {
      run: (sql) => this.#sqlite.exec(sql),
      table: tableOf,
      transaction: (work) => this.transaction(work),
    });
    this.transaction(() => {
      for (const { name } of this.tables) this.#tables.set(name, tableOf(name));
    });
  }

  /** The salt of the file, made where it is new. */
  #header(key: Uint8Array, provider: Provider, random: RandomBytes): Uint8Array {
    const found = this.#sqlite.prepare('SELECT salt, proof FROM header').get() as
      | { salt: Uint8Array; proof: Uint8Array }
      | undefined;
    const salt = found?.salt ?? random(32);
    const { check } = new RowSeal({ key, salt, random, provider });
    if (found === undefined) this.#sqlite.prepare('INSERT INTO header VALUES (1, ?, ?)').run(salt, check);
    else if (!equal(check, found.proof)) throw wrongPeopleKey();
    return salt;
  }

  #number(sql: string): number {
    const [value] = Object.values(this.#sqlite.prepare(sql).get() ?? {});
    return Number(value);
  }
}

function snapshotOf(path: string): string {
  return `${path}.snapshot`;
}

/** With what SQLite keeps beside it while it is written. */
function removeSnapshot(path: string): void {
  for (const end of ['', '-journal', '-wal', '-shm']) rmSync(`${snapshotOf(path)}${end}`, { force: true });
}

function requireSound({ key, tables }: DatabaseInit): void {
  if (key.length !== 32) throw new RangeError('a store key has 32 bytes');
  const names = new Set(tables.map(({ name }) => name));
  if (names.size < tables.length) throw new RangeError('two tables of one name');
  for (const name of names) {
    if (!/^[a-z_]{1,32}$/.test(name)) throw new RangeError('a table is named by 1 to 32 of a-z and _');
  }
}
