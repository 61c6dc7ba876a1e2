/** The overlay bench: what a whole node weighs, and what slots, gossip and scouts cost in round trips. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, Row } from '../row.ts';
import { gossipHop } from './gossip.ts';
import { rssNode } from './node.ts';
import { scoutStart } from './scout.ts';
import { slotRows } from './slots.ts';

type Measure = (dir: string, progress: (sentence: string) => void) => Promise<readonly Row[]>;

const MEASURES: readonly (readonly [names: readonly string[], measure: Measure])[] = [
  [['rss-node'], async (dir, progress) => [await rssNode(dir, progress)]],
  [['slot-put', 'slot-get'], slotRows],
  [['gossip-hop'], async (dir) => [await gossipHop(dir)]],
  [['scout-start'], async (dir) => [await scoutStart(dir)]],
];

export const overlay: Bench = async function* (only, progress) {
  const dir = await mkdtemp(join(tmpdir(), 'kb-'));
  const wanted = (name: string) => only === null || only.has(name);
  try {
    for (const [names, measure] of MEASURES) {
      if (!names.some(wanted)) continue;
      progress(`measuring ${names.join(', ')}`);
      yield* (await measure(dir, progress)).filter(({ name }) => wanted(name));
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};
