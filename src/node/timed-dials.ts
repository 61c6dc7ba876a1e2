/** Dials of friends that tell how long they took and how they ended. Those of doors, of strangers at that, are left out. */

import type { Channels } from '../net/channel.ts';
import type { Clock } from '../safety/clock.ts';

export type Dials = Pick<Channels, 'dial'>;

export type OnDialed = (result: 'reached' | 'failed', tookMs: number) => void;

/** What a dial of a friend is for (friends/link). */
const FRIEND = 'friend';

export function timedDials(channels: Dials, clock: Clock, onDialed: OnDialed): Dials {
  return {
    dial: async (onion, options) => {
      if (options.purpose !== FRIEND) return channels.dial(onion, options);
      const startedAt = clock.monotonic();
      const over = (result: 'reached' | 'failed'): void =>
        onDialed(result, Math.round(clock.monotonic() - startedAt));
      try {
        const channel = await channels.dial(onion, options);
        over('reached');
        return channel;
      } catch (error) {
        if (options.signal?.aborted !== true) over('failed');
        throw error;
      }
    },
  };
}
