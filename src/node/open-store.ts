/**
 * Opens what a data directory holds, by whoever has its lock: the running node, or a command that works on a node which
 * does not run. What is missing is made.
 */

import type { Disk } from '../safety/disk.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { DataDir } from '../store/data-dir.ts';
import { Database, type TableSpec } from '../store/database.ts';
import { STORE_TABLES } from '../store/meta.ts';
import { importSeeds } from '../store/secrets.ts';
import { createStoreKey, hasStoreKey, lockedByPassphrase, unlockStore } from '../store/unlock.ts';
import { PEOPLE_TABLES } from './people-book.ts';

/** Every table of `people.db`. */
export const TABLES: readonly TableSpec[] = [...STORE_TABLES, ...PEOPLE_TABLES];

export interface StoreAccess {
  readonly disk: Disk;
  readonly random: RandomBytes;
  /** Called where the store has a passphrase. */
  readonly passphrase?: (() => Promise<string>) | undefined;
}

/** The store key, 32 bytes. Throws StoreError PASSPHRASE_NEEDED, PASSPHRASE_WRONG or SLOTS_DAMAGED. */
export async function storeKeyOf(
  dir: DataDir,
  { disk, random, passphrase }: StoreAccess,
): Promise<Uint8Array> {
  if (!(await hasStoreKey(dir))) return createStoreKey(dir, { disk, random });
  const isLocked = await lockedByPassphrase(dir);
  const given = isLocked ? await passphrase?.() : undefined;
  return unlockStore(dir, { passphrase: given }, { disk, random });
}

/** Throws StoreError. */
export async function openPeopleDatabase(
  dir: DataDir,
  key: Uint8Array,
  { disk, random }: StoreAccess,
): Promise<Database> {
  const database = Database.open({ path: dir.people, key, tables: TABLES, random });
  try {
    await importSeeds(database, dir, disk);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
