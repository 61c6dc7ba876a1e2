/** `kith gossip watch`: shows what is announced in the overlay, until it is stopped. */

import { aborted, type Context } from './context.ts';
import { withNode } from './node-client.ts';

export async function gossipWatch(context: Context): Promise<void> {
  const { output, signal } = context;
  await withNode(context, async (client) => {
    client.onNotification = (method, { onion, expiry }) => {
      if (method !== 'gossip.announced') return;
      const expiresAt = new Date(Number(expiry) * 1000).toISOString();
      output.event(
        'announced',
        { onion: String(onion), expiresAt },
        `public node ${String(onion)} until ${expiresAt}`,
      );
    };
    await client.call('gossip.watch');
    output.progress('watching', {}, 'Watching for announcements; Ctrl-C ends it.');
    const ended = await Promise.race([aborted(signal), client.closed]);
    if (ended !== undefined) throw ended;
  });
}
