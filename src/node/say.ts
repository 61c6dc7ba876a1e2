/** Saying something to another node: under this node's own onion, or under a key made for this once. */

import type { Channels } from '../net/channel.ts';
import { linkIdentity } from '../net/link-identity.ts';
import { toHex } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import type { Log } from '../safety/log.ts';
import type { RandomBytes } from '../safety/random.ts';
import { connectPatiently } from '../say/connect.ts';
import { type Delivered, sendSay } from '../say/send.ts';
import type { OnionAddress } from '../wire/onion.ts';
import { SAY_PROTOCOL } from '../wire/say.ts';
import type { SayOptions } from './face.ts';

export interface Said extends Delivered {
  readonly tookMs: number;
}

export interface SayInit {
  readonly channels: Channels;
  /** Of the home onion. */
  readonly seed: Uint8Array;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
}

/** Resolves when `content` is on the other side's disk. Throws SayError, DialError, SocksError or ChannelError. */
export async function say(
  { channels, seed, clock, random, log }: SayInit,
  onion: OnionAddress,
  content: AsyncIterable<Uint8Array>,
  { anonymous = false, signal, onConnected, onRetry }: SayOptions,
): Promise<Said> {
  const startedAt = clock.monotonic();
  const waiting = { clock, ...(signal === undefined ? {} : { signal }) };
  const identity = {
    as: linkIdentity(anonymous ? random(32) : seed),
    purpose: anonymous ? 'say-anonymous' : 'say',
    isolation: anonymous ? toHex(random(16)) : 'home',
  };
  const dial = () =>
    channels.dial(onion, {
      ...identity,
      protocol: SAY_PROTOCOL,
      urgent: true,
      ...(signal === undefined ? {} : { signal }),
    });
  const channel = await connectPatiently(dial, {
    ...waiting,
    onRetry: (cause) => {
      log('info', 'dial failed, trying again', { code: cause.code });
      onRetry?.(cause);
    },
  });
  onConnected?.();
  const delivered = await sendSay(channel, content, waiting);
  return { ...delivered, tookMs: Math.round(clock.monotonic() - startedAt) };
}
