/** The recipient of the throughput row, in a thread of its own as a node of its own has: takes what comes over its port. */

import { parentPort, workerData } from 'node:worker_threads';
import { Party } from './party.ts';
import { carryOver } from './port-route.ts';

export interface RecipientData {
  readonly dataDir: string;
  /** The sender. */
  readonly contact: Uint8Array;
}

if (parentPort === null) throw new Error('not a thread');
const port = parentPort;
const { dataDir, contact } = workerData as RecipientData;
const party = await Party.open(dataDir);
const detach = carryOver(port, party, contact);
port.on('message', (posted: unknown) => {
  if (posted !== null) return;
  detach();
  party.close();
  port.close();
});
