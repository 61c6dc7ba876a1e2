/** The directory that belongs to one tor: made, closed to others, and given its configuration. */

import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TorError } from './errors.ts';

/**
 * Makes `dataDir` and `socketDir` usable by tor, which insists on mode 0700, and writes the configuration.
 * Returns its path. Throws TorError TOR_DATA_DIR or TOR_DISK_FULL.
 */
export async function prepareDataDir(dataDir: string, socketDir: string, torrc: string): Promise<string> {
  const path = join(dataDir, 'torrc');
  try {
    for (const dir of new Set([dataDir, socketDir])) {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await chmod(dir, 0o700);
    }
    await writeFile(`${path}.new`, torrc, { mode: 0o600 });
    await rename(`${path}.new`, path); // a full disk leaves the old one whole
    return path;
  } catch (cause) {
    throw unusable(cause as NodeJS.ErrnoException);
  }
}

function unusable(cause: NodeJS.ErrnoException): TorError {
  const data = { reason: cause.code ?? 'unknown' };
  if (cause.code === 'ENOSPC' || cause.code === 'EDQUOT') {
    return new TorError('TOR_DISK_FULL', 'the configuration of tor could not be written: the disk is full', {
      hint: 'Free some space on the disk of the data directory and start again.',
      data,
      cause,
    });
  }
  return new TorError('TOR_DATA_DIR', 'the data directory of tor cannot be used', {
    hint: 'The directory must exist or be creatable, belong to this user and be writable.',
    data,
    cause,
  });
}
