/**
 * The 32-byte secrets of a data directory, each in a file of its own, mode 0600:
 *
 * - `home.seed`: the Ed25519 seed of the home persona, both onion and link key. Whoever can read it is this node.
 * - `public.seed`: the same for the one onion of a public node.
 * - `store.key`: seals all database files. It protects copies of single files (a backup, a synced folder), and all
 *   of them at once where it is erased; not against whoever can read the whole directory.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Disk, diskError, writeDurably } from '../safety/disk.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { DataDir } from './data-dir.ts';
import { StoreError } from './errors.ts';

const SECRET_BYTES = 32;

/** What is lost without it. */
const LOST = {
  'home.seed': 'without it this onion address is lost and `kith init` in a new directory makes another',
  'public.seed': 'without it the address of this public node is lost; removing the file makes another',
  'store.key': 'without it what this node has stored cannot be read any more',
} as const;

export type SecretName = keyof typeof LOST;

/** The stored secret, or null when the directory has none yet. Throws StoreError SECRET_DAMAGED or DiskError. */
export async function readSecret(dir: DataDir, name: SecretName): Promise<Uint8Array | null> {
  let secret: Uint8Array;
  try {
    secret = await readFile(join(dir.root, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw diskError(`reading ${name}`, error);
  }
  if (secret.length === SECRET_BYTES) return new Uint8Array(secret);
  throw new StoreError('SECRET_DAMAGED', `${name} has ${secret.length} bytes instead of ${SECRET_BYTES}`, {
    hint: `Restore ${name} from a copy; ${LOST[name]}.`,
    data: { sizeBytes: secret.length },
  });
}

/** Makes and stores a new one; refuses to replace one, because it could never be made again. */
export async function createSecret(
  dir: DataDir,
  name: SecretName,
  disk: Disk,
  random: RandomBytes,
): Promise<Uint8Array> {
  if ((await readSecret(dir, name)) !== null) {
    throw new StoreError('SECRET_EXISTS', 'this data directory has an identity already', {
      hint: 'Use it (`kith up`), or choose another directory with --data DIR.',
    });
  }
  const secret = random(SECRET_BYTES);
  await writeDurably(disk, join(dir.root, name), secret);
  return secret;
}

/** The stored secret, or a new one. */
export async function secretOf(
  dir: DataDir,
  name: SecretName,
  disk: Disk,
  random: RandomBytes,
): Promise<Uint8Array> {
  return (await readSecret(dir, name)) ?? (await createSecret(dir, name, disk, random));
}
