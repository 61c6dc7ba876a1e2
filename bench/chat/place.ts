/** Where the rows of the chat bench are measured. */

import { mkdtemp, readFile, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Testnet } from '../../src/testnet/index.ts';
import type { Stores } from './stores.ts';

/** What a row is measured on; the expensive ones are made when they are asked for first. */
export interface Place {
  /** Short scratch directory on a real disk, gone after the bench. */
  readonly dir: string;
  /** Of that directory, as the kernel names it. */
  readonly fileSystem: string;
  readonly stores: () => Promise<Stores>;
  readonly network: () => Promise<Testnet>;
  readonly progress: (sentence: string) => void;
}

/** Memory, where nothing is ever written through. */
const NO_DISK = new Set(['tmpfs', 'ramfs']);

/** A new directory below the system's temporary one, or, where that is in memory, the one that survives a restart. */
export async function scratch(): Promise<{ readonly dir: string; readonly fileSystem: string }> {
  for (const parent of [tmpdir(), '/var/tmp']) {
    const fileSystem = await fileSystemOf(parent);
    if (!NO_DISK.has(fileSystem)) return { dir: await mkdtemp(join(parent, 'kb-')), fileSystem };
  }
  throw new Error('the temporary directories are in memory: set TMPDIR to one on a disk');
}

/** Type of the innermost file system that `path` is on. */
async function fileSystemOf(path: string): Promise<string> {
  const real = await realpath(path);
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).trim().split('\n');
  let found = { at: '', type: 'unknown' };
  for (const mount of mounts) {
    const [, at = '', type = ''] = mount.split(' ');
    const holds = real === at || real.startsWith(at.endsWith('/') ? at : `${at}/`);
    // a later mount at the same place covers the one before
    if (holds && at.length >= found.at.length) found = { at, type };
  }
  return found.type;
}
