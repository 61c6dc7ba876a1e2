/** `kith peers`: who this node knows in the overlay. `kith peers add <onion>`: one more to enter through. */

import type { OverlayPeers } from '../node/face.ts';
import type { Context } from './context.ts';
import { connectNode } from './node-client.ts';
import { onionArgument } from './onion-argument.ts';
import { duration } from './output.ts';

export async function peers({ output, dataDir }: Context): Promise<void> {
  const { client } = await connectNode(dataDir);
  try {
    const found = (await client.call('peers')) as unknown as OverlayPeers;
    for (const onion of found.peers) output.event('peer', { onion }, onion);
    for (const { onion, source, reachedAtMs } of found.entryPoints) {
      const seen =
        reachedAtMs === null ? 'never reached' : `reached ${duration(Date.now() - reachedAtMs)} ago`;
      const reachedAt = reachedAtMs === null ? null : new Date(reachedAtMs).toISOString();
      output.event('entry-point', { onion, source, reachedAt }, `${onion}  entry point (${source}), ${seen}`);
    }
    const known = found.entryPoints.length;
    output.result(
      'peers',
      { peers: found.peers.length, entryPoints: known },
      known === 0
        ? 'This node knows nobody to enter the overlay through. Add a public node: kith peers add <onion>'
        : `${found.peers.length} in the routing table, ${known} to enter through.`,
    );
  } finally {
    client.close();
  }
}

export async function peersAdd({ output, dataDir, signal }: Context, onion: string): Promise<void> {
  const { host } = onionArgument(onion);
  const { client } = await connectNode(dataDir);
  const stop = (): void => client.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    output.progress('connecting', {}, 'Connecting through Tor…');
    await client.call('peers.add', { onion: host });
    output.result('added', { onion: `${host}.onion` }, 'It answers, and is remembered.');
  } finally {
    signal.removeEventListener('abort', stop);
    client.close();
  }
}
