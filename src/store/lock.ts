/**
 * One node per data directory. The lock is SQLite's own file lock: the kernel drops it when the process ends,
 * however it ends, so there is no stale lock to explain or to steal.
 *
 * Owner: the running node, from {@link acquireLock} to `release`. `holder.json` only describes the holder and is
 * believed by nobody but the error message and the command line (to find the local socket).
 */

import { readFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { utf8 } from '../safety/bytes.ts';
import { systemClock } from '../safety/clock.ts';
import { type Disk, writeDurably } from '../safety/disk.ts';
import type { DataDir } from './data-dir.ts';
import { StoreError } from './errors.ts';

/** Who runs in a data directory. */
export interface Holder {
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Where its unix sockets are. */
  readonly socketDir: string;
}

export interface DataDirLock {
  release(): Promise<void>;
}

/** SQLite waits this long (ms) for the lock, so that a restart right after a stop does not fail. */
const LOCK_WAIT_MS = 500;

/** The longest (ms) that somebody works on the slots: Argon2id some times on a slow machine. */
const SLOTS_WAIT_MS = 10_000;
const SLOTS_RETRY_MS = 50;

/** Takes the lock or throws DATA_DIR_LOCKED naming the holder. */
export async function acquireLock(dir: DataDir, holder: Holder, disk: Disk): Promise<DataDirLock> {
  const database = lockFile(dir.lock);
  if (database === null) throw await lockedError(dir);
  try {
    await writeDurably(disk, dir.holder, utf8(`${JSON.stringify(holder)}\n`));
  } catch (error) {
    database.close();
    throw error;
  }
  return {
    release: async () => {
      await disk.remove(dir.holder);
      database.close();
    },
  };
}

/** The holder of a data directory's lock, or null when no node runs there. */
export async function lockHolder(dir: DataDir): Promise<Holder | null> {
  const described = await readHolder(dir);
  if (described === null) return null; // a holder writes its description as soon as it has the lock
  // a live process has the lock for good; of a dead one somebody else may be looking at what it left, for a moment
  const database = lockFile(dir.lock, isAlive(described.pid) ? 0 : LOCK_WAIT_MS);
  if (database === null) return described;
  database.close(); // nobody holds it: the description is left from a crash
  return null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Result code of SQLite for a lock that another process holds. */
const SQLITE_BUSY = 5;

/** The lock, or null while another process holds it. */
function lockFile(path: string, waitMs: number = LOCK_WAIT_MS): DatabaseSync | null {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: waitMs });
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return database;
  } catch (cause) {
    database?.close();
    if ((cause as { errcode?: number }).errcode === SQLITE_BUSY) return null;
    throw new StoreError('DATA_DIR_UNSAFE', 'the lock of the data directory cannot be opened', {
      hint: 'Check that lock.db and slots-lock.db in it are files of yours, and that the disk is writable and not full.',
      cause,
    });
  }
}

async function readHolder(dir: DataDir): Promise<Holder | null> {
  try {
    const { pid, startedAt, socketDir } = JSON.parse(await readFile(dir.holder, 'utf8')) as Holder;
    return Number.isSafeInteger(pid) && Number.isFinite(startedAt) && typeof socketDir === 'string'
      ? { pid, startedAt, socketDir }
      : null;
  } catch {
    return null; // missing or half-written: the description is not there
  }
}

/**
 * Runs `work` while nobody else works on the key slots: a command may change them beside a running node. Throws
 * StoreError STORE_IN_USE where another does, and goes on doing so.
 */
export async function withSlotsLock<T>(dir: DataDir, work: () => Promise<T>): Promise<T> {
  // asked for again and again: SQLite's own waiting would hold up a process that has the lock itself
  let database = lockFile(dir.slotsLock, 0);
  for (let waited = 0; database === null; waited += SLOTS_RETRY_MS) {
    if (waited >= SLOTS_WAIT_MS) throw slotsInUse();
    await systemClock.sleep(SLOTS_RETRY_MS);
    database = lockFile(dir.slotsLock, 0);
  }
  try {
    return await work();
  } finally {
    database.close();
  }
}

function slotsInUse(): StoreError {
  return new StoreError('STORE_IN_USE', 'another program is working on the key slots', {
    hint: 'Try again in a moment.',
  });
}

/** Says who holds the lock. */
export async function lockedError(dir: DataDir): Promise<StoreError> {
  const holder = await readHolder(dir);
  const who =
    holder === null
      ? 'another process'
      : `process ${holder.pid}, since ${new Date(holder.startedAt).toISOString()}`;
  return new StoreError('DATA_DIR_LOCKED', `a node is already running in this data directory (${who})`, {
    hint: 'Use that one (`kith status`), stop it, or choose another directory with --data DIR.',
    data: holder === null ? {} : { pid: holder.pid, startedAt: new Date(holder.startedAt).toISOString() },
  });
}
