/**
 * Removing a file whose content must not be found again: overwritten with zeros, synced, removed. On a magnetic disk
 * without snapshots that is the end of it. It is NOT on an SSD, on a copy-on-write file system or where backups and
 * snapshots are made: those write the zeros elsewhere and keep the old blocks for a time.
 */

import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Disk, DiskError, diskError } from '../safety/disk.ts';

/** Written at once. */
const PIECE = new Uint8Array(1 << 16);

/**
 * Overwrites and removes a file; a missing one is fine. Throws DiskError. Cut off anywhere, the file is there whole or
 * not at all: it is renamed first. Called again, it finishes what was cut off.
 */
export async function shred(disk: Disk, path: string): Promise<void> {
  const doomed = `${path}.shred`;
  await erase(disk, doomed); // left by a crash
  try {
    await disk.rename(path, doomed);
  } catch (error) {
    if (error instanceof DiskError && error.code === 'DISK_MISSING') return;
    throw error;
  }
  await disk.syncDir(dirname(path));
  await erase(disk, doomed);
}

async function erase(disk: Disk, path: string): Promise<void> {
  if (!(await overwrite(path))) return;
  await disk.remove(path);
  await disk.syncDir(dirname(path));
}

/** Whether there was a file. */
async function overwrite(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'r+');
    try {
      const { size } = await file.stat();
      for (let at = 0; at < size; ) {
        at += (await file.write(PIECE, 0, Math.min(PIECE.length, size - at), at)).bytesWritten;
      }
      await file.datasync();
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw diskError('overwriting a file', error);
  }
}
