/**
 * How the rows of one table are sealed. Everything is under a key of the table, HMAC(store key, label ‖ salt ‖ name),
 * so that nothing can be moved or matched between tables. tag, scope and alias are the first 16 bytes of an
 * HMAC-SHA256, each under a key of its own. sealed: `row-seal.ts`, the aad being tag (16) ‖ seq (6), the plaintext:
 *
 * | bytes | field |
 * |---|---|
 * | 1 | version, 1 |
 * | 2 + n | name |
 * | 2 + n | scope |
 * | 1 | 1 where there is an alias, else 0 |
 * | 2 + n | alias; left out where there is none |
 * | rest | value |
 */

import { concat, copyOf, utf8 } from '../safety/bytes.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';
import type { RandomBytes } from '../safety/random.ts';
import { FieldReader, FieldWriter } from '../wire/fields.ts';
import { MAX_ROW_NAME_BYTES } from './limits.ts';
import { RowSeal } from './row-seal.ts';
import type { StoredRow } from './stored-row.ts';

const TABLE = utf8('kith/1/store/table');
const SCOPE = utf8('kith/1/store/scope');
const ALIAS = utf8('kith/1/store/alias');
const VERSION = 1;

/** Of the columns by which rows are found: nobody without the key can make two meet, and 2^64 rows are not written. */
const TAG_BYTES = 16;

export interface TableSealInit {
  /** The store key. */
  readonly key: Uint8Array;
  /** Of the file. */
  readonly salt: Uint8Array;
  readonly table: string;
  readonly random: RandomBytes;
  readonly provider: Provider;
}

export class TableSeal {
  readonly #rows: RowSeal;
  readonly #scopeKey: Uint8Array;
  readonly #aliasKey: Uint8Array;
  readonly #provider: Provider;

  constructor({ key, salt, table, random, provider }: TableSealInit) {
    const tableKey = provider.hmacSha256(key, TABLE, salt, utf8(table));
    this.#rows = new RowSeal({ key: tableKey, salt, random, provider });
    this.#scopeKey = provider.hmacSha256(tableKey, SCOPE, salt);
    this.#aliasKey = provider.hmacSha256(tableKey, ALIAS, salt);
    this.#provider = provider;
  }

  tag(name: Uint8Array): Uint8Array {
    return copyOf(this.#rows.tag(name), 0, TAG_BYTES);
  }

  scopeTag(scope: Uint8Array): Uint8Array {
    return copyOf(this.#provider.hmacSha256(this.#scopeKey, scope), 0, TAG_BYTES);
  }

  aliasTag(alias: Uint8Array): Uint8Array {
    return copyOf(this.#provider.hmacSha256(this.#aliasKey, alias), 0, TAG_BYTES);
  }

  seal(tag: Uint8Array, seq: number, row: Omit<StoredRow, 'seq'>): Uint8Array {
    return this.#rows.seal(placeOf(tag, seq), encodeRowHead(row), row.value);
  }

  /** Null where anything was changed, the row's place included. */
  open(row: {
    readonly seq: number;
    readonly tag: Uint8Array;
    readonly sealed: Uint8Array;
  }): StoredRow | null {
    const plain = this.#rows.open(placeOf(row.tag, row.seq), row.sealed);
    if (plain === null) return null;
    try {
      return decodeRow(row.seq, plain);
    } catch (error) {
      if (error instanceof MalformedError) return null; // of a version that this one does not know
      throw error;
    }
  }
}

function placeOf(tag: Uint8Array, seq: number): Uint8Array {
  return concat(tag, new FieldWriter().u48(seq).done());
}

/** All of a row but its place and value. */
export function encodeRowHead({ name, scope, alias }: Omit<StoredRow, 'seq' | 'value'>): Uint8Array {
  const head = new FieldWriter().u8(VERSION).sized(name, MAX_ROW_NAME_BYTES).sized(scope, MAX_ROW_NAME_BYTES);
  if (alias === null) head.flag(false);
  else head.flag(true).sized(alias, MAX_ROW_NAME_BYTES);
  return head.done();
}

/** Throws MalformedError. */
export function decodeRow(seq: number, plain: Uint8Array): StoredRow {
  const reader = new FieldReader('table-row', plain);
  if (reader.u8() !== VERSION) reader.refuse('unknown version');
  const name = reader.sized(MAX_ROW_NAME_BYTES);
  const scope = reader.sized(MAX_ROW_NAME_BYTES);
  const alias = reader.flag() ? reader.sized(MAX_ROW_NAME_BYTES) : null;
  return { seq, name, scope, alias, value: reader.rest() };
}
