/** The transport bench: what the link costs over a bare socket, Noise, and tor's own start. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestnet } from '../../src/testnet/index.ts';
import type { Bench, Row } from '../row.ts';
import { bulkOneStream } from './bulk.ts';
import { dialFirstReply, dialFirstReplyLibp2p } from './dial.ts';
import { handshakeCpu } from './handshake.ts';
import { nodeRows } from './node.ts';
import type { Place } from './place.ts';

type Measure = (place: Place) => Promise<readonly Row[]>;

const SIMPLE: readonly (readonly [name: string, measure: Measure])[] = [
  ['handshake-cpu', async () => [await handshakeCpu()]],
  ['dial-first-reply', async ({ dir }) => [await dialFirstReply(dir)]],
  ['dial-first-reply-libp2p', async ({ dir }) => [await dialFirstReplyLibp2p(dir)]],
];

const ON_REAL_TOR: readonly (readonly [names: readonly string[], measure: Measure])[] = [
  [['bulk-1-stream'], async (place) => [await bulkOneStream(place)]],
  [['rss-node', 'rss-tor', 'up-to-reachable'], nodeRows],
];

export const transport: Bench = async function* (only, progress) {
  const dir = await mkdtemp(join(tmpdir(), 'kb-'));
  const wanted = (name: string) => only === null || only.has(name);
  try {
    for (const [name, measure] of SIMPLE) {
      if (!wanted(name)) continue;
      progress(`measuring ${name}`);
      yield* await measure({ dir, network: null });
    }
    if (!ON_REAL_TOR.some(([names]) => names.some(wanted))) return;
    progress('starting a private Tor network');
    const network = await startTestnet();
    try {
      for (const [names, measure] of ON_REAL_TOR) {
        if (!names.some(wanted)) continue;
        progress(`measuring ${names.join(', ')}`);
        const rows = await measure({ dir, network });
        yield* rows.filter(({ name }) => wanted(name));
      }
    } finally {
      await network.stop();
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};
