/** `kith status`: what the node in this data directory is doing. */

import type { NodeStatus, OverlayStatus } from '../node/face.ts';
import type { Context } from './context.ts';
import { withPeople } from './node-client.ts';
import { counted, duration, size } from './output.ts';

export async function status(context: Context): Promise<void> {
  const { output } = context;
  await withPeople(context, async (client) => {
    const found = await client.status();
    const { state, onion, startedAt, tor, overlay, people, pid, rssBytes } = found;
    const lines = [
      `${output.bold(state)} for ${duration(Date.now() - Date.parse(startedAt))}`,
      `onion    ${onion}`,
      `tor      ${tor.state}, ${tor.progress} % ${tor.summary}${because(tor.cause)}`,
      `overlay  ${overlayText(overlay)}`,
      `people   ${peopleText(people)}`,
      `process  ${pid}, ${size(rssBytes)} in memory`,
    ];
    output.result('status', { ...found }, lines.join('\n'));
  });
}

function peopleText({ friends, links, waiting, requests }: NodeStatus['people']): string {
  return [
    `${counted(friends, 'friend')}, ${links} connected`,
    ...(waiting > 0 ? [`${waiting} waiting to go out`] : []),
    ...(requests > 0 ? [`${counted(requests, 'request')} (kith requests)`] : []),
  ].join(', ');
}

/** For a public node with the address that others enter through, which is not the one they say things to. */
function overlayText({ state, role, peers, onion, cause }: OverlayStatus): string {
  const standing = `${state}, ${role} node, ${counted(peers, 'peer')}`;
  const name = role === 'public' ? 'overlay address (for kith peers add)' : 'handle';
  return `${standing}${onion === null ? '' : `, ${name} ${onion}`}${because(cause)}`;
}

function because(cause: string | null | undefined): string {
  return cause === null || cause === undefined ? '' : ` (${cause})`;
}
