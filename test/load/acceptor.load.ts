/** The acceptor under siege on a unix socket. The normal tests run a small version, `npm run load` the full one. */

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Acceptor } from '../../src/net/acceptor.ts';
import { socketChannel } from '../../src/net/byte-channel.ts';
import { Channels } from '../../src/net/channel.ts';
import { linkIdentity } from '../../src/net/link-identity.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { onionOf } from '../../src/wire/onion.ts';
import { askEcho, ECHO, echo } from './honest.ts';
import { held, leftOver } from './leftovers.ts';
import { besiege, type Siege, type SiegeResult } from './siege.ts';

const CLOSED_WITHIN_MS = 2_000;

export async function runLoad(siege: Siege): Promise<SiegeResult> {
  const before = held();
  const dir = await mkdtemp(join(tmpdir(), 'kith-load-'));
  const path = join(dir, 's');
  const identity = linkIdentity(systemRandom(32));
  const onion = onionOf(identity.publicKey);
  const acceptor = new Acceptor({ identity });
  acceptor.handle(ECHO, echo);
  const server = createServer({ pauseOnConnect: true, highWaterMark: 16_384 }, (socket) =>
    acceptor.accept(socket),
  );
  server.listen({ path, backlog: 4096 });
  await once(server, 'listening');
  const channels = new Channels({
    open: async (_onion, { early }) => {
      const lower = socketChannel(connect(path));
      await lower.write(early);
      return lower;
    },
  });
  try {
    const result = await besiege(
      {
        target: { path },
        dial: (name, signal) => askEcho(channels, onion, name, signal),
        stats: () => acceptor.stats(),
      },
      siege,
    );
    await acceptor.close();
    server.close();
    await once(server, 'close');
    return { ...result, left: [...result.left, ...(await leftOver(before, CLOSED_WITHIN_MS))] };
  } finally {
    await acceptor.close();
    server.close();
    await rm(dir, { recursive: true });
  }
}
