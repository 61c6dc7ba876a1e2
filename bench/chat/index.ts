/** The chat bench: long histories, what they weigh, how fast messages go and how soon one is there. */

import { rm } from 'node:fs/promises';
import { type Testnet, startTestnet } from '../../src/testnet/index.ts';
import type { Bench, Row } from '../row.ts';
import { sendToDelivered } from './delivered.ts';
import { memoryRows } from './memory.ts';
import { type Place, scratch } from './place.ts';
import { historyRows, searchRows } from './reading.ts';
import { makeStores, type Stores } from './stores.ts';
import { throughputRows } from './throughput.ts';

type Measure = (place: Place) => Promise<readonly Row[]>;

/** By the name that `--only` takes. */
const MEASURES: readonly (readonly [name: string, measure: Measure])[] = [
  ['throughput', async ({ dir, fileSystem }) => throughputRows(dir, fileSystem)],
  ['history-open-100k', async ({ stores }) => historyRows(await stores())],
  ['search-100k', async ({ stores, dir }) => searchRows(await stores(), dir)],
  ['send-to-delivered', sendToDelivered],
  ['rss-100k', memoryRows],
];

export const chat: Bench = async function* (only, progress) {
  const { dir, fileSystem } = await scratch();
  let stores: Promise<Stores> | undefined;
  let network: Promise<Testnet> | undefined;
  const place: Place = {
    dir,
    fileSystem,
    stores: () => (stores ??= makeStores(dir, progress)),
    network: () => {
      if (network === undefined) progress('starting a private Tor network');
      return (network ??= startTestnet());
    },
    progress,
  };
  progress(`files are on ${fileSystem}`);
  try {
    for (const [name, measure] of MEASURES) {
      if (only !== null && !only.has(name)) continue;
      progress(`measuring ${name}`);
      yield* await measure(place);
    }
  } finally {
    await network?.then((running) => running.stop());
    await rm(dir, { recursive: true, force: true });
  }
};
