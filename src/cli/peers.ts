/** `kith peers`: who this node knows in the overlay. `kith peers add <onion>`: one more to enter through. */

import type { NodeStatus, OverlayPeers, Role } from '../node/face.ts';
import type { Context } from './context.ts';
import { withNode } from './node-client.ts';
import { onionArgument } from './onion-argument.ts';
import { counted, duration } from './output.ts';

export async function peers(context: Context): Promise<void> {
  const { output } = context;
  await withNode(context, async (client) => {
    const { overlay } = (await client.call('status')) as unknown as NodeStatus;
    const found = (await client.call('peers')) as unknown as OverlayPeers;
    for (const onion of found.peers) output.event('peer', { onion }, onion);
    for (const { onion, source, reachedAtMs } of found.entryPoints) {
      const seen =
        reachedAtMs === null ? 'never reached' : `reached ${duration(Date.now() - reachedAtMs)} ago`;
      const reachedAt = reachedAtMs === null ? null : new Date(reachedAtMs).toISOString();
      output.event('entry-point', { onion, source, reachedAt }, `${onion}  entry point (${source}), ${seen}`);
    }
    const counts = { peers: found.peers.length, entryPoints: found.entryPoints.length };
    output.result('peers', { role: overlay.role, ...counts }, sentence(overlay.role, counts));
  });
}

/** How it stands, and what to do where somebody has to. */
function sentence(role: Role, { peers, entryPoints }: Record<'peers' | 'entryPoints', number>): string {
  if (peers === 0 && entryPoints === 0) {
    return role === 'public'
      ? 'Nobody is here yet. Others enter with: kith peers add <the overlay address in kith status>'
      : 'This node knows nobody to enter the overlay through. Add a public node: kith peers add <onion>';
  }
  const known = `${counted(peers, 'node')} in the routing table, ${counted(entryPoints, 'node')} to enter through.`;
  return role === 'ordinary' && entryPoints === 0
    ? `${known} Add a public node, to find back after a restart: kith peers add <onion>`
    : known;
}

export async function peersAdd(context: Context, onion: string): Promise<void> {
  const { output } = context;
  const { host } = onionArgument(onion, 'entry');
  await withNode(context, async (client) => {
    output.progress('connecting', {}, 'Connecting through Tor…');
    await client.call('peers.add', { onion: host });
    output.result('added', { onion: `${host}.onion` }, 'It answers, and is remembered.');
  });
}
