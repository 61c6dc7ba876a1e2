/** A flood of puts over the network, by one peer and by several: what it can make a node keep, and what it costs others. */

import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { KadStream } from '../../src/dht/kad-stream.ts';
import { SERVER_LIMITS, SLOT_STORE_LIMITS, type SlotStoreLimits } from '../../src/dht/limits.ts';
import { LOG_PAGES } from '../../src/store/limits.ts';
import { dialAddress } from '../../src/net/persona/own-address.ts';
import {
  decodeKadResponse,
  encodeKadRequest,
  KAD_PROTOCOL,
  MAX_KAD_RESPONSE_BYTES,
} from '../../src/wire/kad-message.ts';
import { slotKey } from '../../src/wire/slot.ts';
import { DhtNetwork, type DhtNode } from '../dht/network.ts';

/** Small ones, so that a short flood goes beyond them. */
const LIMITS: SlotStoreLimits = {
  slots: 60,
  conflicts: 4,
  quota: { ...SLOT_STORE_LIMITS.quota, fresh: 40, updates: 20, peers: 4 },
};
/** A stored slot with name and seal, and the pages that the database keeps free. */
const BYTES_PER_SLOT = 1_500;
/** Pages of 4 KiB, each with a head, and what one batch may put on top. */
const WAL_BYTES = 1.1 * LOG_PAGES * 4_128;

let network: DhtNetwork;
let dir: string;

afterEach(async () => {
  await network.remove();
  await rm(dir, { recursive: true });
});

async function victimWith(flooders: number): Promise<{ victim: DhtNode; peers: DhtNode[] }> {
  dir = await mkdtemp(join(tmpdir(), 'kith-flood-'));
  const slotFile = (i: number): string => join(dir, `${i}.db`);
  network = await DhtNetwork.create({ n: 1 + flooders, publics: 1, storeLimits: LIMITS, slotFile });
  const [victim, ...peers] = network.nodes as [DhtNode, ...DhtNode[]];
  return { victim, peers };
}

/** Puts of fresh slots as fast as they are taken, on as many streams as there may be. Resolves with how many were kept. */
async function flood({ persona }: DhtNode, victim: DhtNode, count: number): Promise<number> {
  const { signal } = new AbortController();
  const connection = await persona.libp2p.dial(dialAddress(victim.persona.onion));
  let [left, kept] = [count, 0];
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const messages = new KadStream(
        await connection.newStream(KAD_PROTOCOL),
        'kad-response',
        MAX_KAD_RESPONSE_BYTES,
      );
      const { pk, slot } = network.writer();
      const record = { key: slotKey(pk), value: slot(1) };
      await messages.write(encodeKadRequest({ type: 'put-value', record }), signal);
      const bytes = await messages.read(signal);
      if (bytes !== null && decodeKadResponse(bytes).record !== null) kept++;
      await messages.close(signal);
    }
  };
  await Promise.allSettled(Array.from({ length: SERVER_LIMITS.streams / 2 }, worker));
  return kept;
}

function assertBounded(victim: DhtNode, flooders: number): void {
  const { slots, peers, bytes } = victim.store.stats();
  assert.ok(slots <= LIMITS.slots, `${slots} slots`);
  assert.ok(peers <= LIMITS.quota.peers, `${peers} peers counted`);
  assert.ok(bytes <= LIMITS.slots * BYTES_PER_SLOT, `${bytes} bytes of rows`);
  const connections = victim.persona.libp2p.getConnections();
  assert.ok(connections.length <= flooders + 1);
}

test('one peer fills its quota and no more, and others are still served', { timeout: 30_000 }, async () => {
  const { victim, peers } = await victimWith(2);
  const [flooder, honest] = peers as [DhtNode, DhtNode];
  const sent = SERVER_LIMITS.burst + 8;
  assert.equal(await flood(flooder, victim, sent), LIMITS.quota.fresh);
  assertBounded(victim, 2);
  assert.equal(victim.store.stats().slots, LIMITS.quota.fresh);
  assert.equal(await flood(honest, victim, 1), 1);
  const { pk, slot } = network.writer();
  assert.ok((await honest.dht.put(slot(1), { signal: AbortSignal.timeout(10_000) })).holders >= 1);
  const read = await honest.dht.get(pk, { signal: AbortSignal.timeout(10_000) });
  assert.equal(read.slot?.seq, 1);
});

test('several peers together fill the store and no more, in rows, file and counters', {
  timeout: 30_000,
}, async () => {
  const { victim, peers } = await victimWith(6);
  const kept = await Promise.all(peers.map((peer) => flood(peer, victim, SERVER_LIMITS.burst)));
  const all = kept.reduce((sum, one) => sum + one);
  assert.ok(all > LIMITS.slots, `${all} were taken in, and most let go again`);
  assertBounded(victim, 6);
  assert.equal(victim.store.stats().slots, LIMITS.slots);
  const [file, log] = await Promise.all(['', '-wal'].map((end) => sizeOf(join(dir, `0.db${end}`))));
  assert.ok((file ?? 0) <= 2 * LIMITS.slots * BYTES_PER_SLOT, `${file} bytes on disk`);
  assert.ok((log ?? 0) <= WAL_BYTES, `${log} bytes of log`);
});

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
