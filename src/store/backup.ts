/**
 * Writing a backup: the rows of all tables that are declared for it, and the generation, under a passphrase.
 * Format: `backup-format.ts`. Sessions, prekeys and whatever else must not live twice are in no backup.
 *
 * Shows: that it is a backup of kith, and about how much there is. As good as its passphrase: whoever has the file can
 * try passphrases for as long as they like, and nothing that is done later makes the file unreadable.
 */

import { lstat, realpath } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { wipe } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { type Disk, diskError, type DiskFile } from '../safety/disk.ts';
import type { RandomBytes } from '../safety/random.ts';
import { FieldWriter } from '../wire/fields.ts';
import { type BackupRecord, backupKeys, encodeHead, encodeRecord, pieceNonce } from './backup-format.ts';
import type { Database } from './database.ts';
import { StoreError } from './errors.ts';
import { BACKUP_PAGE_ROWS, BACKUP_PIECE_BYTES } from './limits.ts';
import { generationOf } from './meta.ts';
import { type Argon2Cost, PASSPHRASE_COST, passphraseKey, SALT_BYTES } from './passphrase.ts';

export interface WriteBackupInit {
  readonly database: Database;
  /** A new file: nothing is ever replaced. */
  readonly path: string;
  readonly passphrase: string;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly provider?: Provider;
  readonly cost?: Argon2Cost;
  readonly signal?: AbortSignal;
  readonly onProgress?: (rows: number, of: number) => void;
}

/**
 * Whether a backup may be written to `path`, before anybody is asked for a passphrase. Throws DiskError DISK_EXISTS where
 * there is something already, and StoreError BACKUP_PLACE inside `dataDir`, which `kith wipe` removes and a thief takes.
 */
export async function checkBackupPlace(path: string, dataDir: string): Promise<void> {
  const [parent, root] = await Promise.all(
    [dirname(path), dataDir].map((dir) =>
      realpath(dir).catch((error: unknown) => {
        throw diskError('looking at the place of the backup', error);
      }),
    ),
  );
  const below = relative(root as string, parent as string);
  if (below === '' || !/^\.\.(\/|$)/.test(below)) {
    throw new StoreError('BACKUP_PLACE', 'a backup does not belong into the data directory', {
      hint: 'Name a file elsewhere, best on another drive.',
    });
  }
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw diskError('looking at the place of the backup', error);
  });
  if (found !== null) throw diskError('creating the backup', { code: 'EEXIST' });
}

/**
 * Writes the rows as they are at one moment and returns how many when they are durable. Throws DiskError (DISK_EXISTS
 * where the file exists), StoreError or the signal's reason, and has left nothing then. A power cut may leave a
 * part of it, which a restore refuses.
 */
export async function writeBackup(init: WriteBackupInit): Promise<{ rows: number }> {
  const { database, path, passphrase, disk, random, provider = nodeProvider, cost = PASSPHRASE_COST } = init;
  const salt = random(SALT_BYTES);
  const stretched = await passphraseKey(passphrase, salt, cost);
  const { key, check } = backupKeys(provider, stretched, { salt, cost });
  wipe(stretched);
  const head = encodeHead({ salt, cost, check });
  const snapshot = database.snapshot();
  try {
    const rows = await written(disk, path, async (file) => {
      await file.append(head);
      return writeRecords(new Pieces(provider, key, head, file), snapshot.database, init);
    });
    return { rows };
  } finally {
    snapshot.remove();
    wipe(key);
  }
}

/** Runs `write` on a new file and makes it durable, or removes it: only what was created here. */
async function written<T>(disk: Disk, path: string, write: (file: DiskFile) => Promise<T>): Promise<T> {
  const file = await disk.create(path);
  try {
    let result: T;
    try {
      result = await write(file);
      await file.datasync();
    } finally {
      await file.close();
    }
    await disk.syncDir(dirname(path));
    return result;
  } catch (error) {
    await disk.remove(path).catch(() => {}); // the first failure is the one to report
    throw error;
  }
}

async function writeRecords(pieces: Pieces, database: Database, init: WriteBackupInit): Promise<number> {
  const { clock, signal, onProgress } = init;
  const names = database.tables.filter(({ inBackup }) => inBackup).map(({ name }) => name);
  const total = names.reduce((sum, name) => sum + database.table(name).count(), 0);
  await pieces.add({ kind: 'meta', createdAt: clock.now(), generation: generationOf(database) });
  let rows = 0;
  for (const name of names) {
    const table = database.table(name);
    await pieces.add({ kind: 'table', name, lastSeq: table.lastSeq() });
    for (let after = 0; ; ) {
      signal?.throwIfAborted();
      const page = table.page({ after, limit: BACKUP_PAGE_ROWS });
      for (const row of page) await pieces.add({ kind: 'row', ...row });
      rows += page.length;
      onProgress?.(rows, total);
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.seq;
    }
  }
  await pieces.add({ kind: 'end', rows });
  await pieces.end();
  return rows;
}

/** Fills sealed pieces with records. */
class Pieces {
  readonly #provider: Provider;
  readonly #key: Uint8Array;
  readonly #head: Uint8Array;
  readonly #file: DiskFile;
  readonly #plain = new Uint8Array(BACKUP_PIECE_BYTES);
  #filled = 0;
  #index = 0;

  constructor(provider: Provider, key: Uint8Array, head: Uint8Array, file: DiskFile) {
    this.#provider = provider;
    this.#key = key;
    this.#head = head;
    this.#file = file;
  }

  async add(record: BackupRecord): Promise<void> {
    const bytes = encodeRecord(record);
    await this.#fill(new FieldWriter().u32(bytes.length).done());
    await this.#fill(bytes);
  }

  end(): Promise<void> {
    return this.#write(true);
  }

  async #fill(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      // a full piece waits until something follows: the last one is sealed as such
      if (this.#filled === this.#plain.length) await this.#write(false);
      const taken = bytes.subarray(at, at + this.#plain.length - this.#filled);
      this.#plain.set(taken, this.#filled);
      this.#filled += taken.length;
      at += taken.length;
    }
  }

  async #write(last: boolean): Promise<void> {
    const nonce = pieceNonce(this.#index++, last);
    const plain = this.#plain.subarray(0, this.#filled);
    await this.#file.append(this.#provider.aes256Gcm.seal(this.#key, nonce, this.#head, plain));
    this.#filled = 0;
  }
}
