/**
 * `kith passphrase`, `backup`, `restore` and `wipe`: what a person does with the data directory as a whole. All but the
 * passphrase, which only touches the slots of the store key, need the node to be stopped; a backup goes through the
 * node where one runs.
 */

import { resolve } from 'node:path';
import { openPeopleDatabase, storeKeyOf, TABLES } from '../node/open-store.ts';
import { systemClock } from '../safety/clock.ts';
import { systemDisk } from '../safety/disk.ts';
import { KithError } from '../safety/errors.ts';
import { systemRandom } from '../safety/random.ts';
import { checkBackupPlace, writeBackup } from '../store/backup.ts';
import { type DataDir, dataDir as layout, openDataDir } from '../store/data-dir.ts';
import { Database } from '../store/database.ts';
import { acquireLock, lockHolder } from '../store/lock.ts';
import { type Backup, readBackup, type Restored, restoreFrom } from '../store/restore.ts';
import {
  createStoreKey,
  hasStoreKey,
  lockedByPassphrase,
  removePassphrase,
  setPassphrase,
} from '../store/unlock.ts';
import { wipe } from '../store/wipe.ts';
import { confirmed } from './ask.ts';
import type { Context } from './context.ts';
import { withPeople } from './node-client.ts';
import { counted } from './output.ts';
import {
  askPassphrase,
  existingPassphrase,
  newPassphrase,
  type PassphraseOptions,
  type PassphraseSource,
} from './passphrase-prompt.ts';

const ACCESS = { disk: systemDisk, random: systemRandom };

export interface NewPassphraseOptions extends PassphraseOptions {
  /** Holds the new one, or that of a backup; `passphraseFile` is about the store as it is. */
  readonly newFile?: string;
}

export async function passphraseSet(context: Context, options: NewPassphraseOptions): Promise<void> {
  const dir = layout(context.dataDir);
  const isLocked = await lockedByPassphrase(dir);
  const old = isLocked ? await askPassphrase(context, options) : undefined;
  const fresh = await newPassphrase(context, { file: options.newFile, option: '--new-file' });
  await setPassphrase(dir, { old, new: fresh }, { ...ACCESS, cost: context.cost });
  context.output.result(
    'passphrase',
    { set: true },
    'From now on every start needs it. Whoever copied the directory before can still open that copy.',
  );
}

export async function passphraseRemove(context: Context, options: PassphraseOptions): Promise<void> {
  const dir = layout(context.dataDir);
  await removePassphrase(dir, await askPassphrase(context, options), ACCESS);
  context.output.result(
    'passphrase',
    { set: false },
    'The node starts without one; whoever can read the directory can read all that is in it.',
  );
}

export async function backup(context: Context, path: string, options: NewPassphraseOptions): Promise<void> {
  const { output } = context;
  const dir = layout(context.dataDir);
  const file = resolve(path);
  await checkBackupPlace(file, dir.root);
  const passphrase = await newPassphrase(context, ofBackup(options), 'New passphrase of the backup: ');
  output.progress('backup', {}, 'Writing the backup…');
  const rows =
    (await lockHolder(dir)) === null
      ? await backupHere(context, dir, file, passphrase, options)
      : await withPeople(context, (node) => node.backup(file, passphrase));
  output.result(
    'backup',
    { path: file, rows },
    `${counted(rows, 'row')} in ${file}. Keep the passphrase apart from it: without it nobody can open the file.`,
  );
}

/** The backup is read to its end before anything is made or asked of the data directory. */
export async function restore(context: Context, path: string, options: NewPassphraseOptions): Promise<void> {
  const { output } = context;
  const ask = () => existingPassphrase(context, ofBackup(options), 'Passphrase of the backup: ');
  const backup = await readBackup(resolve(path), ask);
  try {
    backup.verify();
    const isNew = !(await hasStoreKey(layout(context.dataDir)));
    const wanted = isNew && options.passphraseFile !== undefined;
    const lock = { file: options.passphraseFile, option: '--passphrase-file' };
    const passphrase = wanted ? await newPassphrase(context, lock) : undefined;
    const dir = await openDataDir(context.dataDir, systemDisk);
    await withLock(dir, async () => {
      const key = wanted
        ? await createStoreKey(dir, { ...ACCESS, passphrase, cost: context.cost })
        : await storeKeyOf(dir, { ...ACCESS, passphrase: () => askPassphrase(context, options) });
      const { rows } = restoredInto(dir, key, backup);
      const writtenAt = new Date(backup.createdAt).toISOString();
      const isLocked = await lockedByPassphrase(dir);
      const open = isLocked ? '' : '\nThis directory has no passphrase: kith passphrase set';
      output.result(
        'restored',
        { rows, writtenAt, passphrase: isLocked },
        `Restored ${counted(rows, 'row')} of ${writtenAt}. Start the node with \`kith up\`: it asks friends for what came since.${open}`,
      );
    });
  } finally {
    backup.close();
  }
}

function restoredInto(dir: DataDir, key: Uint8Array, backup: Backup): Restored {
  const database = Database.open({ path: dir.people, key, tables: TABLES, random: systemRandom });
  try {
    return restoreFrom(backup, database);
  } finally {
    database.close();
  }
}

export interface WipeOptions {
  readonly yes?: boolean;
}

export async function wipeAll(context: Context, { yes = false }: WipeOptions): Promise<void> {
  const { output } = context;
  const dir = layout(context.dataDir);
  if (!yes && !(await confirmed(`Remove ${dir.root} and everything in it, for good?`, context))) {
    throw new KithError('NOT_CONFIRMED', 'nothing was removed', {
      hint: 'Say yes, or add --yes. There is no way back.',
    });
  }
  const { left } = await wipe(dir, systemDisk);
  const others = left === 0 ? '' : ` ${counted(left, 'other file')} of yours stayed there.`;
  output.result(
    'wiped',
    { left },
    `Gone, keys first.${others} Drives may keep old blocks for a while, and backups elsewhere are not touched.`,
  );
}

async function backupHere(
  context: Context,
  dir: DataDir,
  path: string,
  passphrase: string,
  options: PassphraseOptions,
): Promise<number> {
  return withLock(dir, async () => {
    const ask = (): Promise<string> => askPassphrase(context, options);
    const key = await storeKeyOf(dir, { ...ACCESS, passphrase: ask });
    const database = await openPeopleDatabase(dir, key, ACCESS);
    try {
      const init = { database, path, passphrase, cost: context.cost, clock: systemClock, ...ACCESS };
      return (await writeBackup({ ...init, signal: context.signal })).rows;
    } finally {
      database.close();
    }
  });
}

async function withLock<T>(dir: DataDir, work: () => Promise<T>): Promise<T> {
  const holder = { pid: process.pid, startedAt: Date.now(), socketDir: '' };
  const lock = await acquireLock(dir, holder, systemDisk);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

function ofBackup({ newFile }: NewPassphraseOptions): PassphraseSource {
  return { file: newFile, option: '--backup-passphrase-file' };
}
