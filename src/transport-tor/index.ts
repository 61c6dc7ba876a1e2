/**
 * libp2p over Tor onion services: the transport of kith, usable in any libp2p 3 app.
 *
 * ```ts
 * import { generateKeyPair } from '@libp2p/crypto/keys'
 * import { createLibp2p } from 'libp2p'
 * import { onionMultiaddr, tor, torAddresses, torConnectionDefaults } from 'kith/transport-tor'
 *
 * const privateKey = await generateKeyPair('Ed25519')
 * const node = await createLibp2p({
 *   ...torConnectionDefaults,
 *   privateKey,
 *   addresses: torAddresses(onionMultiaddr(privateKey)),
 *   transports: [tor({ dataDir: './my-tor' })],
 * })
 * await node.dial(multiaddr('/onion3/<56 characters>:1000'))
 * ```
 *
 * By default the PeerId's Ed25519 key is also the onion's, so an address alone proves a peer, and connections use
 * kith's hybrid post-quantum handshake followed by yamux: no encrypter and no muxer has to be configured. With
 * `link: 'libp2p'` the app's own `connectionEncrypters` and `streamMuxers` are used as with any transport; then the
 * limits before authentication are libp2p's too, which know no hosts here: keep `maxIncomingPendingConnections` and
 * `inboundUpgradeTimeout` of {@link torConnectionDefaults}.
 *
 * What it does not do: hide that two onions run on one host (one tor, one uptime), make a slow circuit fast, or stop
 * other transports, mdns, bootstrap lists or relays that the app installs beside it from talking to the network.
 */

import type { TorTransportComponents, TorTransportInit } from './options.ts';
import { OnionTransport } from './transport.ts';

export type { ByteChannel, SecureChannel } from '../net/channel.ts';
export { isOnionMultiaddr, torAddresses, torConnectionDefaults } from '../net/persona/connection-defaults.ts';
export {
  type DuplicateConnectionsComponents,
  duplicateConnections,
} from '../net/persona/duplicate-connections.ts';
export { PersonaError, type PersonaErrorCode } from '../net/persona/errors.ts';
export { decodeOnion, type OnionAddress, onionOf } from '../wire/onion.ts';
export type { DialRecord } from './dial-history.ts';
export { DialPlaces } from './dial-places.ts';
export { OnionDialer, type OnionDialerInit } from './dialer.ts';
export { OnionEndpoint, type OnionEndpointInit } from './endpoint.ts';
export {
  DialError,
  type DialErrorCode,
  EndpointError,
  type EndpointErrorCode,
  SocksError,
  type SocksErrorCode,
  TransportError,
  type TransportErrorCode,
} from './errors.ts';
export { onionMultiaddr } from './keys.ts';
export { OnionServices, type PublishedOnion, type PublishOptions } from './onion-services.ts';
export type { TorHost, TorTransportComponents, TorTransportInit } from './options.ts';
export type { DialChannelOptions } from './outbound.ts';
export type { OnionTransport } from './transport.ts';
export { OnionServiceError, TorError } from './tor/errors.ts';
export { locateTor } from './tor/locate.ts';
export type { TorStatus } from './tor/status.ts';
export { Tor, type TorInit } from './tor/tor.ts';

/**
 * The transport, as libp2p takes it. Keep what the inner function returns to reach raw channels beside libp2p:
 * `transports: [(components) => (transport = tor(init)(components))]`.
 *
 * Throws TransportError KEY_TYPE or OPTIONS when the node is created, before anything starts.
 */
export function tor(init: TorTransportInit): (components: TorTransportComponents) => OnionTransport {
  return (components) => new OnionTransport(components, init);
}
