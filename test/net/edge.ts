/** An acceptor with an echo protocol, short limits and a clock in the hands of the test. */

import type { Duplex } from 'node:stream';
import { Acceptor } from '../../src/net/acceptor.ts';
import { socketChannel } from '../../src/net/byte-channel.ts';
import { Channels } from '../../src/net/channel.ts';
import { DialHandshake } from '../../src/net/handshake.ts';
import type { AcceptorLimits } from '../../src/net/limits.ts';
import type { SecureChannel } from '../../src/net/secure-channel.ts';
import { onionOf } from '../../src/wire/onion.ts';
import { ManualClock } from '../manual-clock.ts';
import { alice, bob, handshakeInit, memoryPair } from './links.ts';

const LIMITS = { message1Ms: 1000, message3Ms: 2000, tarpitMs: 500, sweepMs: 100 };

export interface Edge {
  readonly acceptor: Acceptor;
  readonly clock: ManualClock;
  /** A raw connection to the acceptor: the attacker's end, and the acceptor's. */
  connect(): readonly [Duplex, Duplex];
  /** The acceptor's ends of all connections so far. */
  readonly accepted: readonly Duplex[];
  /** An honest dial. */
  dial(protocol?: string): Promise<SecureChannel>;
}

export function edge(limits: Partial<AcceptorLimits> = {}): Edge {
  const clock = new ManualClock();
  const acceptor = new Acceptor({ identity: bob, clock, limits: { ...LIMITS, ...limits } });
  acceptor.handle('/kith/echo', async (channel) => {
    for (let bytes = await channel.read(); bytes !== null; bytes = await channel.read())
      await channel.write(bytes);
  });
  const accepted: Duplex[] = [];
  const connect = (): readonly [Duplex, Duplex] => {
    const [ours, theirs] = memoryPair();
    ours.on('error', () => undefined);
    accepted.push(theirs);
    acceptor.accept(theirs);
    return [ours, theirs];
  };
  const open = async (_onion: unknown, { early }: { early: Uint8Array }) => {
    const lower = socketChannel(connect()[0]);
    await lower.write(early);
    return lower;
  };
  const dial = (protocol = '/kith/echo'): Promise<SecureChannel> =>
    new Channels({ open }).dial(onionOf(bob.publicKey), {
      as: alice,
      protocol,
      purpose: 't',
      isolation: 't',
    });
  return { acceptor, clock, connect, accepted, dial };
}

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn();
}

/** A valid first message. */
export function message1(): Uint8Array {
  return new DialHandshake(handshakeInit({ expectedKey: bob.publicKey })).frame1;
}
