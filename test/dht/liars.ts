/** Nodes of the DHT that do wrong, in the ways that cost a lookup most. */

import type { Stream } from '@libp2p/interface';
import type { Libp2p } from 'libp2p';
import { KadStream } from '../../src/dht/kad-stream.ts';
import { peerOfKey } from '../../src/dht/links.ts';
import { distanceOf } from '../../src/dht/candidates.ts';
import type { SlotStore } from '../../src/dht/slot-store.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { toHex } from '../../src/safety/bytes.ts';
import type { RandomBytes } from '../../src/safety/random.ts';
import {
  decodeKadRequest,
  encodeKadResponse,
  KAD_PROTOCOL,
  type KadRequest,
  type KadResponse,
  MAX_KAD_REQUEST_BYTES,
} from '../../src/wire/kad-message.ts';

/**
 * `silence`: takes requests and never answers. `garbage`: answers noise. `flood`: names 20 peers that do not exist,
 * close to whatever is asked for, and claims to keep what it does not. `stale`: keeps the first version of a slot only,
 * and says that it keeps the others.
 */
export type Lie = 'silence' | 'garbage' | 'flood' | 'stale';

/** Ids that a flooder tries for each that it names: enough to be closer than anybody real. */
const GROUND = 40;

/** Takes the place of the node's server. */
export async function lie(libp2p: Libp2p, store: SlotStore, kind: Lie, random: RandomBytes): Promise<void> {
  const known = (): Uint8Array[] =>
    libp2p.getPeers().flatMap((peer) => (peer.publicKey === undefined ? [] : [peer.publicKey.raw]));
  const first = new Map<string, Uint8Array>();
  const answer = (request: KadRequest): KadResponse | Uint8Array | null => {
    const { type } = request;
    if (type === 'ping') return { type, record: null, closer: [] };
    if (kind === 'silence') return null;
    if (kind === 'garbage') return random(3_000);
    if (type === 'put-value') {
      const { key, value } = request.record;
      if (kind === 'stale' && !first.has(toHex(key))) first.set(toHex(key), value.slice());
      return { type, record: request.record, closer: [] };
    }
    const value = first.get(toHex(request.key)) ?? store.get(request.key);
    const record = type === 'get-value' && value !== null ? { key: request.key, value } : null;
    if (kind === 'stale') return { type, record, closer: known().slice(0, 20) };
    return { type, record: null, closer: invented(request.key, random) };
  };
  const handler = async (stream: Stream): Promise<void> => {
    const { signal } = new AbortController();
    const messages = new KadStream(stream, 'kad-request', MAX_KAD_REQUEST_BYTES);
    for (let bytes = await messages.read(signal); bytes !== null; bytes = await messages.read(signal)) {
      const response = answer(decodeKadRequest(bytes));
      if (response === null) return;
      await messages.write(response instanceof Uint8Array ? response : encodeKadResponse(response), signal);
    }
    await messages.close(signal);
  };
  await libp2p.handle(KAD_PROTOCOL, (stream) => void handler(stream).catch((error) => stream.abort(error)), {
    force: true,
  });
}

/** 20 keys nobody has, as close to a target as a moment of grinding gets. */
function invented(key: Uint8Array, random: RandomBytes): Uint8Array[] {
  const target = nodeProvider.sha256(key);
  const keys = Array.from({ length: 20 * GROUND }, () => random(32));
  const peers: [string, Uint8Array][] = keys.map((one) => [distanceOf(peerOfKey(one), target), one]);
  return peers
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, 20)
    .map(([, one]) => one);
}
