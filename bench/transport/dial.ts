/**
 * From dial() to the first byte of the reply, through the fake proxy with a round trip of 600 ms: how many round trips
 * the link adds to what a bare SOCKS connect needs.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { PrivateKey, Stream } from '@libp2p/interface';
import { createLibp2p } from 'libp2p';
import { Channels, type SecureChannel } from '../../src/net/channel.ts';
import { linkIdentity } from '../../src/net/link-identity.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { FakeNetwork } from '../../src/testnet/fake-proxy.ts';
import { OnionEndpoint } from '../../src/transport-tor/endpoint.ts';
import { onionMultiaddr, tor, torConnectionDefaults } from '../../src/transport-tor/index.ts';
import { OnionDialer } from '../../src/transport-tor/dialer.ts';
import { type OnionAddress, onionOf } from '../../src/wire/onion.ts';
import { compared, median, type Pair, type Row } from '../row.ts';

const RTT_MS = 600;
const PAIRS = 9;
const PROTOCOL = '/kith/bench/1';

interface FakePlace {
  readonly network: FakeNetwork;
  readonly socketDir: string;
}

async function fakePlace(dir: string, name: string): Promise<FakePlace> {
  const socketDir = join(dir, name);
  await mkdir(socketDir, { mode: 0o700 });
  return { network: new FakeNetwork({ dir: socketDir, delayMs: RTT_MS / 2 }), socketDir };
}

/** Time of a bare SOCKS connect to `onion`, ms. */
async function connectMs(open: OnionDialer['open'], onion: OnionAddress, isolation: string): Promise<number> {
  const startedAt = performance.now();
  const channel = await open(onion, { purpose: 'bench', isolation, early: new Uint8Array(0), urgent: true });
  const tookMs = performance.now() - startedAt;
  channel.abort(new Error('measured'));
  return tookMs;
}

function row(name: string, pairs: readonly Pair[], goal: number | null): Row {
  const added = median(pairs.map(({ value, baseline }) => (value - baseline) / RTT_MS));
  const target =
    goal === null
      ? null
      : { goal: `≤ raw connect + ${goal} RTT (measured + ${added.toFixed(2)})`, holds: () => added <= goal };
  return compared('transport', name, 'ms', pairs, target);
}

/** A raw channel whose listener answers the first byte. */
export async function dialFirstReply(dir: string): Promise<Row> {
  const { network, socketDir } = await fakePlace(dir, 'dial');
  const proxy = network.tor();
  await proxy.start();
  const endpoint = new OnionEndpoint({ seed: systemRandom(32), socketDir, services: network.services });
  endpoint.handle(PROTOCOL, answerFirst);
  await endpoint.start();
  const { open } = new OnionDialer({ socksPath: () => proxy.socksPath, secret: systemRandom(32) });
  const channels = new Channels({ open });
  try {
    const pairs: Pair[] = [];
    for (let i = 0; i < PAIRS; i++) {
      const baseline = await connectMs(open, endpoint.onion, `raw${i}`);
      const startedAt = performance.now();
      const channel = await channels.dial(endpoint.onion, {
        as: linkIdentity(systemRandom(32)),
        protocol: PROTOCOL,
        purpose: 'bench',
        isolation: `kith${i}`,
        urgent: true,
      });
      await channel.write(Uint8Array.of(1));
      await channel.read();
      pairs.push({ baseline, value: performance.now() - startedAt });
      channel.abort(new Error('measured'));
    }
    return row('dial-first-reply', pairs, 2.2);
  } finally {
    await endpoint.stop();
    await network.stop();
  }
}

async function answerFirst(channel: SecureChannel): Promise<void> {
  const first = await channel.read();
  if (first !== null) await channel.write(first);
  await channel.read().catch(() => null); // until the dialer has measured and hung up
}

/** The same through libp2p: connection, muxer, stream, protocol, echo. */
export async function dialFirstReplyLibp2p(dir: string): Promise<Row> {
  const { network, socketDir } = await fakePlace(dir, 'libp2p');
  const [serverKey, clientKey] = [await generateKeyPair('Ed25519'), await generateKeyPair('Ed25519')];
  const server = await libp2pNode(network, socketDir, serverKey, true);
  const proxy = network.tor();
  await proxy.start();
  const { open } = new OnionDialer({ socksPath: () => proxy.socksPath, secret: systemRandom(32) });
  const address = onionMultiaddr(serverKey);
  const onion = onionOf(serverKey.publicKey.raw);
  await server.handle(PROTOCOL, (stream: Stream) => {
    stream.addEventListener('message', ({ data }) => stream.send(data));
  });
  try {
    const pairs: Pair[] = [];
    for (let i = 0; i < PAIRS; i++) {
      const baseline = await connectMs(open, onion, `raw${i}`);
      const client = await libp2pNode(network, socketDir, clientKey, false);
      const startedAt = performance.now();
      const stream = await client.dialProtocol(address, PROTOCOL, { runOnLimitedConnection: true });
      const answered = new Promise((resolve) => stream.addEventListener('message', resolve, { once: true }));
      stream.send(Uint8Array.of(1));
      await answered;
      pairs.push({ baseline, value: performance.now() - startedAt });
      await client.stop();
    }
    return row('dial-first-reply-libp2p', pairs, null);
  } finally {
    await server.stop();
    await network.stop();
  }
}

async function libp2pNode(network: FakeNetwork, socketDir: string, privateKey: PrivateKey, listens: boolean) {
  return createLibp2p({
    ...torConnectionDefaults,
    privateKey,
    addresses: { listen: listens ? [onionMultiaddr(privateKey).toString()] : [] },
    transports: [tor({ tor: network.tor(), socketDir })],
  });
}
