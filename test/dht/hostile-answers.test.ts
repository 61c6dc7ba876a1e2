/** Whatever addresses and sizes an answer of the DHT has: no lookup, no dial but of computed onions, nothing kept. */

import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import type { Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { KadStream } from '../../src/dht/kad-stream.ts';
import { FORGOTTEN_AFTER_FAILURES } from '../../src/dht/limits.ts';
import { peerOfKey } from '../../src/dht/links.ts';
import { concat } from '../../src/safety/bytes.ts';
import { systemClock } from '../../src/safety/clock.ts';
import {
  decodeKadRequest,
  KAD_PROTOCOL,
  type KadRequest,
  MAX_KAD_REQUEST_BYTES,
} from '../../src/wire/kad-message.ts';
import { onionOf } from '../../src/wire/onion.ts';
import { bytesField, encodeVarint, varintField } from '../../src/wire/protobuf.ts';
import { watchLeaks } from '../net/persona/leaks.ts';
import { hastyClock } from './hasty-clock.ts';
import { DhtNetwork, type DhtNode } from './network.ts';

const { leaks, restore } = watchLeaks();
after(restore);

const { signal } = new AbortController();
const TYPE = { 'put-value': 0, 'get-value': 1, 'find-node': 4, ping: 5 };
const FOUR_MIB = 4 * 1024 * 1024;

let network: DhtNetwork;
let dials: string[];

beforeEach(async () => {
  dials = [];
  const onDial = ({ host }: { readonly host: string }): unknown => dials.push(host);
  // pauses after dials that failed are minutes
  network = await DhtNetwork.create({ n: 2, publics: 1, urgent: true, onDial, clock: hastyClock(20) });
});

afterEach(() => network.remove());

async function until(holds: () => boolean, what: string): Promise<void> {
  for (const endMs = performance.now() + 8_000; !holds(); await systemClock.sleep(10)) {
    assert.ok(performance.now() < endMs, what);
  }
}

/** A node that answers pings like anybody and all else as told, and one that begins with it. */
async function hostileNode(answer: (request: KadRequest, stream: Stream) => Promise<Uint8Array | null>) {
  const node = await network.node({ entries: [] });
  const handler = async (stream: Stream): Promise<void> => {
    const messages = new KadStream(stream, 'kad-request', MAX_KAD_REQUEST_BYTES);
    const bytes = await messages.read(signal);
    if (bytes === null) return;
    const request = decodeKadRequest(bytes);
    const type = Uint8Array.of(8, TYPE[request.type]);
    const more = request.type === 'ping' ? new Uint8Array(0) : await answer(request, stream);
    if (more === null) return;
    await messages.write(concat(type, more), signal);
    await messages.close(signal);
  };
  await node.persona.libp2p.handle(KAD_PROTOCOL, (stream) => void handler(stream).catch(() => undefined), {
    force: true,
  });
  return { liar: node, victim: await network.node({ entries: [node.persona.onion] }) };
}

describe('hostile answers', { timeout: 20_000 }, () => {
  it('that claim addresses lead to the onions of the ids, and nothing of them is kept', async () => {
    const other = onionOf(network.random(32));
    const claims = [
      '/dnsaddr/evil.example',
      '/dns4/evil.example/tcp/443/wss',
      '/ip4/127.0.0.1/tcp/9051',
      '/ip4/192.0.2.1/udp/4001/quic-v1',
      '/ip6/::1/tcp/22',
      `/p2p/${peerOfKey(other.publicKey).toString()}/p2p-circuit`,
      `/onion3/${other.host}:1000`,
      `/onion3/${other.host}:1000/p2p/${peerOfKey(other.publicKey).toString()}/p2p-circuit`,
    ];
    const claimed = claims.map((claim) => ({ key: network.random(32), claim }));
    const closer = claimed.map(({ key, claim }) =>
      bytesField(
        8,
        concat(
          bytesField(1, peerOfKey(key).toMultihash().bytes),
          bytesField(2, multiaddr(claim).bytes),
          varintField(3, 1),
        ),
      ),
    );
    let finds = 0;
    const { liar, victim } = await hostileNode(async ({ type }) => {
      if (type === 'find-node') finds++;
      return concat(...closer);
    });
    // kad-dht's lookup and ours, and that of a scout
    await until(() => finds >= 2, 'both ask');
    await network.scouts([liar.persona.onion]).get([network.random(32)], { signal });
    await until(() => claimed.every(({ key }) => dials.includes(onionOf(key).host)), 'all are dialed');

    assert.ok(!dials.includes(other.host));
    const named = claimed.map(({ key }) => onionOf(key).host);
    const known = network.nodes.map(({ persona }) => persona.onion.host);
    for (const host of dials) assert.ok([...known, ...named].includes(host), host);
    assert.deepEqual(leaks, []);
    const kept = (await victim.persona.libp2p.peerStore.all()).flatMap((peer) =>
      peer.addresses.map((address) => String(address.multiaddr)),
    );
    for (const address of kept) {
      assert.ok(
        [...known, ...named].some((host) => address === `/onion3/${host}:1000`),
        address,
      );
    }
    assert.deepEqual(victim.dht.peers().map(String), [liar.persona.peerId.toString()]);
  });

  it('of 4 MiB are cut at the limit, for kad-dht and for our own lookups', async () => {
    const sent: number[] = [];
    await hostileNode(async (_request, stream) => {
      const chunk = new Uint8Array(16 * 1024);
      stream.send(encodeVarint(FOUR_MIB));
      let bytes = 0;
      while (bytes < FOUR_MIB && stream.status === 'open') {
        bytes += chunk.length;
        if (!stream.send(chunk)) await Promise.race([event(stream, 'drain'), event(stream, 'close')]);
      }
      sent.push(bytes);
      return null;
    });
    // our first looks, and kad-dht's among them
    await until(() => sent.length >= 4, 'both ask');
    for (const bytes of sent) assert.ok(bytes <= FOUR_MIB / 4, `${bytes} bytes were taken`);
  });

  it('keep-alive does not outlive a peer: its onion is dialed a few times, nothing else', async () => {
    const [alice, bob] = network.nodes as [DhtNode, DhtNode];
    const { libp2p } = alice.persona;
    await until(() => libp2p.getConnections(bob.persona.peerId).length > 0, 'connected');
    const tags = { 'keep-alive': { value: 1 } };
    const multiaddrs = [multiaddr('/dnsaddr/evil.example'), multiaddr('/ip4/127.0.0.1/tcp/9051')];
    await libp2p.peerStore.merge(bob.persona.peerId, { tags, multiaddrs });
    hasten(libp2p);
    let failed = 0;
    libp2p.addEventListener('peer:reconnect-failure', () => failed++);
    dials.length = 0;
    await network.kill([bob]);
    await until(() => failed > 0, 'given up');
    const { host } = bob.persona.onion;
    assert.ok(dials.length > FORGOTTEN_AFTER_FAILURES);
    assert.deepEqual([...new Set(dials)], [host]);
    assert.deepEqual(leaks, []);
    const { tags: left } = await libp2p.peerStore.get(bob.persona.peerId).catch(() => ({ tags: new Map() }));
    assert.ok(!left.has('keep-alive'));
  });
});

/** libp2p's pauses between reconnects, 10 s and more, are its own and know no clock of ours. */
function hasten(libp2p: unknown): void {
  const { components } = libp2p as {
    components: { connectionManager: { reconnectQueue: { retryInterval: number; backoffFactor: number } } };
  };
  const { reconnectQueue } = components.connectionManager;
  assert.equal(reconnectQueue.retryInterval, 10_000);
  reconnectQueue.retryInterval = 10;
  reconnectQueue.backoffFactor = 1;
}

function event(stream: Stream, name: 'drain' | 'close'): Promise<void> {
  return new Promise((resolve) => stream.addEventListener(name, () => resolve(), { once: true }));
}
