/** kad-dht's own client with our server: it has to understand what we answer, and believe it stored what it put. */

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { identify } from '@libp2p/identify';
import type { PeerId } from '@libp2p/interface';
import { type KadDHT, kadDHT, type QueryEvent } from '@libp2p/kad-dht';
import { noise } from '@libp2p/noise';
import { ping } from '@libp2p/ping';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';
import { KAD_PROTOCOL } from '../../src/wire/kad-message.ts';
import { memoryTransport, quietLogger } from '../net/libp2p-pair.ts';
import { made } from './made-slots.ts';
import { peerOf, served } from './served.ts';

async function collected(events: AsyncIterable<QueryEvent>): Promise<QueryEvent[]> {
  const all: QueryEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** A libp2p node with a plain kad-dht client that knows the one server. */
async function client(t: TestContext, { address, listener, network }: Awaited<ReturnType<typeof served>>) {
  const node = await createLibp2p({
    addresses: { listen: [] },
    transports: [memoryTransport(network)],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    logger: quietLogger(),
    services: {
      identify: identify(),
      ping: ping(),
      dht: kadDHT({
        protocol: KAD_PROTOCOL,
        clientMode: true,
        initialQuerySelfInterval: 0,
        validators: { 'kith-slot': async () => undefined },
        selectors: { 'kith-slot': () => 0 },
      }),
    },
  });
  t.after(() => node.stop());
  // the class has it, its exported type does not
  const dht = node.services.dht as KadDHT & { routingTable: { add(peer: PeerId): Promise<void> } };
  await node.dial(address);
  await dht.routingTable.add(listener.peerId);
  return dht;
}

function notPut(events: readonly QueryEvent[]): boolean {
  return events.some((event) => event.name === 'QUERY_ERROR' && /not put/.test(event.error.message));
}

test("kad-dht's client puts a slot to our server, and another gets it", async (t) => {
  const node = await served(t, { peers: [peerOf('a'), peerOf('b')] });
  const [writer, reader] = await Promise.all([client(t, node), client(t, node)]);
  const signal = AbortSignal.timeout(10_000);
  const slot = made('alice', { size: 4_096 });

  const put = await collected(writer.put(slot.key, slot.bytes, { signal }));
  const answers = put.filter((event) => event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE');
  assert.equal(answers.length, 1);
  assert.ok(!notPut(put), 'it compares the record in the answer with its own');
  assert.deepEqual(node.store.get(slot.key), slot.bytes);

  const got = await collected(reader.get(slot.key, { signal }));
  const values = got.flatMap((event) => (event.name === 'VALUE' ? [event] : []));
  assert.deepEqual(
    values.map(({ value }) => new Uint8Array(value)),
    [slot.bytes],
  );
  assert.ok(values[0]?.from.equals(node.listener.peerId));
  const closer = got.flatMap((event) => (event.name === 'PEER_RESPONSE' ? event.closer : []));
  assert.ok(closer.some(({ id, multiaddrs }) => id.equals(peerOf('a')) && multiaddrs.length === 1));

  const older = made('alice', { seq: 0 });
  assert.ok(notPut(await collected(writer.put(older.key, older.bytes, { signal }))));
  assert.deepEqual(node.store.get(slot.key), slot.bytes);
});
