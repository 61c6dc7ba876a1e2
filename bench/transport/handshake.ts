/** CPU of one link handshake, both sides in one process, against @libp2p/noise on the same pair of streams. */

import { noise } from '@libp2p/noise';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { ConnectionEncrypter } from '@libp2p/interface';
import { defaultLogger } from '@libp2p/logger';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { streamPair } from '@libp2p/utils';
import { noiseHfs } from '../../src/net/noise-hfs.ts';
import { compared, type Pair, type Row } from '../row.ts';

const PAIRS = 15;
const HANDSHAKES = 40;

type Factory = (components: never) => ConnectionEncrypter;

export async function handshakeCpu(): Promise<Row> {
  const ours = await encrypters(noiseHfs());
  const theirs = await encrypters(noise());
  const pairs: Pair[] = [];
  for (let i = -2; i < PAIRS; i++) {
    const baseline = await cpuMs(theirs);
    const value = await cpuMs(ours);
    if (i >= 0) pairs.push({ value, baseline }); // the first two warm the compiler up
  }
  return compared('transport', 'handshake-cpu', 'ms', pairs, {
    goal: '≤ 1.5 × @libp2p/noise',
    holds: (ratio) => ratio <= 1.5,
  });
}

async function encrypters(factory: Factory): Promise<readonly [ConnectionEncrypter, ConnectionEncrypter]> {
  const make = async () => {
    const privateKey = await generateKeyPair('Ed25519');
    const components = {
      privateKey,
      peerId: peerIdFromPrivateKey(privateKey),
      logger: defaultLogger(),
      upgrader: { getStreamMuxers: () => new Map() },
    };
    return factory(components as never);
  };
  return [await make(), await make()];
}

/** CPU milliseconds (user and system) of one handshake, both sides. */
async function cpuMs([a, b]: readonly [ConnectionEncrypter, ConnectionEncrypter]): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < HANDSHAKES; i++) {
    const [outbound, inbound] = await streamPair();
    await Promise.all([a.secureOutbound(outbound), b.secureInbound(inbound)]);
    outbound.abort(new Error('measured'));
    inbound.abort(new Error('measured'));
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / HANDSHAKES;
}
