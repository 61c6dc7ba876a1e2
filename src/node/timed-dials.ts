/** Dials that tell how long they took and how they ended. */

import type { Channels } from '../net/channel.ts';
import type { Clock } from '../safety/clock.ts';

export type Dials = Pick<Channels, 'dial'>;

export type OnDialed = (result: 'reached' | 'failed', tookMs: number) => void;

export function timedDials(channels: Dials, clock: Clock, onDialed: OnDialed): Dials {
  return {
    dial: async (onion, options) => {
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
