/**
 * An onion under siege through real tor: the service, the attackers and the honest peer have a tor each, on a private
 * network. Proof of work and streams per circuit are what a node has. Not measured: the public network's distances.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Channels } from '../../src/net/channel.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { OnionDialer } from '../../src/transport-tor/dialer.ts';
import { OnionEndpoint } from '../../src/transport-tor/endpoint.ts';
import { Tor } from '../../src/transport-tor/tor/tor.ts';
import { askEcho, ECHO, echo } from './honest.ts';
import { held, leftOver } from './leftovers.ts';
import { besiege, type Siege, type SiegeResult } from './siege.ts';

const CLOSED_WITHIN_MS = 5_000;
/** tor holds itself back to 32 circuits under way; an attacker does not. */
const UNRESTRAINED = ['MaxClientCircuitsPending 1024'];

/** On the network that `clientConfig` makes a tor join. */
export async function runOnionLoad(
  { clientConfig }: { readonly clientConfig: readonly string[] },
  siege: Siege,
): Promise<SiegeResult> {
  const before = held();
  const dir = await mkdtemp(join(tmpdir(), 'kl-'));
  const tor = (name: string, extra: readonly string[] = []): Tor =>
    new Tor({ dataDir: join(dir, name), config: [...clientConfig, ...extra] });
  const [service, attacker, honest] = [tor('s'), tor('a', UNRESTRAINED), tor('h')];
  const endpoint = new OnionEndpoint({
    seed: systemRandom(32),
    socketDir: join(dir, 'e'),
    services: service.services,
  });
  endpoint.handle(ECHO, echo);
  const stop = async (): Promise<void> => {
    await endpoint.stop();
    await Promise.all([service, attacker, honest].map((each) => each.stop()));
  };
  try {
    await Promise.all([service, attacker, honest].map((each) => each.start()));
    await endpoint.start();
    siege.progress?.('the onion is published');
    const dialer = new OnionDialer({
      socksPath: () => honest.socksPath,
      secret: systemRandom(32),
      ready: (signal) => honest.ready(signal),
      refresh: (host, signal) => honest.services.refresh(host, signal),
    });
    const channels = new Channels({ open: dialer.open });
    const { host, port } = endpoint.onion;
    let dials = 0;
    const result = await besiege(
      {
        target: { socksPath: attacker.socksPath, host, port },
        // every other dial is of a peer that comes for the first time, on circuits of its own
        dial: (name, signal) => askEcho(channels, endpoint.onion, dials++ % 2 === 0 ? 'known' : name, signal),
        stats: () => endpoint.stats(),
        torPid: service.status().pid,
      },
      siege,
    );
    await stop();
    return { ...result, left: [...result.left, ...(await leftOver(before, CLOSED_WITHIN_MS))] };
  } finally {
    await stop();
    await rm(dir, { recursive: true });
  }
}
