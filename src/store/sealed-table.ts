/**
 * One table of a {@link Database}: sealed rows with a name, a scope (what they belong to), an alias (a second name,
 * where they have one) and a place in an order. Rows cannot be read, changed, moved to another place, name or table,
 * and neither can their scope and alias.
 *
 * Row: `table-seal.ts`. Visible: how many rows, how long each is, which belong together, their order. Not noticed: a
 * row that was removed, or put back to what it was before. Owner of everything: the database, alone, until its `close`.
 *
 * Whatever is read and does not open is STORE_DAMAGED, always: who takes a damaged identity for none would make another.
 */

import type { StatementSync } from 'node:sqlite';
import { equal } from '../safety/bytes.ts';
import { readFailed, rowDamaged, rowTooLarge } from './errors.ts';
import { MAX_PAGE_ROWS, MAX_ROW_NAME_BYTES, MAX_VALUE_BYTES } from './limits.ts';
import type { StoredRow } from './stored-row.ts';
import type { TableSeal } from './table-seal.ts';
import { sqlOf } from './table-sql.ts';

export type { StoredRow } from './stored-row.ts';

export interface RowToPut {
  /** At most {@link MAX_ROW_NAME_BYTES}, as scope and alias. */
  readonly name: Uint8Array;
  /** At most {@link MAX_VALUE_BYTES}. */
  readonly value: Uint8Array;
  /** Left out: what the row has already; empty for a new one. */
  readonly scope?: Uint8Array | undefined;
  /** Left out: what the row has already; null for a new one. No other row of the table may have it. */
  readonly alias?: Uint8Array | null | undefined;
  /** Only for a new row, and of use only to a restore: its place. */
  readonly seq?: number | undefined;
}

export interface PageOptions {
  /** Only rows of this scope. Default: all. */
  readonly scope?: Uint8Array | undefined;
  /** Only rows before this place, newest first; the default order, from the end. */
  readonly before?: number | undefined;
  /** Only rows behind this place, oldest first. */
  readonly after?: number | undefined;
  /** Rows, 1 to {@link MAX_PAGE_ROWS}. */
  readonly limit: number;
}

/** What a table needs of its database. */
export interface Statements {
  /** Prepared once. */
  prepare(sql: string): StatementSync;
  /** Runs one writing statement, in the transaction under way or in one of its own. */
  write<T>(step: string, run: () => T): T;
  /** How often something was undone so far: what was remembered of the file before may be wrong. */
  readonly undone: number;
  /** Several statements that belong together. */
  together<T>(work: () => T): T;
}

interface Row {
  readonly seq: number;
  readonly tag: Uint8Array;
  readonly sealed: Uint8Array;
}

/** Where a row lies, and by what else it is found. */
interface FoundPlace {
  readonly seq: number;
  readonly scope: Uint8Array;
  readonly alias: Uint8Array | null;
}

/** Sorts behind every place. */
const END = Number.MAX_SAFE_INTEGER;

export class SealedTable {
  readonly name: string;
  readonly #statements: Statements;
  readonly #seal: TableSeal;
  readonly #sql: ReturnType<typeof sqlOf>;
  /** Highest place given so far, also to rows that are gone, as of `#lastUndone`. */
  #last = 0;
  #lastUndone = -1;

  constructor(name: string, statements: Statements, seal: TableSeal) {
    this.name = name;
    this.#statements = statements;
    this.#seal = seal;
    this.#sql = sqlOf(name);
  }

