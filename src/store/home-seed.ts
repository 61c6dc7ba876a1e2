/**
 * The 32-byte seed behind the home persona: one Ed25519 key that is both the onion address and the link key.
 *
 * It lies in the data directory as a plain file, mode 0600: whoever can read that file is this node. Encryption
 * at rest comes with the store; the threat model says so until then.
 */

import { readFile } from 'node:fs/promises';
import { type Disk, diskError, writeDurably } from '../safety/disk.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { DataDir } from './data-dir.ts';
import { StoreError } from './errors.ts';

/** An Ed25519 seed (RFC 8032), bytes. */
const SEED_BYTES = 32;

/** The stored seed, or null when the directory has none yet. */
export async function readHomeSeed(dir: DataDir): Promise<Uint8Array | null> {
  let seed: Uint8Array;
  try {
    seed = await readFile(dir.homeSeed);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw diskError('reading the home seed', error);
  }
  if (seed.length !== SEED_BYTES) {
    throw new StoreError('SEED_DAMAGED', `the home seed has ${seed.length} bytes instead of ${SEED_BYTES}`, {
      hint: 'Restore home.seed from a copy; without it this onion address is lost and `kith init` in a new directory makes another.',
      data: { sizeBytes: seed.length },
    });
  }
  return new Uint8Array(seed);
}

/** Makes and stores a new seed; refuses to replace one. */
export async function createHomeSeed(dir: DataDir, disk: Disk, random: RandomBytes): Promise<Uint8Array> {
  if ((await readHomeSeed(dir)) !== null) {
    throw new StoreError('SEED_EXISTS', 'this data directory has an identity already', {
      hint: 'Use it (`kith up`), or choose another directory with --data DIR.',
    });
  }
  const seed = random(SEED_BYTES);
  await writeDurably(disk, dir.homeSeed, seed);
  return seed;
}
