/**
 * identify (libp2p specs) reduced to what peers of an onion need of each other: which protocols one speaks. Says
 * nothing else, and believes nothing else.
 *
 * The handshake has proven the key, and the address follows from it, so neither is sent or read; no signed record,
 * which would carry the clock in milliseconds and be kept with whatever addresses it names; no versions; and our
 * protocols come from what is registered now, not from a peer store that may remember an earlier run. There is no
 * identify-push: protocols are registered before the persona starts, and a push would let peers write at any time.
 *
 * libp2p's service does the talking; this is the view of the node that it gets.
 */

import { type Identify, type IdentifyComponents, identify } from '@libp2p/identify';
import type { IdentifyResult, PeerData, PeerId, PeerStore } from '@libp2p/interface';
import {
  ANSWER_TIMEOUT_MS,
  IDENTIFY_MESSAGE_BYTES,
  PEER_PROTOCOLS,
  PROTOCOL_NAME_CHARACTERS,
} from './limits.ts';
import { onionOfPeer, ownAddress } from './own-address.ts';

/** First part of the names of our own identify and ping: nodes of other networks have nothing to talk about. */
export const PROTOCOL_PREFIX = 'kith';

export function protocolsOnly(): (components: IdentifyComponents) => Identify {
  return (components) => {
    const service = identify({
      protocolPrefix: PROTOCOL_PREFIX,
      timeout: ANSWER_TIMEOUT_MS,
      maxMessageSize: IDENTIFY_MESSAGE_BYTES,
      runOnLimitedConnection: false,
    })({
      peerId: components.peerId,
      privateKey: components.privateKey,
      registrar: components.registrar,
      logger: components.logger,
      nodeInfo: components.nodeInfo,
      peerStore: peerStoreView(components),
      addressManager: {
        getAddresses: () => [],
        addObservedAddr: () => {},
      } as unknown as Components['addressManager'],
      events: eventsView(components),
    });
    // the class has it as a public field; the version of the protocol is in its name already
    const { host } = service as unknown as { host: { agentVersion: string; protocolVersion: string } };
    host.agentVersion = '';
    host.protocolVersion = '';
    return service;
  };
}

type Components = IdentifyComponents;

/** The part of the peer store that identify uses. */
function peerStoreView({ peerStore, peerId, registrar }: Components): PeerStore {
  const view: Pick<PeerStore, 'get' | 'patch' | 'merge'> = {
    get: async (peer, options) =>
      peer.equals(peerId)
        ? {
            id: peer,
            addresses: [],
            protocols: registrar.getProtocols(),
            metadata: new Map(),
            tags: new Map(),
          }
        : peerStore.get(peer, options),
    patch: (peer, data, options) => peerStore.patch(peer, believed(peer, data), options),
    // versions, of us and of others
    merge: (peer, _data, options) => view.get(peer, options),
  };
  return view as PeerStore;
}

/** What of a peer's message is kept: names of protocols. The address is not the peer's word but what its key says. */
function believed(peer: PeerId, { protocols }: Partial<PeerData>): Partial<PeerData> {
  const onion = onionOfPeer(peer);
  return {
    multiaddrs: onion === null ? [] : [ownAddress(onion)],
    protocols: (protocols ?? [])
      .filter(({ length }) => length <= PROTOCOL_NAME_CHARACTERS)
      .slice(0, PEER_PROTOCOLS),
  };
}

/** Listeners of `peer:identify` see no more than that either. */
function eventsView({ events }: Components): Components['events'] {
  const view: Pick<Components['events'], 'addEventListener' | 'safeDispatchEvent'> = {
    addEventListener: (...args: Parameters<Components['events']['addEventListener']>) =>
      events.addEventListener(...args),
    safeDispatchEvent: (type, init) => {
      const { peerId, protocols, connection } = (init as CustomEventInit<IdentifyResult>)
        .detail as IdentifyResult;
      const detail: IdentifyResult = {
        peerId,
        protocols: believed(peerId, { protocols }).protocols ?? [],
        connection,
        listenAddrs: [],
      };
      return events.safeDispatchEvent(type, { detail });
    },
  };
  return view as Components['events'];
}