  /**
   * Writes a row: a new one behind all that ever were, or in place of the one of that name, which keeps its place.
   * Returns the place. Throws StoreError ROW_TOO_LARGE or STORE_WRITE_FAILED, RangeError for an alias of another row.
   */
  put({ name, value, scope, alias, seq: place }: RowToPut): number {
    requireFits(name, MAX_ROW_NAME_BYTES);
    requireFits(scope, MAX_ROW_NAME_BYTES);
    requireFits(alias, MAX_ROW_NAME_BYTES);
    requireFits(value, MAX_VALUE_BYTES);
    const tag = this.#seal.tag(name);
    return this.#statements.together(() => {
      const found = this.#placeOf(tag);
      // the row as it was is read only for what it has to tell
      const old = found !== undefined && (scope === undefined || alias === undefined) ? this.get(name) : null;
      const whole = { name, value, scope: scope ?? old?.scope ?? NONE, alias: orOld(alias, old) };
      const seq = found?.seq ?? place ?? this.lastSeq() + 1;
      this.#last = Math.max(this.lastSeq(), seq);
      const sealed = this.#seal.seal(tag, seq, whole);
      const scopeTag = this.#seal.scopeTag(whole.scope);
      const aliasTag = whole.alias === null ? null : this.#seal.aliasTag(whole.alias);
      if (found === undefined)
        this.#write('insert', this.#sql.insert, [tag, scopeTag, aliasTag, sealed, seq]);
      else if (equal(found.scope, scopeTag) && isSame(found.alias, aliasTag)) {
        this.#write('update', this.#sql.reseal, [sealed, seq]);
      } else this.#write('update', this.#sql.update, [scopeTag, aliasTag, sealed, seq]);
      return seq;
    });
  }

  get(name: Uint8Array): StoredRow | null {
    return this.#opened(this.#sql.byTag, this.#seal.tag(name));
  }

  getByAlias(alias: Uint8Array): StoredRow | null {
    const row = this.#opened(this.#sql.byAlias, this.#seal.aliasTag(alias));
    if (row !== null && !(row.alias !== null && equal(row.alias, alias))) throw rowDamaged();
    return row;
  }

  getBySeq(seq: number): StoredRow | null {
    return this.#opened(this.#sql.bySeq, seq);
  }

  /** Whether there is a row of that name; its content is not looked at. */
  has(name: Uint8Array): boolean {
    return this.#placeOf(this.#seal.tag(name)) !== undefined;
  }

  /** Whether there was one. */
  delete(name: Uint8Array): boolean {
    return this.#remove(this.#sql.delete, this.#seal.tag(name)) > 0;
  }

  /** Removes all rows of a scope; how many. */
  deleteScope(scope: Uint8Array): number {
    return this.#remove(this.#sql.deleteScope, this.#seal.scopeTag(scope));
  }

  /** Rows in order; all of them in memory, so ask for few large ones. */
  page({ scope, before, after, limit }: PageOptions): StoredRow[] {
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE_ROWS)
      throw new RangeError('a page of no rows');
    const scoped = scope === undefined ? '' : 'scope = ? AND';
    const order = after === undefined ? 'DESC' : 'ASC';
    const sql = `${this.#sql.select} ${scoped} seq > ? AND seq < ? ORDER BY seq ${order} LIMIT ?`;
    const bounds = [after ?? 0, before ?? END, limit];
    const rows = this.#read(() =>
      this.#statements
        .prepare(sql)
        .all(...(scope === undefined ? bounds : [this.#seal.scopeTag(scope), ...bounds])),
    ) as unknown as Row[];
    return rows.map((row) => {
      const opened = this.#open(row);
      if (scope !== undefined && !equal(opened.scope, scope)) throw rowDamaged();
      return opened;
    });
  }

  /** Rows, of one scope or all. Counts them one by one: not for a loop over a large table. */
  count(scope?: Uint8Array): number {
    return scope === undefined
      ? this.#number(this.#sql.count)
      : this.#number(this.#sql.countScope, this.#seal.scopeTag(scope));
  }

  /** The highest place given so far, 0 before the first; every later row is behind it. */
  lastSeq(): number {
    const { undone } = this.#statements;
    if (undone !== this.#lastUndone) this.#last = this.#number(this.#sql.last);
    this.#lastUndone = undone;
    return this.#last;
  }

  /** No later row gets a place up to `seq`. For a restore, so that places of rows that were removed stay unused. */
  skipTo(seq: number): void {
    for (const sql of this.#sql.skip) {
      this.#statements.write(`skip ${this.name}`, () => this.#statements.prepare(sql).run(seq));
    }
    this.#last = Math.max(this.lastSeq(), seq);
  }

  #placeOf(tag: Uint8Array): FoundPlace | undefined {
    return this.#read(() => this.#statements.prepare(this.#sql.place).get(tag)) as FoundPlace | undefined;
  }

  #write(kind: 'insert' | 'update', sql: string, columns: (Uint8Array | number | null)[]): void {
    this.#statements.write(`${kind} ${this.name}`, () => this.#statements.prepare(sql).run(...columns));
  }

  #remove(sql: string, tag: Uint8Array): number {
    const { changes } = this.#statements.write(`delete ${this.name}`, () =>
      this.#statements.prepare(sql).run(tag),
    );
    return Number(changes);
  }

  #opened(sql: string, key: Uint8Array | number): StoredRow | null {
    const row = this.#row(sql, key);
    return row === undefined ? null : this.#open(row);
  }

  #row(sql: string, key: Uint8Array | number): Row | undefined {
    return this.#read(() => this.#statements.prepare(sql).get(key)) as Row | undefined;
  }

  #open(row: Row): StoredRow {
    return this.#seal.open(row) ?? fail();
  }

  #number(sql: string, ...keys: Uint8Array[]): number {
    const found = this.#read(() => this.#statements.prepare(sql).get(...keys)) as { n: number } | undefined;
    return found?.n ?? 0;
  }

  #read<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw readFailed(error);
    }
  }
}

const NONE = new Uint8Array(0);

function fail(): never {
  throw rowDamaged();
}

function isSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equal(a, b);
}

/** Null is a choice of the caller, undefined is none. */
function orOld(alias: Uint8Array | null | undefined, old: StoredRow | null): Uint8Array | null {
  return alias === undefined ? (old?.alias ?? null) : alias;
}

function requireFits(bytes: Uint8Array | null | undefined, maxBytes: number): void {
  if ((bytes?.length ?? 0) > maxBytes) throw rowTooLarge(bytes?.length ?? 0, maxBytes);
}
