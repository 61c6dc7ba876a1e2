/**
 * The few file operations that durability is built from, as a dependency, so that tests can fill the disk,
 * refuse a write or forget what was not synced.
 *
 * Order that survives a crash (see {@link writeDurably}): create under a temporary name, append, datasync,
 * rename, syncDir. What this cannot promise: that the drive itself honours the sync.
 */

import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KithError } from './errors.ts';

export type DiskErrorCode = 'DISK_FULL' | 'DISK_DENIED' | 'DISK_EXISTS' | 'DISK_MISSING' | 'DISK_FAILED';

/** A file operation failed. `data.errno` is the system's name for it; the path is left out on purpose. */
export class DiskError extends KithError<DiskErrorCode> {
  override readonly name = 'DiskError';
}

/** A file being written. Writes are not on disk until `datasync` has resolved. */
export interface DiskFile {
  append(bytes: Uint8Array): Promise<void>;
  datasync(): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  /** Creates a file that must not exist yet, mode 0600. */
  create(path: string): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; a missing one is fine. */
  remove(path: string): Promise<void>;
  /** Makes a rename or removal inside `path` durable. */
  syncDir(path: string): Promise<void>;
  /** Creates a directory (and parents), mode 0700. */
  makeDir(path: string): Promise<void>;
  /** Bytes an ordinary user may still write at `path`. */
  freeBytes(path: string): Promise<number>;
}

const KINDS: Readonly<Record<string, readonly [DiskErrorCode, string, string]>> = {
  ENOSPC: [
    'DISK_FULL',
    'the disk is full',
    'Free some space, then try again; nothing already saved was lost.',
  ],
  EDQUOT: ['DISK_FULL', 'the disk quota is used up', 'Free some space or raise the quota, then try again.'],
  EACCES: [
    'DISK_DENIED',
    'the file system refused access',
    'Check who owns the data directory (it must be yours, mode 0700).',
  ],
  EPERM: [
    'DISK_DENIED',
    'the file system refused access',
    'Check who owns the data directory (it must be yours, mode 0700).',
  ],
  EROFS: [
    'DISK_DENIED',
    'the file system is read-only',
    'Choose a data directory on a writable file system.',
  ],
  EEXIST: ['DISK_EXISTS', 'the file exists already', 'Choose another name or remove the old file.'],
  ENOENT: [
    'DISK_MISSING',
    'the file or directory does not exist',
    'Check its name. A data directory is made by `kith init` and named with --data.',
  ],
};

/** Turns an error of node:fs into a {@link DiskError}. */
export function diskError(doing: string, cause: unknown): DiskError {
  const errno = (cause as NodeJS.ErrnoException | undefined)?.code ?? 'UNKNOWN';
  const [code, what, hint] = KINDS[errno] ?? [
    'DISK_FAILED',
    `the system said ${errno}`,
    'Check the disk, then try again.',
  ];
  return new DiskError(code, `${doing}: ${what}`, { hint, data: { errno }, cause });
}

async function attempt<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskError(doing, error);
  }
}

function diskFile(handle: FileHandle): DiskFile {
  return {
    append: (bytes) =>
      attempt('writing a file', async () => {
        for (let at = 0; at < bytes.length; ) {
          at += (await handle.write(bytes, at)).bytesWritten;
        }
      }),
    datasync: () => attempt('syncing a file', () => handle.datasync()),
    close: () => attempt('closing a file', () => handle.close()),
  };
}

/** The real file system. */
export const systemDisk: Disk = {
  create: (path) => attempt('creating a file', async () => diskFile(await open(path, 'wx', 0o600))),
  rename: (from, to) => attempt('renaming a file', () => rename(from, to)),
  remove: (path) => attempt('removing a file', () => rm(path, { force: true })),
  syncDir: (path) =>
    attempt('syncing a directory', async () => {
      const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    }),
  makeDir: (path) =>
    attempt('creating a directory', async () => {
      await mkdir(path, { recursive: true, mode: 0o700 });
    }),
  freeBytes: (path) =>
    attempt('asking for free space', async () => {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    }),
};

/**
 * Puts `bytes` at `path`, whole or not at all, and returns only when a power cut can no longer undo it.
 * An existing file is replaced.
 */
export async function writeDurably(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.part`;
  await disk.remove(part);
  const file = await disk.create(part);
  try {
    try {
      await file.append(bytes);
      await file.datasync();
    } finally {
      await file.close();
    }
    await disk.rename(part, path);
    await disk.syncDir(dirname(path));
  } catch (error) {
    await disk.remove(part).catch(() => {}); // the first failure is the one to report
    throw error;
  }
}
