/**
 * What a libp2p app has to set differently when its connections go through tor. libp2p's own defaults resolve names
 * that peers choose, announce addresses of the host, and give up long before a circuit is built. Values: measured
 * with libp2p 3.3 over circuits with 0.6 and 3 s round trips (README of the transport, `index.ts`).
 *
 * Spread into `createLibp2p({ ...torConnectionDefaults, … })`; whoever overrides a part gives it whole.
 */

import type { ConnectionGater, PeerId } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import { decodeOnionMultiaddr } from '../../wire/onion.ts';
import { PersonaError } from './errors.ts';

/** Whether an address is an onion in the one form that kith dials. */
export function isOnionMultiaddr(address: Multiaddr): boolean {
  try {
    decodeOnionMultiaddr(address.toString());
    return true;
  } catch {
    return false;
  }
}

const isNotOnion = (address: Multiaddr): boolean => !isOnionMultiaddr(address);

export const torConnectionDefaults = {
  connectionManager: {
    /** None: with libp2p's own, an address from a peer ("/dnsaddr/…") causes a DNS query before any filter. */
    resolvers: {},
    /** Descriptor, introduction, rendezvous and handshake of one peer. Default 10 s. */
    dialTimeout: 120_000,
    /** The same for one address: onions take 5 to 60 s on a bad day. Default 6 s. */
    addressDialTimeout: 90_000,
    /** tor queues beyond 32 circuits; the dial queue of the transport allows as many. Default 100. */
    maxParallelDials: 8,
    /** A peer has one onion, or two while it moves: more are an attack. Default 25. */
    maxPeerAddrsToDial: 2,
    /** Dials are slow here: a long queue is only a way to be late. Default 500. */
    maxDialQueueLength: 200,
    /** Inbound handshakes over slow circuits. Default 10 s. */
    inboundUpgradeTimeout: 60_000,
    /** Two round trips of 3 s with room for head-of-line blocking. Default 10 s. */
    inboundStreamProtocolNegotiationTimeout: 30_000,
    outboundStreamProtocolNegotiationTimeout: 30_000,
    /** Unsent bytes leave at the speed of a circuit. Default 1 s. */
    connectionCloseTimeout: 10_000,
    /** Each connection holds a circuit open in tor. Default 300. */
    maxConnections: 80,
    /** libp2p's 10 are blocked by 10 idle sockets, and its limits per host do not apply: inbound has no host. */
    maxIncomingPendingConnections: 64,
    /** The dial queue backs off by itself: asking again sooner only fails. */
    reconnectRetries: 3,
    reconnectRetryInterval: 10_000,
    reconnectBackoffFactor: 3,
  },
  connectionMonitor: {
    /** Each ping is a timing signal and keeps circuits busy. Default 10 s. */
    pingInterval: 60_000,
    /** One late answer says nothing about a circuit. Default true. */
    abortConnectionOnPingFailure: false,
    /** Default 5 s at least: stalls of 10 s are normal. */
    pingTimeout: { minTimeout: 30_000, maxTimeout: 120_000 },
  },
  /** Arrow functions: libp2p calls one of them without its object. */
  connectionGater: {
    denyDialMultiaddr: async (address: Multiaddr) => isNotOnion(address),
    denyOutboundConnection: async (_peer: PeerId, connection: { remoteAddr: Multiaddr }) =>
      isNotOnion(connection.remoteAddr),
    filterMultiaddrForPeer: async (_peer: PeerId, address: Multiaddr) => isOnionMultiaddr(address),
  } satisfies ConnectionGater,
  /** Nothing here resolves names; whatever tries is stopped and seen. */
  dns: {
    query: async (): Promise<never> => {
      throw new PersonaError('NO_DNS', 'something asked for a DNS name', {
        hint: 'Remove the component that resolves names: it tells the network whom this node talks to.',
      });
    },
  },
  /** libp2p's default names its version and that of node to every peer that asks. */
  nodeInfo: { name: 'kith', version: '0', userAgent: 'kith' },
} as const;

/** `addresses` of libp2p for a node that is reachable at its onion and says so about nothing else. */
export function torAddresses(onion: Multiaddr): {
  listen: string[];
  announce: string[];
  announceFilter: (addresses: Multiaddr[]) => Multiaddr[];
} {
  const text = onion.toString();
  return {
    listen: [text],
    announce: [text],
    announceFilter: (addresses) => addresses.filter(isOnionMultiaddr),
  };
}
