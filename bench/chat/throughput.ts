/**
 * Messages a second from one book to another, both on database files with full durability and in this one process, over
 * a route in memory: each is sent by a call of its own, and counts when its sender has seen "delivered". Beside it, what
 * the disk makes durable in a second one after the other (append 4 KiB, fdatasync); a message needs two of those at
 * least, on the sender's disk and on the recipient's, which are one here.
 */

import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { compared, median, type Pair, type Row } from '../row.ts';
import { befriend, carry, Party, until } from './party.ts';
import { textOf } from './texts.ts';

const PAIRS = 11;
const MESSAGES_A_PAIR = 200;
const RAW_MS = 300;
const BLOCK = new Uint8Array(4096).fill(7);
const GOAL = 200;

export async function throughput(dir: string, fileSystem: string): Promise<Row> {
  const [sender, recipient] = [
    await Party.open(join(dir, 'sender')),
    await Party.open(join(dir, 'recipient')),
  ];
  await befriend(recipient, sender);
  const ends = [carry(sender, recipient), carry(recipient, sender)];
  try {
    await sendAll(sender, recipient); // the first ones compile the code
    const pairs: Pair[] = [];
    for (let i = 0; i < PAIRS; i++) {
      const baseline = datasyncsPerSecond(join(dir, 'raw'));
      pairs.push({ value: await sendAll(sender, recipient), baseline });
    }
    return compared('chat', 'throughput', 'per s', pairs, {
      goal: `≥ ${GOAL} messages/s (${fileSystem})`,
      holds: () => median(pairs.map(({ value }) => value)) >= GOAL,
    });
  } finally {
    for (const end of ends) end();
    for (const party of [sender, recipient]) party.close();
  }
}

async function sendAll(sender: Party, recipient: Party): Promise<number> {
  const before = recipient.book.chat.unread(sender.id);
  let delivered = 0;
  sender.onChat = (event) => {
    if (event.kind === 'message-changed' && event.message.state === 'delivered') delivered += 1;
  };
  const startedAt = performance.now();
  for (let i = 0; i < MESSAGES_A_PAIR; i++) {
    sender.book.chat.send(recipient.id, { text: textOf(i) });
    await turn();
  }
  await until(() => delivered >= MESSAGES_A_PAIR, 'delivery', 60_000);
  const tookMs = performance.now() - startedAt;
  if (recipient.book.chat.unread(sender.id) !== before + MESSAGES_A_PAIR)
    throw new Error('not all arrived once');
  return (MESSAGES_A_PAIR * 1000) / tookMs;
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
