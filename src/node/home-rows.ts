/**
 * The seeds of this node's home onions, as they are saved: the current one, and those it replaced that friends may not
 * have heard of yet.
 *
 *     version 1 ‖ revision 4 ‖ retired at 6 (ms since 1970; 0: current) ‖ Ed25519 seed 32
 */

import type { Provider } from '../safety/crypto/provider.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { Database, TableSpec } from '../store/database.ts';
import { putSeed, storedSeed } from '../store/secrets.ts';
import { FieldReader, FieldWriter } from '../wire/fields.ts';

export const HOME_TABLES: readonly TableSpec[] = [{ name: 'home_seed', inBackup: true }];

const VERSION = 1;
const SEED_BYTES = 32;
/** Far more than are ever kept: they go after 14 days. */
const MAX_HOMES = 64;

export interface HomeRow {
  /** Grows with each home. */
  readonly revision: number;
  /** Milliseconds since 1970; 0: it is the current one. */
  readonly retiredAt: number;
  readonly seed: Uint8Array;
}

export function encodeHomeRow({ revision, retiredAt, seed }: HomeRow): Uint8Array {
  return new FieldWriter().u8(VERSION).u32(revision).u48(retiredAt).bytes(seed, SEED_BYTES).done();
}

/** Total: throws only MalformedError. */
export function decodeHomeRow(bytes: Uint8Array): HomeRow {
  const fields = new FieldReader('home-seed-row', bytes);
  if (fields.u8() !== VERSION) fields.refuse('unknown version');
  const row = { revision: fields.u32(), retiredAt: fields.u48(), seed: fields.bytes(SEED_BYTES) };
  fields.end();
  return row;
}

/** The rows, by the onion key (32 bytes) of each seed. */
export class HomeRows {
  readonly #database: Database;
  readonly #provider: Provider;

  constructor(database: Database, provider: Provider) {
    this.#database = database;
    this.#provider = provider;
  }

  /** Highest revision last: the current one. Empty where this node never had one. */
  all(): HomeRow[] {
    const rows = this.#database.table('home_seed').page({ limit: MAX_HOMES });
    return rows.map(({ value }) => decodeHomeRow(value)).toSorted((a, b) => a.revision - b.revision);
  }

  /** Ed25519 key of the current home onion, 32 bytes; the first one is made here. */
  currentKey(random: RandomBytes): Uint8Array {
    let current = this.all().at(-1);
    if (current === undefined) {
      // an older version of the store keeps it among its secrets
      const seed = storedSeed(this.#database, 'home') ?? random(SEED_BYTES);
      const first = { revision: 1, retiredAt: 0, seed };
      this.#database.transaction(() => {
        this.put(first);
        putSeed(this.#database, 'home', null);
      });
      current = first;
    }
    return this.#provider.ed25519.publicKey(current.seed);
  }

  put(row: HomeRow): void {
    const name = this.#provider.ed25519.publicKey(row.seed);
    this.#database.table('home_seed').put({ name, value: encodeHomeRow(row) });
  }

  delete({ seed }: HomeRow): void {
    this.#database.table('home_seed').delete(this.#provider.ed25519.publicKey(seed));
  }
}
