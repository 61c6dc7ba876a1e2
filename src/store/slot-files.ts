/** The two files of the store key: `store.slots` (key-slots.ts) and `store.keyfile`, 32 bytes. Both are written whole. */

import { readFile } from 'node:fs/promises';
import type { Provider } from '../safety/crypto/provider.ts';
import { type Disk, diskError, writeDurably } from '../safety/disk.ts';
import { MalformedError } from '../safety/errors.ts';
import type { DataDir } from './data-dir.ts';
import { slotsDamaged } from './key-errors.ts';
import { decodeKeySlots, encodeKeySlots, type KeySlot } from './key-slots.ts';

/** Bytes of a store key, and of a key file. */
export const KEY_BYTES = 32;

/** Null where there are none. Throws StoreError SLOTS_DAMAGED or DiskError. */
export async function readSlots(dir: DataDir, provider: Provider): Promise<KeySlot[] | null> {
  const bytes = await readIfThere(dir.slots);
  if (bytes === null) return null;
  try {
    return decodeKeySlots(provider, bytes);
  } catch (error) {
    throw error instanceof MalformedError ? slotsDamaged(error) : error;
  }
}

export function writeSlots(
  dir: DataDir,
  disk: Disk,
  provider: Provider,
  slots: readonly KeySlot[],
): Promise<void> {
  return writeDurably(disk, dir.slots, encodeKeySlots(provider, slots));
}

/** The content of the key file; null where there is none that could be one. Throws DiskError. */
export async function readKeyFile(dir: DataDir): Promise<Uint8Array | null> {
  const secret = await readIfThere(dir.keyFile);
  return secret?.length === KEY_BYTES ? secret : null;
}

async function readIfThere(path: string): Promise<Uint8Array | null> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw diskError('reading the key slots', error);
  }
}
