/**
 * What is remembered of reaching contacts: when they were reached last, how often it failed since, when to try again.
 * Rows of table `reach`, which is not in backups: name = kind of way 1 ‖ contact 48; value = version 1 ‖ last reached 6
 * (0: never) ‖ failures 2 ‖ next try 6 (ms since 1970, 0: no time).
 *
 * Held in memory, written through. A write that fails is only logged: the memory of it is worth no broken link.
 */

import type { ContactId } from '../../delivery/face.ts';
import { concat, toHex } from '../../safety/bytes.ts';
import { MalformedError } from '../../safety/errors.ts';
import { type Log, silent } from '../../safety/log.ts';
import type { Database, TableSpec } from '../../store/database.ts';
import { FieldReader, FieldWriter } from '../../wire/fields.ts';
import { codeOf } from './errors.ts';
import { REACHED_SAVE_MS } from './limits.ts';

const VERSION = 1;
const WAYS = { link: 1, door: 2 } as const;
const CONTACT_BYTES = 48;

export const REACH_TABLE: TableSpec = { name: 'reach', inBackup: false };

export interface Reached {
  /** Wall ms; null: never. */
  readonly lastAt: number | null;
  /** Failures in a row, at most 65,535. */
  readonly failures: number;
  /** Wall ms before which not to try again; null: at once. */
  readonly nextTryAt: number | null;
}

const UNKNOWN: Reached = { lastAt: null, failures: 0, nextTryAt: null };

export class Reach {
  readonly #table: ReturnType<Database['table']>;
  readonly #way: number;
  readonly #log: Log;
  readonly #rows = new Map<string, Reached>();
  /** The last-reached time that is in the table, or will be after the next try. */
  readonly #savedAt = new Map<string, number>();

  constructor(database: Pick<Database, 'table'>, way: keyof typeof WAYS, log: Log = silent) {
    this.#table = database.table(REACH_TABLE.name);
    this.#way = WAYS[way];
    this.#log = log;
  }

  of(contact: ContactId): Reached {
    const id = toHex(contact);
    const known = this.#rows.get(id);
    if (known !== undefined) return known;
    const read = this.#read(contact);
    this.#rows.set(id, read);
    return read;
  }

  save(contact: ContactId, reached: Reached): void {
    const id = toHex(contact);
    this.#rows.set(id, reached);
    this.#savedAt.set(id, reached.lastAt ?? 0);
    const value = new FieldWriter()
      .u8(VERSION)
      .u48(Math.floor(reached.lastAt ?? 0))
      .u16(Math.min(reached.failures, 65_535))
      .u48(Math.ceil(reached.nextTryAt ?? 0))
      .done();
    this.#try(() => this.#table.put({ name: this.#nameOf(contact), value }));
  }

  /** A proven frame came at `now` (wall ms). Written down only now and then: `isNew` or {@link REACHED_SAVE_MS} later. */
  touch(contact: ContactId, now: number, isNew = false): void {
    const id = toHex(contact);
    const row = { ...this.of(contact), lastAt: now };
    this.#rows.set(id, row);
    const savedAt = this.#savedAt.get(id);
    if (isNew || savedAt === undefined || Math.abs(now - savedAt) >= REACHED_SAVE_MS) this.save(contact, row);
  }

  forget(contact: ContactId): void {
    const id = toHex(contact);
    this.#rows.delete(id);
    this.#savedAt.delete(id);
    this.#try(() => this.#table.delete(this.#nameOf(contact)));
  }

  #read(contact: ContactId): Reached {
    const row = this.#table.get(this.#nameOf(contact));
    if (row === null) return UNKNOWN;
    try {
      const reader = new FieldReader('reach', row.value);
      if (reader.u8() !== VERSION) reader.refuse('unknown version');
      const [lastAt, failures, nextTryAt] = [reader.u48(), reader.u16(), reader.u48()];
      reader.end();
      return { lastAt: lastAt || null, failures, nextTryAt: nextTryAt || null };
    } catch (error) {
      // written by a newer version: nothing is lost but a wait
      if (error instanceof MalformedError) return UNKNOWN;
      throw error;
    }
  }

  #nameOf(contact: ContactId): Uint8Array {
    if (contact.length !== CONTACT_BYTES) throw new RangeError(`a contact has ${CONTACT_BYTES} bytes`);
    return concat(Uint8Array.of(this.#way), contact);
  }

  #try(write: () => unknown): void {
    try {
      write();
    } catch (error) {
      this.#log('warn', 'when a friend was reached could not be saved', {
        code: codeOf(error),
      });
    }
  }
}
