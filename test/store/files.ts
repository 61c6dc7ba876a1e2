/** What the tests of databases share: a directory that goes away, and databases in it that are closed. */

import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'node:test';
import { utf8 } from '../../src/safety/bytes.ts';
import { Database, type DatabaseInit } from '../../src/store/database.ts';
import type { StoredRow } from '../../src/store/sealed-table.ts';

export const KEY = new Uint8Array(32).fill(5);

export interface Files {
  /** A new one for each test. */
  readonly dir: string;
  open(init?: Partial<DatabaseInit>): Database;
  /** A copy of the files as they are now: what a crash would leave. */
  crashed(init?: Partial<DatabaseInit>): Database;
  /** All bytes that lie in the directory. */
  bytes(): Buffer;
}

/** To be called once at the top of a test file. */
export function files(): Files {
  let dir = '';
  let copies = 0;
  const opened: Database[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'kith-store-'));
  });
  afterEach(() => {
    for (const database of opened.splice(0)) database.close();
    rmSync(dir, { recursive: true });
  });
  const open = (init: Partial<DatabaseInit> = {}): Database => {
    const tables = [
      { name: 'message', inBackup: true },
      { name: 'session', inBackup: false },
    ];
    const database = Database.open({ path: join(dir, 'people.db'), key: KEY, tables, ...init });
    opened.push(database);
    return database;
  };
  return {
    get dir() {
      return dir;
    },
    open,
    crashed(init = {}) {
      const path = join(dir, `copy-${copies++}.db`);
      for (const end of ['', '-wal']) {
        const from = join(dir, `people.db${end}`);
        if (existsSync(from)) copyFileSync(from, path + end);
      }
      return open({ path, ...init });
    },
    bytes: () => Buffer.concat(readdirSync(dir).map((name) => readFileSync(join(dir, name)))),
  };
}

/** `name=value`, of rows of text. */
export function shown(rows: readonly StoredRow[]): string[] {
  return rows.map(({ name, value }) => `${Buffer.from(name).toString()}=${Buffer.from(value).toString()}`);
}

/** Puts rows of text named as they are, each with its name as value. */
export function putAll(database: Database, table: string, names: string): void {
  for (const name of names.split(' ')) database.table(table).put({ name: utf8(name), value: utf8(name) });
}
