/**
 * The parts of `@libp2p/gossipsub` 17.1.1 that are used beyond its interface, in one place and checked at run time, so
 * that another version fails when the node is made rather than silently taking everything from everybody. They are
 * members of its class, most of them private there: no option does what is done with them (`rpc-guard.ts` says why).
 */

import type { GossipSub, GossipSubComponents } from '@libp2p/gossipsub';
import type { RPC } from '@libp2p/gossipsub/message';
import type { PeerId, Startable } from '@libp2p/interface';
import { GossipError } from './errors.ts';

export interface GossipsubInternals extends Startable {
  /** Private. Called once per inbound stream with its frames; replaced by ours. */
  pipePeerReadStream(peer: PeerId, frames: AsyncIterable<{ subarray(): Uint8Array }>): Promise<void>;
  /** Private. Decodes under the limits of the options; throws on anything else. */
  decodeRpc(bytes: Uint8Array): RPC;
  /** Private. False when there is no stream to the peer. May change `rpc`. */
  sendRpc(peer: string, rpc: RPC): boolean;
  handleReceivedRpc(peer: PeerId, rpc: RPC): Promise<void>;
  getScore(peer: string): number;
  getMeshPeers(topic: string): string[];
  readonly streamsOutbound: Map<string, unknown>;
  /** Private. The timer that `stop` of 17.1.1 leaves running. */
  readonly status: { readonly heartbeatTimeout?: ReturnType<typeof setTimeout> };
  /** Private, each: what strangers can make grow. */
  readonly seenCache: { readonly size: number };
  readonly mcache: { readonly size: number };
  readonly score: { readonly size: number };
  readonly topics: ReadonlyMap<string, unknown>;
  readonly backoff: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly idontwants: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

const METHODS = [
  'start',
  'stop',
  'pipePeerReadStream',
  'decodeRpc',
  'sendRpc',
  'handleReceivedRpc',
  'getScore',
] as const;

/** Throws GossipError LIBRARY where `service` is not what this code was written against. */
export function gossipsubInternals(service: GossipSub): GossipSub & GossipsubInternals {
  const inner = service as GossipSub & GossipsubInternals;
  const maps = [inner.streamsOutbound, inner.topics, inner.backoff, inner.idontwants];
  const fits =
    METHODS.every((name) => typeof inner[name] === 'function') &&
    maps.every((map) => map instanceof Map) &&
    [inner.seenCache, inner.mcache, inner.score].every((cache) => typeof cache?.size === 'number');
  if (!fits) throw new GossipError('LIBRARY');
  return inner;
}

/** What gossipsub gets of libp2p: no way to dial, to look anybody up, or to write down what peers say of peers. */
export function isolated(
  components: GossipSubComponents,
  registrar: GossipSubComponents['registrar'],
): GossipSubComponents {
  const { privateKey, peerId, logger } = components;
  const nothing: object = {};
  return {
    privateKey,
    peerId,
    logger,
    registrar,
    peerStore: nothing as GossipSubComponents['peerStore'],
    connectionManager: nothing as GossipSubComponents['connectionManager'],
  };
}
