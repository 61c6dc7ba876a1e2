/**
 * Decoded rows that are needed again and again: the chains and conversations written in lately. Right whatever becomes
 * of a transaction: what one has read or written is dropped when it is undone.
 */

import type { Database } from '../store/database.ts';
import { KEPT_ROWS } from './limits.ts';

export class KeptRows<T> {
  readonly #database: Pick<Database, 'onRollback'>;
  readonly #rows = new Map<string, T>();

  constructor(database: Pick<Database, 'onRollback'>) {
    this.#database = database;
  }

  /** What `load` gives is kept unless it is null. */
  get(name: Uint8Array, load: () => T | null): T | null {
    const key = keyOf(name);
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const loaded = load();
    if (loaded !== null) this.#keep(key, loaded);
    return loaded;
  }

  /** What the transaction under way has written. */
  set(name: Uint8Array, row: T): void {
    this.#keep(keyOf(name), row);
  }

  clear(): void {
    this.#rows.clear();
    this.#database.onRollback(() => this.#rows.clear());
  }

  #keep(key: string, row: T): void {
    if (this.#rows.size >= KEPT_ROWS && !this.#rows.has(key)) this.#rows.clear();
    this.#rows.set(key, row);
    this.#database.onRollback(() => this.#rows.delete(key));
  }
}

function keyOf(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1');
}
