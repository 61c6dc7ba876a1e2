/** A server of the DHT on a real libp2p node, and a second node that sends it whatever bytes a test wants. */

import type { TestContext } from 'node:test';
import type { Duplex } from 'node:stream';
import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import type { PeerId, Stream } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { peerIdFromPublicKey } from '@libp2p/peer-id';
import { ping } from '@libp2p/ping';
import { lpStream } from '@libp2p/utils';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import {
  SERVER_LIMITS,
  type ServerLimits,
  SLOT_STORE_LIMITS,
  type SlotStoreLimits,
} from '../../src/dht/limits.ts';
import { KadServer } from '../../src/dht/server.ts';
import { SlotStore } from '../../src/dht/slot-store.ts';
import { concat } from '../../src/safety/bytes.ts';
import { decodeKadResponse, KAD_PROTOCOL, type KadResponse } from '../../src/wire/kad-message.ts';
import { encodeVarint } from '../../src/wire/protobuf.ts';
import { memoryTransport, quietLogger } from '../net/libp2p-pair.ts';
import { bytesOf, rowsIn, signerOf, startedClock } from './made-slots.ts';

export interface ServedOptions {
  readonly limits?: Partial<ServerLimits>;
  readonly store?: Partial<SlotStoreLimits>;
  readonly peers?: readonly PeerId[];
}

export function peerOf(name: string): PeerId {
  return peerIdFromPublicKey(publicKeyFromRaw(signerOf(name).publicKey));
}

/** `message` behind its length. */
export function framed(message: Uint8Array): Uint8Array {
  return concat(encodeVarint(message.length), message);
}

export async function served(t: TestContext, options: ServedOptions = {}) {
  const clock = startedClock();
  const rows = rowsIn();
  const limits = { ...SLOT_STORE_LIMITS, ...options.store };
  const store = SlotStore.open({ rows, clock, ownId: bytesOf('own id'), limits });
  const asked: { kadId: Uint8Array; count: number }[] = [];
  const routing = {
    closest(kadId: Uint8Array, count: number): PeerId[] {
      asked.push({ kadId, count });
      return (options.peers ?? []).slice(0, count);
    },
  };
  const server = new KadServer({ store, routing, clock, limits: { ...SERVER_LIMITS, ...options.limits } });
  const network = new Map<string, (stream: Duplex) => void>();
  const node = (name: string) =>
    createLibp2p({
      addresses: { listen: [`/memory/${name}`] },
      transports: [memoryTransport(network)],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { ping: ping() },
      logger: quietLogger(),
    });
  const [listener, dialer] = await Promise.all([node('server'), node('client')]);
  t.after(() => Promise.all([listener.stop(), dialer.stop()]));
  await listener.handle(KAD_PROTOCOL, server.handle);
  const address = multiaddr(`/memory/server/p2p/${listener.peerId.toString()}`);
  const connection = await dialer.dial(address);
  const open = (): Promise<Stream> => connection.newStream(KAD_PROTOCOL);

  /** What comes back for these bytes on a stream of their own: the answer, or null where the stream is reset. */
  async function askRaw(bytes: Uint8Array): Promise<Uint8Array | null> {
    const stream = await open();
    stream.send(bytes);
    return answerOf(stream);
  }

  async function ask(message: Uint8Array): Promise<KadResponse | null> {
    const answer = await askRaw(framed(message));
    return answer === null ? null : decodeKadResponse(answer);
  }

  return { address, asked, ask, askRaw, clock, dialer, listener, network, open, rows, server, store };
}

/** The one answer that comes on a stream, or null where it is reset. */
export async function answerOf(stream: Stream): Promise<Uint8Array | null> {
  const messages = lpStream(stream);
  const signal = AbortSignal.timeout(10_000);
  try {
    const answer = (await messages.read({ signal })).slice();
    await stream.close();
    return answer;
  } catch {
    signal.throwIfAborted();
    return null;
  }
}
