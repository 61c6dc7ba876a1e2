/** One stream, many bytes: the channel against a raw socket to the same onion on the same circuit. */

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Acceptor } from '../../src/net/acceptor.ts';
import type { ByteChannel } from '../../src/net/byte-channel.ts';
import { Channels } from '../../src/net/channel.ts';
import { linkIdentity } from '../../src/net/link-identity.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { OnionDialer } from '../../src/transport-tor/dialer.ts';
import { Tor } from '../../src/transport-tor/tor/tor.ts';
import { onionOf } from '../../src/wire/onion.ts';
import { compared, type Pair, type Row } from '../row.ts';
import type { Place } from './place.ts';

const SIZE_BYTES = 4_000_000;
const PIECE_BYTES = 64 * 1024;
const PAIRS = 11;
const PROTOCOL = '/kith/bench/1';
const ON_ONE_CIRCUIT = { purpose: 'bench', isolation: 'bulk' } as const;

export async function bulkOneStream({ dir, network }: Place): Promise<Row> {
  const seed = systemRandom(32);
  const identity = linkIdentity(seed);
  const onion = onionOf(identity.publicKey);
  const acceptor = new Acceptor({ identity });
  acceptor.handle(PROTOCOL, acknowledge);
  let raw = false;
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    if (raw) void acknowledgeRaw(socket);
    else acceptor.accept(socket);
  });
  const socketPath = join(dir, 'bulk.sock');
  server.listen(socketPath);
  await once(server, 'listening');

  const tors = ['bulk-s', 'bulk-c'].map(
    (name) => new Tor({ dataDir: join(dir, name), config: network?.clientConfig ?? [] }),
  );
  const [service, client] = tors as [Tor, Tor];
  try {
    await Promise.all(tors.map((tor) => tor.start()));
    await service.services.publish(seed, { socketPath });
    const { open } = new OnionDialer({ socksPath: () => client.socksPath, secret: systemRandom(32) });
    const channels = new Channels({ open });

    const viaChannel = () =>
      channels.dial(onion, { as: linkIdentity(systemRandom(32)), protocol: PROTOCOL, ...ON_ONE_CIRCUIT });
    const viaSocket = () => open(onion, { ...ON_ONE_CIRCUIT, early: new Uint8Array(0) });
    const pairs: Pair[] = [];
    for (let i = -1; i < PAIRS; i++) {
      raw = true;
      const baseline = await rate(await viaSocket());
      raw = false;
      const value = await rate(await viaChannel());
      if (i >= 0) pairs.push({ value, baseline }); // the first pair only opens the circuit
    }
    return compared('transport', 'bulk-1-stream', 'MB/s', pairs, {
      goal: '≥ 0.95 × raw socket',
      holds: (ratio) => ratio >= 0.95,
    });
  } finally {
    await Promise.all(tors.map((tor) => tor.stop()));
    await acceptor.close();
    server.close();
  }
}

/** MB/s from the first byte written to the acknowledgement of the last. */
async function rate(channel: ByteChannel): Promise<number> {
  const piece = systemRandom(PIECE_BYTES);
  const startedAt = performance.now();
  for (let sent = 0; sent < SIZE_BYTES; sent += PIECE_BYTES) {
    await channel.write(piece.subarray(0, Math.min(PIECE_BYTES, SIZE_BYTES - sent)));
  }
  await channel.read();
  const tookMs = performance.now() - startedAt;
  channel.abort(new Error('measured'));
  return SIZE_BYTES / tookMs / 1000;
}

async function acknowledge(channel: ByteChannel): Promise<void> {
  for (let arrived = 0; arrived < SIZE_BYTES; ) {
    const bytes = await channel.read();
    if (bytes === null) return;
    arrived += bytes.length;
  }
  await channel.write(Uint8Array.of(1));
  await channel.close();
}

async function acknowledgeRaw(socket: Socket): Promise<void> {
  socket.on('error', () => {});
  let arrived = 0;
  for await (const bytes of socket as AsyncIterable<Buffer>) {
    arrived += bytes.length;
    if (arrived >= SIZE_BYTES) socket.write(Uint8Array.of(1));
  }
}
