/**
 * Making a data directory unreadable, then removing it. The slots and the key file go first, overwritten: without them
 * the rest is noise, wherever copies of it lie. Then everything else that a node has made here.
 *
 * What nobody can promise from here, and a face has to say: SSDs, copy-on-write file systems, snapshots and backups may
 * keep the overwritten blocks for a time; with a passphrase, what they keep opens only with that. A backup file that was
 * written elsewhere is not touched.
 */

import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Disk, diskError } from '../safety/disk.ts';
import { type DataDir, isNodes, namesIn } from './data-dir.ts';
import { StoreError } from './errors.ts';
import { lockedError, lockHolder } from './lock.ts';
import { shred } from './shred.ts';

/** What opens the store, or is a key itself: in the order in which they go. */
const KEYS = ['store.keyfile', 'store.slots', 'store.key', 'home.seed', 'public.seed'];

/** All else that a node makes, each perhaps with an ending of its own (`-wal`, `.part`, `.damaged`). */
const OURS =
  /^(store\.(slots|keyfile|key)|(home|public)\.seed|people\.db|lock\.db|slots-lock\.db|holder\.json|tor-known|tor-anonymous|overlay|inbox|run)([.-][a-z.-]+)?$/;

/**
 * Wipes a data directory in which no node runs. What others have put there stays, and the directory with it; returns
 * how many such files and directories there are. Throws StoreError DATA_DIR_UNSAFE where it is not a node's,
 * DATA_DIR_LOCKED, or DiskError; called again, it goes on.
 */
export async function wipe(dir: DataDir, disk: Disk): Promise<{ left: number }> {
  const names = await namesIn(dir);
  if (!isNodes(names) && !names.includes('people.db')) throw notOurs();
  if ((await lockHolder(dir)) !== null) throw await lockedError(dir);
  for (const name of KEYS) {
    await shred(disk, `${join(dir.root, name)}.part`);
    await shred(disk, join(dir.root, name));
  }
  try {
    // the database last: by it a directory is still known as a node's where this is cut off
    for (const name of names.filter((name) => OURS.test(name) && name !== 'people.db')) {
      await rm(join(dir.root, name), { recursive: true, force: true });
    }
    await rm(dir.people, { force: true });
    const left = (await namesIn(dir)).length;
    if (left === 0) await rmdir(dir.root);
    return { left };
  } catch (error) {
    throw diskError('removing the data directory', error);
  }
}

function notOurs(): StoreError {
  return new StoreError('DATA_DIR_UNSAFE', 'this is not a data directory of kith', {
    hint: 'Name the directory with --data DIR; nothing was removed.',
  });
}
