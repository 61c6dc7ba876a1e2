/** What can be wrong with a data directory, and with a file of sealed rows in it. */

import { KithError } from '../safety/errors.ts';

export type StoreErrorCode =
  | 'DATA_DIR_MISSING'
  | 'DATA_DIR_LOCKED'
  | 'DATA_DIR_UNSAFE'
  | 'SECRET_DAMAGED'
  | 'SECRET_EXISTS'
  | 'STORE_KEY_WRONG'
  | 'STORE_DAMAGED'
  | 'STORE_UNREADABLE'
  | 'STORE_IN_USE'
  | 'STORE_WRITE_FAILED'
  | 'STORE_TOO_NEW'
  | 'STORE_UPGRADE_FAILED'
  | 'STORE_NOT_EMPTY'
  | 'PASSPHRASE_NEEDED'
  | 'PASSPHRASE_WRONG'
  | 'PASSPHRASE_REFUSED'
  | 'SLOTS_DAMAGED'
  | 'BACKUP_DAMAGED'
  | 'BACKUP_PLACE'
  | 'BACKUP_TOO_NEW'
  | 'ROW_TOO_LARGE';

/** A data directory, or a file in it, cannot be used as it is. */
export class StoreError extends KithError<StoreErrorCode> {
  override readonly name = 'StoreError';
}

/** Result codes of SQLite. */
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;
const SQLITE_CONSTRAINT_UNIQUE = 2067;

function errcode(cause: unknown): number | undefined {
  return (cause as { errcode?: number } | undefined)?.errcode;
}

/** Whether SQLite threw this: its errors have a code of their own. */
export function isSqliteError(cause: unknown): boolean {
  return errcode(cause) !== undefined;
}

/** Whether a value was written twice that may be there only once. */
export function isTaken(cause: unknown): boolean {
  return errcode(cause) === SQLITE_CONSTRAINT_UNIQUE;
}

/** SQLite could not open the file, or found something else in it. */
export function openFailed(cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  if (errcode(cause) === SQLITE_BUSY) {
    return new StoreError('STORE_IN_USE', 'another process has this file of the data directory open', {
      hint: 'Stop the other program; only one node may use a data directory.',
      cause,
    });
  }
  const code = errcode(cause) ?? 0;
  // the primary code is in the low byte
  if ([SQLITE_CORRUPT, SQLITE_NOTADB].includes(code & 0xff)) {
    return new StoreError('STORE_DAMAGED', 'a file of the data directory is damaged', {
      hint: 'Restore it from a copy, or move it away: the node then begins it anew.',
      cause,
    });
  }
  return new StoreError('STORE_UNREADABLE', 'a file of the data directory cannot be opened', {
    hint: 'Check the disk, its free space and the permissions of the data directory.',
    cause,
  });
}

/** A write failed; nothing of it was kept. */
export function writeFailed(cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  const full = errcode(cause) === SQLITE_FULL;
  return new StoreError('STORE_WRITE_FAILED', full ? 'the disk is full' : 'the disk refused a write', {
    hint: 'Free some space or check the disk, then try again; what was saved before is still there.',
    cause,
  });
}

export function wrongStoreKey(): StoreError {
  return new StoreError('STORE_KEY_WRONG', 'the key does not open this file', {
    hint: 'Restore the store.slots that the file was written under, or move the file away: the node then begins it anew.',
  });
}

export function rowTooLarge(sizeBytes: number, maxBytes: number): StoreError {
  return new StoreError('ROW_TOO_LARGE', 'a row is larger than its file may be', {
    hint: 'Store less under one name, or open the file with a larger limit.',
    data: { sizeBytes, maxBytes },
  });
}

export function wrongPeopleKey(): StoreError {
  return new StoreError('STORE_KEY_WRONG', 'the key does not open what this data directory holds', {
    hint: 'Restore store.slots and store.keyfile as they were, or restore a backup into a new data directory.',
  });
}

/** A database of something else. */
export function foreignFile(): StoreError {
  return new StoreError('STORE_DAMAGED', 'a file of the data directory is a database of something else', {
    hint: 'Move it away, then restore a backup into a new data directory (`kith restore`).',
  });
}

/** A row of a table cannot be opened. Nothing is taken for missing that is there: what to do is up to a person. */
export function rowDamaged(): StoreError {
  return new StoreError('STORE_DAMAGED', 'a row of the data directory is damaged or was changed', {
    hint: 'Check the disk; then restore a backup into a new data directory (`kith restore`).',
  });
}

/** What a read of an open file threw. */
export function readFailed(cause: unknown): unknown {
  return isSqliteError(cause) ? openFailed(cause) : cause;
}

export function storeTooNew(version: number, known: number): StoreError {
  return new StoreError('STORE_TOO_NEW', 'the data directory was written by a newer version of kith', {
    hint: 'Install that version again, or a newer one; this one has changed nothing.',
    data: { version, known },
  });
}

export function upgradeFailed(to: number, cause: unknown): StoreError {
  return new StoreError(
    'STORE_UPGRADE_FAILED',
    'the data directory could not be brought to this version of kith',
    {
      hint: 'It is as it was: use the older version of kith again, and report this.',
      data: { to },
      cause,
    },
  );
}
