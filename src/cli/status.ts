/** `kith status`: what the node in this data directory is doing. */

import type { NodeStatus } from '../node/face.ts';
import type { Context } from './context.ts';
import { connectNode } from './node-client.ts';
import { duration, size } from './output.ts';

export async function status({ output, dataDir }: Context): Promise<void> {
  const { client } = await connectNode(dataDir);
  try {
    const found = (await client.call('status')) as unknown as NodeStatus;
    const { state, onion, startedAt, tor, pid, rssBytes } = found;
    const up = duration(Date.now() - Date.parse(startedAt));
    const torLine = `tor    ${tor.state}, ${tor.progress} % ${tor.summary}${tor.cause === undefined ? '' : ` (${tor.cause})`}`;
    output.result(
      'status',
      { ...found },
      `${output.bold(state)} for ${up}\nonion  ${onion}\n${torLine}\nprocess ${pid}, ${size(rssBytes)} in memory`,
    );
  } finally {
    client.close();
  }
}
