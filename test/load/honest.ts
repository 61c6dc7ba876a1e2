/** The honest peer of the load: a small protocol, and one dial of it from the connect to the last byte of the answer. */

import type { Channels } from '../../src/net/channel.ts';
import { linkIdentity } from '../../src/net/link-identity.ts';
import type { SecureChannel } from '../../src/net/secure-channel.ts';
import { equal, concat, utf8 } from '../../src/safety/bytes.ts';
import { systemRandom } from '../../src/safety/random.ts';
import type { OnionAddress } from '../../src/wire/onion.ts';

export const ECHO = '/kith/echo';

export async function echo(channel: SecureChannel): Promise<void> {
  for (let bytes = await channel.read(); bytes !== null; bytes = await channel.read())
    await channel.write(bytes);
}

/** Dials under a key made for it, and resolves when the whole echo is there and the other side has ended. */
export async function askEcho(
  channels: Channels,
  onion: OnionAddress,
  isolation: string,
  signal: AbortSignal,
): Promise<void> {
  const as = linkIdentity(systemRandom(32));
  const options = { as, protocol: ECHO, purpose: 'load', isolation, signal, urgent: true };
  const channel = await channels.dial(onion, options);
  try {
    const question = utf8('hello');
    await channel.write(question, signal);
    await channel.close();
    const answer: Uint8Array[] = [];
    for (let b = await channel.read(signal); b !== null; b = await channel.read(signal)) answer.push(b);
    if (!equal(concat(...answer), question)) throw new Error('wrong answer');
  } catch (error) {
    channel.abort(error as Error);
    throw error;
  }
}
