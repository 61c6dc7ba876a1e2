/** Ends a channel so that the other side sees an end and not a loss, if it cares to look. */

import type { ByteChannel } from '../../net/channel.ts';
import type { Clock } from '../../safety/clock.ts';
import { LinkError } from './errors.ts';
import { FAREWELL_MS } from './limits.ts';

/** Throws away what still comes. Never rejects; the channel is ended in both directions, or gone, when this returns. */
export async function farewell(channel: ByteChannel, clock: Clock): Promise<void> {
  const over = new AbortController();
  const late = clock.sleep(FAREWELL_MS, over.signal).then(() => {
    throw new LinkError('LINK_CLOSED');
  });
  try {
    await Promise.race([Promise.all([channel.close(), drain(channel, over.signal)]), late]);
  } catch {
    // whatever it was: there is nothing left to do with it
    channel.abort(new LinkError('LINK_CLOSED'));
  } finally {
    over.abort();
    await late.catch(() => undefined);
  }
}

async function drain(channel: ByteChannel, signal: AbortSignal): Promise<void> {
  while ((await channel.read(signal)) !== null);
}
