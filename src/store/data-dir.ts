/**
 * Where a node keeps what it owns: one directory, mode 0700, laid out here and nowhere else.
 *
 * Unix socket paths are limited by the kernel to 107 bytes, so the sockets move to a short private directory
 * when the data directory lies too deep.
 */

import { chmod, lstat, mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Disk, diskError } from '../safety/disk.ts';
import { StoreError } from './errors.ts';

/** sockaddr_un.sun_path holds 108 bytes with its end mark; macOS 104. The longest name below is added to this. */
const SOCKET_PATH_MAX_BYTES = 103;
const LONGEST_SOCKET_NAME = '/control.sock';

export interface DataDir {
  readonly root: string;
  /** Seed of the home persona, 32 bytes, mode 0600. */
  readonly homeSeed: string;
  /** SQLite file whose lock says that a node runs here. */
  readonly lock: string;
  /** JSON about the holder of the lock, for the error a second start shows. */
  readonly holder: string;
  /** State of the tor process, kept between runs so that guards stay the same. */
  readonly tor: string;
  /** Messages that strangers and friends left with `kith say`. */
  readonly inbox: string;
}

/** `$KITH_DATA`, else `$XDG_DATA_HOME/kith`, else `~/.local/share/kith`. */
export function defaultDataDir(env: NodeJS.ProcessEnv): string {
  return env['KITH_DATA'] ?? join(env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'kith');
}

/** The layout below `root`; touches nothing. */
export function dataDir(root: string): DataDir {
  const at = resolve(root);
  return {
    root: at,
    homeSeed: join(at, 'home.seed'),
    lock: join(at, 'lock.db'),
    holder: join(at, 'holder.json'),
    tor: join(at, 'tor'),
    inbox: join(at, 'inbox'),
  };
}

/** Creates the directory where it is missing and refuses one that others could read or that is not ours. */
export async function openDataDir(root: string, disk: Disk): Promise<DataDir> {
  const dir = dataDir(root);
  await disk.makeDir(dir.root);
  const found = await lstat(dir.root).catch((error: unknown) => {
    throw diskError('looking at the data directory', error);
  });
  if (!found.isDirectory() || (process.getuid !== undefined && found.uid !== process.getuid())) {
    throw new StoreError(
      'DATA_DIR_UNSAFE',
      'the data directory belongs to somebody else or is not a directory',
      {
        hint: 'Give kith a directory of your own with --data DIR.',
      },
    );
  }
  if ((found.mode & 0o077) !== 0) await chmod(dir.root, 0o700);
  await disk.makeDir(dir.inbox);
  return dir;
}

/** A directory short enough for sockets, and how to remove it when the node stops. */
export interface SocketDir {
  readonly path: string;
  remove(): Promise<void>;
}

function besideData(dir: DataDir): string {
  return join(dir.root, 'run');
}

/** Whether socket paths inside the data directory stay under the kernel's limit. */
export function socketDirFits(dir: DataDir): boolean {
  return Buffer.byteLength(besideData(dir) + LONGEST_SOCKET_NAME) <= SOCKET_PATH_MAX_BYTES;
}

/** `<root>/run`, or a fresh private directory under the system's temporary one when that path is too long. */
export async function openSocketDir(dir: DataDir, disk: Disk): Promise<SocketDir> {
  if (socketDirFits(dir)) {
    const path = besideData(dir);
    await disk.makeDir(path);
    return { path, remove: async () => {} };
  }
  const path = await mkdtemp(join(tmpdir(), 'kith-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
