/**
 * Messages a second from one book to another, both on database files with full durability, over a route in memory: each
 * is sent by a call of its own, and counts when its sender has seen "delivered". Beside it, what the disk makes durable
 * in a second one after the other (append 4 KiB, fdatasync); a message needs two of those at least, on the sender's
 * disk and on the recipient's, which are one here.
 *
 * As two nodes have, the two have a thread each; `throughput/one-thread` has both in one.
 */

import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { ContactId } from '../../src/delivery/face.ts';
import { compared, median, type Pair, type Row } from '../row.ts';
import { befriend, carry, Party } from './party.ts';
import { carryOver } from './port-route.ts';
import type { RecipientData } from './recipient.ts';
import { textOf } from './texts.ts';

const RECIPIENT = new URL('recipient.ts', import.meta.url);
const PAIRS = 11;
const MESSAGES_A_PAIR = 200;
const RAW_MS = 300;
const BLOCK = new Uint8Array(4096).fill(7);
const GOAL = 200;

export async function throughputRows(dir: string, fileSystem: string): Promise<readonly Row[]> {
  const dataDir = join(dir, 'recipient');
  const sender = await Party.open(join(dir, 'sender'));
  try {
    const recipient = await Party.open(dataDir);
    const contact = recipient.id;
    await befriend(recipient, sender);
    const measure = (): Promise<Pair[]> => pairsOf(sender, contact, join(dir, 'raw'));
    const ends = [carry(sender, recipient), carry(recipient, sender)];
    const inOneThread = await measure();
    for (const end of ends) end();
    recipient.close();

    const worker = new Worker(RECIPIENT, {
      workerData: { dataDir, contact: sender.id } satisfies RecipientData,
    });
    const detach = carryOver(worker, sender, contact);
    const inTwo = await measure();
    detach();
    worker.postMessage(null, []); // the end
    await once(worker, 'exit');
    requireAll(await Party.open(dataDir), sender.id);
    return [
      compared('chat', 'throughput', 'per s', inTwo, {
        goal: `≥ ${GOAL} messages/s (${fileSystem})`,
        holds: (_ratio, pairs) => median(pairs.map(({ value }) => value)) >= GOAL,
      }),
      compared('chat', 'throughput/one-thread', 'per s', inOneThread, null),
    ];
  } finally {
    sender.close();
  }
}

async function pairsOf(sender: Party, contact: ContactId, raw: string): Promise<Pair[]> {
  await sendAll(sender, contact); // the first ones compile the code
  const pairs: Pair[] = [];
  for (let i = 0; i < PAIRS; i++) {
    const baseline = datasyncsPerSecond(raw);
    pairs.push({ value: await sendAll(sender, contact), baseline });
  }
  return pairs;
}

/** Messages a second. */
async function sendAll(sender: Party, contact: ContactId): Promise<number> {
  let delivered = 0;
  const all = new Promise<void>((resolve) => {
    sender.onChat = (event) => {
      if (event.kind !== 'message-changed' || event.message.state !== 'delivered') return;
      delivered += 1;
      if (delivered === MESSAGES_A_PAIR) resolve();
    };
  });
  const startedAt = performance.now();
  for (let i = 0; i < MESSAGES_A_PAIR; i++) {
    sender.book.chat.send(contact, { text: textOf(i) });
    await turn();
  }
  await all;
  return (MESSAGES_A_PAIR * 1000) / (performance.now() - startedAt);
}

/** Each message of both measurements is there, once, and nothing else. */
function requireAll(recipient: Party, sender: ContactId): void {
  const arrived = recipient.book.chat.unread(sender);
  recipient.close();
  if (arrived !== 2 * (1 + PAIRS) * MESSAGES_A_PAIR) throw new Error('not all have arrived once');
}

function datasyncsPerSecond(path: string): number {
  const file = openSync(path, 'w');
  const startedAt = performance.now();
  let [count, tookMs] = [0, 0];
  while (tookMs < RAW_MS) {
    writeSync(file, BLOCK);
    fdatasyncSync(file);
    count += 1;
    tookMs = performance.now() - startedAt;
  }
  closeSync(file);
  rmSync(path);
  return (count * 1000) / tookMs;
}
