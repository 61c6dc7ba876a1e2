/** Links for tests: both ends of a handshake in memory, over node streams or a real unix socket. */

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Duplex, duplexPair } from 'node:stream';
import type { TestContext } from 'node:test';
import { type ByteChannel, socketChannel } from '../../src/net/byte-channel.ts';
import { FrameReader } from '../../src/net/frame-reader.ts';
import {
  AcceptHandshake,
  CHANNEL_PROLOGUE,
  DialHandshake,
  type Established,
  type HandshakeInit,
} from '../../src/net/handshake.ts';
import { linkIdentity } from '../../src/net/link-identity.ts';
import type { RekeyLimits } from '../../src/net/record.ts';
import { LinkChannel } from '../../src/net/secure-channel.ts';
import { type Clock, systemClock } from '../../src/safety/clock.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { systemRandom } from '../../src/safety/random.ts';

export const alice = linkIdentity(new Uint8Array(32).fill(0xa1));
export const bob = linkIdentity(new Uint8Array(32).fill(0xb0));

/** What both roles need, with fresh randomness and any peer allowed. */
export function handshakeInit(changes: Partial<HandshakeInit> = {}): HandshakeInit {
  return {
    provider: nodeProvider,
    random: systemRandom,
    prologue: CHANNEL_PROLOGUE,
    identity: alice,
    expectedKey: null,
    ...changes,
  };
}

/** Without the two bytes of length in front. */
export function payloadOf(frame: Uint8Array): Uint8Array {
  return frame.subarray(2);
}

/** A whole handshake by message passing: what each side ends with. */
export async function establish(
  protocol = '/kith/test',
): Promise<{ ours: Established; theirs: Established }> {
  const dialer = new DialHandshake(handshakeInit({ expectedKey: bob.publicKey }));
  const acceptor = new AcceptHandshake(handshakeInit({ identity: bob }));
  const frame2 = await acceptor.answer(payloadOf(dialer.frame1), []);
  const { frame3, established } = await dialer.complete(payloadOf(frame2), 0, () => [protocol]);
  return { ours: established, theirs: acceptor.complete(payloadOf(frame3)) };
}

export interface PairOptions {
  readonly clock?: Clock;
  readonly rekey?: RekeyLimits;
  /** The two ends of the connection below; default: a pair in memory. */
  readonly ends?: readonly [Duplex, Duplex];
}

export interface Pair {
  readonly ours: LinkChannel;
  readonly theirs: LinkChannel;
  readonly ends: readonly [Duplex, Duplex];
  readonly lowers: readonly [ByteChannel, ByteChannel];
}

/** Two ends of one authenticated channel. */
export async function channelPair({
  clock = systemClock,
  rekey,
  ends = memoryPair(),
}: PairOptions = {}): Promise<Pair> {
  const { ours, theirs } = await establish();
  const lowers = [socketChannel(ends[0]), socketChannel(ends[1])] as const;
  const channel = (lower: ByteChannel, established: Established): LinkChannel => {
    const init = { lower, frames: new FrameReader(lower), established, protocol: '/kith/test', clock };
    return new LinkChannel(rekey === undefined ? init : { ...init, rekey });
  };
  return { ours: channel(lowers[0], ours), theirs: channel(lowers[1], theirs), ends, lowers };
}

/**
 * Two ends of a connection in memory. When one end is destroyed so is the other: node's own pair does that in some
 * versions only.
 */
export function memoryPair(): readonly [Duplex, Duplex] {
  const [a, b] = duplexPair();
  a.once('close', () => b.destroy());
  b.once('close', () => a.destroy());
  return [a, b];
}

/** Two ends of a unix socket; destroyed, with its folder, after the test. */
export async function socketPair(t: TestContext): Promise<readonly [Socket, Socket]> {
  const dir = await mkdtemp(join(tmpdir(), 'kith-link-'));
  const path = join(dir, 's');
  const server = createServer({ pauseOnConnect: true, highWaterMark: 16_384 }).listen(path);
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const ours = connect(path);
  const [theirs] = (await accepted) as [Socket];
  t.after(async () => {
    ours.destroy();
    theirs.destroy();
    server.close();
    await rm(dir, { recursive: true });
  });
  return [ours, theirs];
}

/** Everything until the end, as one. */
export async function readAll(channel: ByteChannel): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let part = await channel.read(); part !== null; part = await channel.read()) parts.push(part);
  return Uint8Array.from(Buffer.concat(parts));
}
