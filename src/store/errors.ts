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

function errcode(cause: unknown): number | undefined {
  return (cause as { errcode?: number } | undefined)?.errcode;
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
    hint: 'Restore the store.key that the file was written with, or move the file away: the node then begins it anew.',
  });
}

export function rowTooLarge(sizeBytes: number, maxBytes: number): StoreError {
  return new StoreError('ROW_TOO_LARGE', 'a row is larger than its file may be', {
    hint: 'Store less under one name, or open the file with a larger limit.',
    data: { sizeBytes, maxBytes },
  });
}
