/**
 * The Ed25519 seeds of a node, both onion and link key each: `home` is that of its home persona, `public` that of the
 * one onion of a public node. Whoever can read them is this node. They are rows of the table `secret`, sealed with
 * everything else, and go into a backup, so that a restored node is found where its friends look for it.
 *
 * Older versions had them in files of their own, `home.seed` and `public.seed`, and the store key in `store.key` (see
 * unlock.ts): {@link importSeeds} moves them. Such a file is 32 bytes, mode 0600.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { equal, utf8 } from '../safety/bytes.ts';
import { type Disk, diskError } from '../safety/disk.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { DataDir } from './data-dir.ts';
import type { Database, TableSpec } from './database.ts';
import { StoreError } from './errors.ts';
import { shred } from './shred.ts';

const SECRET_BYTES = 32;

/** Name: which seed. Value: the seed. */
export const SECRET_TABLE: TableSpec = { name: 'secret', inBackup: true };

export type SeedName = 'home' | 'public';

/** The stored seed, or a new one. 32 bytes. */
export function seedOf(database: Database, name: SeedName, random: RandomBytes): Uint8Array {
  return database.transaction(() => {
    const found = storedSeed(database, name);
    if (found !== null) return found;
    const seed = random(SECRET_BYTES);
    putSeed(database, name, seed);
    return seed;
  });
}

export function storedSeed(database: Database, name: SeedName): Uint8Array | null {
  return database.table(SECRET_TABLE.name).get(utf8(name))?.value ?? null;
}

/** Replaces a seed, or removes it (null). */
export function putSeed(database: Database, name: SeedName, seed: Uint8Array | null): void {
  const table = database.table(SECRET_TABLE.name);
  if (seed === null) table.delete(utf8(name));
  else if (seed.length !== SECRET_BYTES) throw new RangeError('a seed has 32 bytes');
  else table.put({ name: utf8(name), value: seed });
}

/**
 * Moves the seeds of an older version into the database: the row is durable before the file goes, so a crash between
 * the two is made good by the next call. Throws StoreError SECRET_EXISTS where a file holds another seed than the row.
 */
export async function importSeeds(database: Database, dir: DataDir, disk: Disk): Promise<void> {
  for (const name of ['home', 'public'] as const) {
    const seed = await readSecret(dir, `${name}.seed`);
    const found = storedSeed(database, name);
    if (seed !== null && found === null) putSeed(database, name, seed);
    if (seed !== null && found !== null && !equal(found, seed)) throw anotherSeed(name);
    // also where there is none: the last step of a move that was cut off
    await shred(disk, join(dir.root, `${name}.seed`));
  }
}

function anotherSeed(name: SeedName): StoreError {
  return new StoreError('SECRET_EXISTS', `${name}.seed is not the seed that this data directory has`, {
    hint: `Move ${name}.seed away; an older version of kith may have made it.`,
  });
}

/** What is lost without it. */
const LOST = {
  'home.seed': 'without it this onion address is lost and `kith init` in a new directory makes another',
  'public.seed': 'without it the address of this public node is lost; removing the file makes another',
  'store.key': 'without it what this node has stored cannot be read any more',
} as const;

type SecretName = keyof typeof LOST;

/** The secret in a file of an older version, or null where there is none. Throws StoreError SECRET_DAMAGED or DiskError. */
export async function readSecret(dir: DataDir, name: SecretName): Promise<Uint8Array | null> {
  let secret: Uint8Array;
  try {
    secret = await readFile(join(dir.root, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw diskError(`reading ${name}`, error);
  }
  if (secret.length === SECRET_BYTES) return new Uint8Array(secret);
  throw new StoreError('SECRET_DAMAGED', `${name} has ${secret.length} bytes instead of ${SECRET_BYTES}`, {
    hint: `Restore ${name} from a copy; ${LOST[name]}.`,
    data: { sizeBytes: secret.length },
  });
}
