/**
 * A small table whose rows are all kept decoded in memory, in the order in which they were first written: the friends
 * book is read at every knock and login, and holds a few hundred rows.
 *
 * Memory follows the database: what a transaction that is undone has changed is read again from the file.
 */

import { toHex } from '../safety/bytes.ts';
import type { Database } from '../store/database.ts';
import type { SealedTable } from '../store/sealed-table.ts';

/** How rows of a table are named and written. `decode` throws MalformedError. */
export interface RowFormat<Row> {
  readonly nameOf: (row: Row) => Uint8Array;
  readonly encode: (row: Row) => Uint8Array;
  readonly decode: (name: Uint8Array, value: Uint8Array) => Row;
}

/** Rows read at once. */
const PAGE_ROWS = 100;

export class KeptRows<Row> {
  readonly #database: Pick<Database, 'onRollback'>;
  readonly #table: SealedTable;
  readonly #format: RowFormat<Row>;
  /** By hex of the name; null: has to be read. */
  #rows: Map<string, Row> | null = null;

  constructor(database: Pick<Database, 'table' | 'onRollback'>, table: string, format: RowFormat<Row>) {
    this.#database = database;
    this.#table = database.table(table);
    this.#format = format;
  }

  get(name: Uint8Array): Row | null {
    return this.#all().get(toHex(name)) ?? null;
  }

  /** As they are now: later changes do not change the array. */
  list(): Row[] {
    return [...this.#all().values()];
  }

  /** Writes a new row, or the new state of one. Returns it. */
  put(row: Row): Row {
    const rows = this.#all();
    const name = this.#format.nameOf(row);
    this.#database.onRollback(this.#forget);
    this.#table.put({ name, value: this.#format.encode(row) });
    rows.set(toHex(name), row);
    return row;
  }

  delete(name: Uint8Array): void {
    const rows = this.#all();
    this.#database.onRollback(this.#forget);
    this.#table.delete(name);
    rows.delete(toHex(name));
  }

  readonly #forget = (): void => {
    this.#rows = null;
  };

  #all(): Map<string, Row> {
    if (this.#rows !== null) return this.#rows;
    const rows = new Map<string, Row>();
    for (let after = 0; ; ) {
      const page = this.#table.page({ after, limit: PAGE_ROWS });
      for (const { name, value } of page) rows.set(toHex(name), this.#format.decode(name, value));
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.seq;
    }
    this.#rows = rows;
    return rows;
  }
}
