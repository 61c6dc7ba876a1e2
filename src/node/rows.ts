/**
 * The sealed files of a node. Those of home and of a public node last, under the store key; all they hold can be found
 * again, so a file that cannot be read is set aside and begun anew. Those of a handle are under a key that only this
 * process has, and go when it goes; what a killed process left is unreadable and goes at the next start.
 */

import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SLOT_ROWS, SLOT_ROWS_BYTES } from '../dht/limits.ts';
import { toHex } from '../safety/bytes.ts';
import type { Log } from '../safety/log.ts';
import type { RandomBytes } from '../safety/random.ts';
import { StoreError } from '../store/errors.ts';
import { SealedRows } from '../store/sealed-rows.ts';
import type { MemberRows } from './member.ts';

/** libp2p's peer store: peers of about 1 kB, far more than one routing table holds. */
export const PEER_CAPS = { maxRows: 4000, maxBytes: 4_000_000 };
/** Entry points take 150 bytes each. */
export const ENTRY_POINT_CAPS = { maxRows: 1000, maxBytes: 1_000_000 };
const SLOT_CAPS = { maxRows: SLOT_ROWS, maxBytes: SLOT_ROWS_BYTES };

const HANDLE = 'handle-';

/** Damaged, or written under a store key that is gone. */
const LOST: ReadonlySet<string> = new Set(['STORE_DAMAGED', 'STORE_KEY_WRONG']);

export interface RowsInit {
  readonly path: string;
  readonly key: Uint8Array;
  readonly caps: { readonly maxRows: number; readonly maxBytes: number };
  readonly log: Log;
}

/** Throws StoreError where another process has the file open. */
export async function openRows({ path, key, caps, log }: RowsInit): Promise<SealedRows> {
  try {
    return SealedRows.open({ path, key, ...caps });
  } catch (error) {
    if (!(error instanceof StoreError && LOST.has(error.code))) throw error;
    log('warn', 'a file that cannot be read was set aside and begun anew', {
      file: `${basename(path)}.damaged`,
    });
    await rename(path, `${path}.damaged`);
    for (const beside of ['-wal', '-shm']) await rm(path + beside, { force: true });
    return SealedRows.open({ path, key, ...caps });
  }
}

/** The rows of a public node's one member. */
export function publicRows(dir: string, key: Uint8Array, log: Log): Promise<MemberRows> {
  return memberRows(join(dir, 'public'), key, log, async () => {});
}

/** New rows for one handle. */
export function handleRows(dir: string, random: RandomBytes, log: Log): Promise<MemberRows> {
  const path = join(dir, HANDLE + toHex(random(8)));
  return memberRows(path, random(32), log, () => removeStarting(path));
}

/** Removes what killed processes left of their handles. */
export function removeHandleRows(dir: string): Promise<void> {
  return removeStarting(join(dir, HANDLE));
}

async function memberRows(
  path: string,
  key: Uint8Array,
  log: Log,
  after: () => Promise<void>,
): Promise<MemberRows> {
  const peers = await openRows({ path: `${path}-peers.db`, key, caps: PEER_CAPS, log });
  try {
    const slots = await openRows({ path: `${path}-slots.db`, key, caps: SLOT_CAPS, log });
    return {
      peers,
      slots,
      async close() {
        peers.close();
        slots.close();
        await after();
      },
    };
  } catch (error) {
    peers.close();
    throw error;
  }
}

/** SQLite keeps a log beside each file. */
async function removeStarting(path: string): Promise<void> {
  const dir = dirname(path);
  const names = await readdir(dir);
  await Promise.all(
    names
      .filter((name) => name.startsWith(basename(path)))
      .map((name) => rm(join(dir, name), { force: true })),
  );
}
