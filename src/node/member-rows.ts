/**
 * Where members keep their peers and slots. Those of a public node last, under the store key. Those of a handle are
 * under a key that only this process has, and go when it goes; what a killed process left is unreadable and goes at
 * the next start.
 */

import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SLOT_ROWS, SLOT_ROWS_BYTES } from '../dht/limits.ts';
import { toHex } from '../safety/bytes.ts';
import type { RandomBytes } from '../safety/random.ts';
import { SealedRows } from '../store/sealed-rows.ts';
import type { MemberRows } from './member.ts';

/** libp2p's peer store: 2,000 peers of about 1 kB are far more than one routing table holds. */
const PEER_ROWS = 4000;
const PEER_BYTES = 4_000_000;

const HANDLE = 'handle-';

/** The rows of a public node's one member. */
export async function publicRows(dir: string, key: Uint8Array): Promise<MemberRows> {
  return open(join(dir, 'public'), key, async () => {});
}

/** New rows for one handle. */
export async function handleRows(dir: string, random: RandomBytes): Promise<MemberRows> {
  const name = HANDLE + toHex(random(8));
  return open(join(dir, name), random(32), () => removeStarting(dir, name));
}

/** Removes what killed processes left of their handles. */
export function removeHandleRows(dir: string): Promise<void> {
  return removeStarting(dir, HANDLE);
}

async function open(path: string, key: Uint8Array, after: () => Promise<void>): Promise<MemberRows> {
  const peers = SealedRows.open({ path: `${path}-peers.db`, key, maxRows: PEER_ROWS, maxBytes: PEER_BYTES });
  const slots = SealedRows.open({
    path: `${path}-slots.db`,
    key,
    maxRows: SLOT_ROWS,
    maxBytes: SLOT_ROWS_BYTES,
  });
  return {
    peers,
    slots,
    async close() {
      peers.close();
      slots.close();
      await after();
    },
  };
}

/** SQLite keeps a log beside each file. */
async function removeStarting(dir: string, start: string): Promise<void> {
  const names = await readdir(dir);
  await Promise.all(
    names.filter((name) => name.startsWith(start)).map((name) => rm(join(dir, name), { force: true })),
  );
}
