/**
 * Reading a backup, and restoring one into an empty database: all of it, or nothing is changed. Format:
 * `backup-format.ts`. Whatever is not exactly what was written is refused: nothing of a piece is looked at before it
 * has been verified, and nothing is kept before the end was seen.
 *
 * The generation of the store becomes one more than that of the backup: who keeps counters that must never go back
 * learns by it that they did.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { equal, wipe } from '../safety/bytes.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { diskError } from '../safety/disk.ts';
import { MalformedError } from '../safety/errors.ts';
import { type BackupHead, backupKeys, type BackupRecord, decodeHead, HEAD_BYTES } from './backup-format.ts';
import { backupRecords } from './backup-records.ts';
import type { Database } from './database.ts';
import { backupDamaged, backupPassphraseWrong, backupTooNew, storeNotEmpty } from './key-errors.ts';
import { setGeneration } from './meta.ts';
import { passphraseKey } from './passphrase.ts';
import type { SealedTable } from './sealed-table.ts';

export interface RestoreBackupInit {
  /** Without a row in any table. */
  readonly database: Database;
  readonly path: string;
  readonly passphrase: string;
  readonly provider?: Provider;
  readonly onProgress?: (rows: number) => void;
}

export interface Restored {
  readonly rows: number;
  /** When the backup was written, in ms since 1970. */
  readonly createdAt: number;
  /** Of the store from now on. */
  readonly generation: number;
}

/** {@link restoreFrom} the file at `path`. Throws as {@link readBackup} does, too. */
export async function restoreBackup(init: RestoreBackupInit): Promise<Restored> {
  const { database, path, passphrase, provider } = init;
  const backup = await readBackup(path, passphrase, provider);
  try {
    return restoreFrom(backup, database, init.onProgress);
  } finally {
    backup.close();
  }
}

/**
 * Restores a backup in one transaction, into a database without a row in any table. Throws StoreError STORE_NOT_EMPTY,
 * BACKUP_DAMAGED or BACKUP_TOO_NEW, or DiskError where the file cannot be read; nothing was changed then.
 */
export function restoreFrom(
  backup: Backup,
  database: Database,
  onProgress: (rows: number) => void = () => {},
): Restored {
  if (database.tables.some(({ name }) => database.table(name).count() > 0)) throw storeNotEmpty();
  return database.transaction(() => restoreAll(database, backup, onProgress));
}

function restoreAll(database: Database, backup: Backup, onProgress: (rows: number) => void): Restored {
  const { createdAt, generation } = backup;
  const known = new Set(database.tables.filter(({ inBackup }) => inBackup).map(({ name }) => name));
  let table: SealedTable | undefined;
  let rows = 0;
  for (const record of backup.records()) {
    if (record.kind === 'table') {
      if (!known.delete(record.name)) throw backupTooNew();
      table = database.table(record.name);
      table.skipTo(record.lastSeq);
    } else if (record.kind === 'row') {
      if (table === undefined || record.seq > table.lastSeq()) throw backupDamaged();
      table.put(record);
      onProgress(++rows);
    } else if (record.kind !== 'end' || record.rows !== rows) throw backupDamaged();
  }
  setGeneration(database, generation + 1);
  return { rows, createdAt, generation: generation + 1 };
}

/** A backup whose passphrase is right. */
export interface Backup {
  readonly createdAt: number;
  readonly generation: number;
  /** What follows, from the first each time; the last one is an `end`. Throws StoreError BACKUP_DAMAGED, DiskError. */
  records(): Generator<BackupRecord, void, undefined>;
  /** Reads all of it. Throws as {@link Backup.records} does where anything is missing or changed. */
  verify(): void;
  close(): void;
}

/**
 * Opens a backup and reads its beginning; the passphrase is asked for where there is a file that may be one. Throws
 * StoreError PASSPHRASE_WRONG, BACKUP_DAMAGED or BACKUP_TOO_NEW, or DiskError. The caller closes it.
 */
export async function readBackup(
  path: string,
  passphrase: string | (() => Promise<string>),
  provider: Provider = nodeProvider,
): Promise<Backup> {
  const file = new SourceFile(path);
  try {
    const headBytes = file.from(0)(HEAD_BYTES);
    const head = headOf(headBytes);
    const given = typeof passphrase === 'string' ? passphrase : await passphrase();
    const stretched = await passphraseKey(given, head.salt, head.cost);
    const { key, check } = backupKeys(provider, stretched, head);
    wipe(stretched);
    if (!equal(check, head.check)) throw backupPassphraseWrong();
    const all = () => backupRecords(file.from(HEAD_BYTES), provider, key, headBytes);
    const first = all().next().value;
    if (first?.kind !== 'meta') throw backupDamaged();
    function* records(): Generator<BackupRecord, void, undefined> {
      const following = all();
      following.next(); // the meta
      yield* following;
    }
    const verify = (): void => {
      for (const _ of records());
    };
    return {
      createdAt: first.createdAt,
      generation: first.generation,
      records,
      verify,
      close: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

function headOf(bytes: Uint8Array): BackupHead {
  try {
    return decodeHead(bytes);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw error.data['version'] === undefined ? backupDamaged(error) : backupTooNew();
  }
}

/** Read front to back, synchronously: what is restored is so in one transaction. */
class SourceFile {
  readonly #fd: number;
  #open = true;

  constructor(path: string) {
    try {
      this.#fd = openSync(path, 'r');
    } catch (error) {
      throw diskError('opening the backup', error);
    }
  }

  /** Reads on from `place`: each time the next `size` bytes, or fewer at the end. */
  from(place: number): (size: number) => Uint8Array {
    let passed = place;
    return (size) => {
      const bytes = new Uint8Array(size);
      let at = 0;
      try {
        for (let got = -1; at < size && got !== 0; at += got)
          got = readSync(this.#fd, bytes, at, size - at, passed + at);
      } catch (error) {
        throw diskError('reading the backup', error);
      }
      passed += at;
      return bytes.subarray(0, at);
    };
  }

  close(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }
}
