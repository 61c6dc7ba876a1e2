/** What was read from rows of a contact, decoded, and right whatever becomes of a transaction: what it wrote is dropped with it. */

import { toHex } from '../safety/bytes.ts';
import type { Database } from '../store/database.ts';
import type { ContactId } from './face.ts';

export class RowCache<T> {
  readonly #database: Pick<Database, 'onRollback'>;
  readonly #values = new Map<string, T>();

  constructor(database: Pick<Database, 'onRollback'>) {
    this.#database = database;
  }

  get(contact: ContactId, load: () => T): T {
    const name = toHex(contact);
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    const loaded = load();
    this.#values.set(name, loaded);
    return loaded;
  }

  /** What the transaction under way has written. */
  set(contact: ContactId, value: T): void {
    const name = toHex(contact);
    this.#values.set(name, value);
    this.#database.onRollback(() => this.#values.delete(name));
  }

  drop(contact: ContactId): void {
    const name = toHex(contact);
    this.#values.delete(name);
    // another read inside this transaction may have brought the uncommitted state back
    this.#database.onRollback(() => this.#values.delete(name));
  }
}
