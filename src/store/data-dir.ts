/**
 * Where a node keeps what it owns: one directory, mode 0700, laid out here and nowhere else.
 *
 * Unix socket paths are limited by the kernel to 107 bytes, and tor takes them as bare words (control-spec
 * ADD_ONION), so the sockets move to a short private directory when the path of the data directory is too long
 * or has other characters.
 */

import { chmod, lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Disk, diskError } from '../safety/disk.ts';
import { StoreError } from './errors.ts';

/** sockaddr_un.sun_path holds 108 bytes with its end mark; macOS 104. The longest name below is added to this. */
const SOCKET_PATH_MAX_BYTES = 103;
const LONGEST_SOCKET_NAME = '/anonymous/0123456789ab.sock';

export interface DataDir {
  readonly root: string;
  /** SQLite file whose lock says that a node runs here. */
  readonly lock: string;
  /** JSON about the holder of the lock, for the error a second start shows. */
  readonly holder: string;
  /** State of each tor process, kept between runs so that guards stay the same. */
  readonly torKnown: string;
  readonly torAnonymous: string;
  /** Sealed files: whom this node knows in the overlay, and what its member there keeps. */
  readonly overlay: string;
  /** Database of everything about people (database.ts), sealed under the store key. */
  readonly people: string;
  /** The store key, wrapped (key-slots.ts), and the file that opens it while there is no passphrase. */
  readonly slots: string;
  readonly keyFile: string;
  /** SQLite file whose lock says that somebody works on the two. */
  readonly slotsLock: string;
  /** The store key as older versions left it, unwrapped. */
  readonly bareKey: string;
  /** Messages that strangers and friends left with `kith say`. */
  readonly inbox: string;
}

/** `$KITH_DATA`, else `$XDG_DATA_HOME/kith`, else `~/.local/share/kith`. */
export function defaultDataDir(env: NodeJS.ProcessEnv): string {
  return env['KITH_DATA'] ?? join(env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'kith');
}

/** The layout below `root`, beside the secrets (secrets.ts); touches nothing. */
export function dataDir(root: string): DataDir {
  const at = resolve(root);
  return {
    root: at,
    lock: join(at, 'lock.db'),
    holder: join(at, 'holder.json'),
    torKnown: join(at, 'tor-known'),
    torAnonymous: join(at, 'tor-anonymous'),
    overlay: join(at, 'overlay'),
    people: join(at, 'people.db'),
    slots: join(at, 'store.slots'),
    keyFile: join(at, 'store.keyfile'),
    slotsLock: join(at, 'slots-lock.db'),
    bareKey: join(at, 'store.key'),
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
  if ((found.mode & 0o077) !== 0) {
    if (!(await isOursToClose(dir))) throw notForNodes();
    await chmod(dir.root, 0o700);
  }
  await disk.makeDir(dir.inbox);
  await disk.makeDir(dir.overlay);
  return dir;
}

/** Empty, or a node's already. Anything else (a home, /tmp) may have others who rely on getting in. */
async function isOursToClose(dir: DataDir): Promise<boolean> {
  const names = await namesIn(dir);
  return names.length === 0 || isNodes(names);
}

/** Whether a directory with these names in it is a node's: of this version, or of one before `store.slots`. */
export function isNodes(names: readonly string[]): boolean {
  return names.includes('store.slots') || names.includes('home.seed');
}

/** What lies in the directory. Throws DiskError. */
export async function namesIn(dir: DataDir): Promise<string[]> {
  try {
    return await readdir(dir.root);
  } catch (error) {
    throw diskError('looking at the data directory', error);
  }
}

function notForNodes(): StoreError {
  return new StoreError('DATA_DIR_UNSAFE', 'the data directory holds other things and is open to others', {
    hint: 'Give kith a new directory of its own with --data DIR, or close this one yourself (chmod 700).',
  });
}

/** A directory short enough for sockets, and how to remove it when the node stops. */
export interface SocketDir {
  readonly path: string;
  remove(): Promise<void>;
}

function besideData(dir: DataDir): string {
  return join(dir.root, 'run');
}

/** What tor's control connection takes as a bare word: printable ASCII without space, quote and backslash. */
const BARE_WORD = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Whether socket paths inside the data directory stay under the kernel's limit and can be told to tor. */
export function socketDirFits(dir: DataDir): boolean {
  const path = besideData(dir) + LONGEST_SOCKET_NAME;
  return Buffer.byteLength(path) <= SOCKET_PATH_MAX_BYTES && BARE_WORD.test(path);
}

/** `<root>/run`, or a fresh private directory under the system's temporary one when that path does not fit. */
export async function openSocketDir(dir: DataDir, disk: Disk): Promise<SocketDir> {
  if (socketDirFits(dir)) {
    const path = besideData(dir);
    await disk.makeDir(path);
    return { path, remove: async () => {} };
  }
  const path = await mkdtemp(join(tmpdir(), 'kith-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
