/**
 * The dialing half of the transport: an onion multiaddr becomes a libp2p connection, or an onion a raw channel.
 * Everything that can be refused without the network is refused before it.
 */

import type { Connection, DialTransportOptions, Logger, StreamMuxerFactory } from '@libp2p/interface';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import type { ByteChannel } from '../net/byte-channel.ts';
import type { Channels, DialOptions, OpenStream, SecureChannel } from '../net/channel.ts';
import type { LinkIdentity } from '../net/link-identity.ts';
import { equal } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import { decodeOnionMultiaddr, encodeOnionMultiaddr, type OnionAddress } from '../wire/onion.ts';
import { ed25519PeerId } from '../wire/peer-id.ts';
import { OnionConnection } from './connection.ts';
import { TransportError } from './errors.ts';
import { LIBP2P_PROTOCOL, OpenConnections } from './inbound.ts';
import { checkBinding, expectedKeyOf, peerIdOfKey } from './keys.ts';

/** Dials above libp2p's default priority are user actions and jump our queue too. */
const DEFAULT_DIAL_PRIORITY = 50;

/** A raw channel from this node: by default as itself, in the transport's own circuit group. */
export type DialChannelOptions = Pick<DialOptions, 'protocol'> & Partial<DialOptions>;

export interface OutboundInit {
  /** Our own onion: not dialed, and part of the isolation, so that two transports never share a circuit. */
  readonly own: OnionAddress;
  readonly purpose: string;
  readonly bindPeerId: boolean;
  readonly open: OpenStream;
  /** Only with link `kith`: who we are on it, and its handshake. */
  readonly link: { readonly identity: LinkIdentity; readonly channels: Channels } | undefined;
  readonly muxer: StreamMuxerFactory;
  readonly log: Logger;
  readonly clock: Clock;
}

export class Outbound {
  readonly #init: OutboundInit;
  readonly #connections = new OpenConnections();

  constructor(init: OutboundInit) {
    this.#init = init;
  }

  async dial(address: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    const { onion, peerId } = decodeOnionMultiaddr(address.toString());
    if (equal(onion.publicKey, this.#init.own.publicKey)) throw dialSelf();
    return this.#init.link === undefined
      ? this.#dialRaw(onion, peerId, options)
      : this.#dialChannel(onion, peerId, options);
  }

  dialChannel(onion: OnionAddress, options: DialChannelOptions): Promise<SecureChannel> {
    const { link, own, purpose } = this.#init;
    if (link === undefined) throw noChannels();
    return link.channels.dial(onion, { as: link.identity, purpose, isolation: own.host, ...options });
  }

  /** See {@link OpenConnections.left}. */
  left(): Promise<void> {
    return this.#connections.left(this.#init.clock);
  }

  /** Through kith's handshake, which names libp2p; then yamux without a word of negotiation. */
  async #dialChannel(
    onion: OnionAddress,
    peerId: string | undefined,
    { signal, upgrader, ...options }: DialTransportOptions,
  ): Promise<Connection> {
    const { bindPeerId, muxer } = this.#init;
    const expectedKey = expectedKeyOf(onion.publicKey, peerId, bindPeerId);
    const protocol = LIBP2P_PROTOCOL;
    const channel = await this.dialChannel(onion, {
      protocol,
      expectedKey,
      signal,
      urgent: isUrgent(options),
    });
    const remotePeer = peerIdOfKey(channel.remoteKey);
    const native = { skipProtection: true, skipEncryption: true, remotePeer, muxerFactory: muxer } as const;
    return this.#upgrade(channel, onion, remotePeer.toString(), (connection) =>
      upgrader.upgradeOutbound(connection, { ...native, signal }),
    );
  }

  /** Through whatever the app configured; the peer id in the address is what its encrypter insists on. */
  async #dialRaw(
    onion: OnionAddress,
    peerId: string | undefined,
    { signal, upgrader, ...options }: DialTransportOptions,
  ): Promise<Connection> {
    const { bindPeerId, open, own, purpose } = this.#init;
    if (bindPeerId) checkBinding(onion.publicKey, peerId);
    const early = new Uint8Array(0);
    const stream = await open(onion, {
      purpose,
      isolation: own.host,
      early,
      signal,
      urgent: isUrgent(options),
    });
    return this.#upgrade(stream, onion, bindPeerId ? ed25519PeerId(onion.publicKey) : peerId, (connection) =>
      upgrader.upgradeOutbound(connection, { signal }),
    );
  }

  async #upgrade(
    channel: ByteChannel,
    onion: OnionAddress,
    peerId: string | undefined,
    run: (connection: OnionConnection) => Promise<Connection>,
  ): Promise<Connection> {
    const { log, clock } = this.#init;
    const remoteAddr = multiaddr(encodeOnionMultiaddr(onion, peerId));
    const connection = new OnionConnection({ channel, remoteAddr, direction: 'outbound', log, clock });
    this.#connections.add(connection);
    try {
      return await run(connection);
    } catch (error) {
      connection.abort(error as Error);
      throw error;
    }
  }
}

function isUrgent(options: object): boolean {
  const { priority = DEFAULT_DIAL_PRIORITY } = options as { priority?: number };
  return priority > DEFAULT_DIAL_PRIORITY;
}

function dialSelf(): TransportError {
  return new TransportError('DIAL_SELF', 'the address is the onion of this node itself', {
    hint: 'Nothing needs to be dialed.',
  });
}

/** Links of kind `libp2p` know no channels. */
export function noChannels(): TransportError {
  return new TransportError('NO_CHANNELS', "links of kind 'libp2p' carry no raw channels", {
    hint: "Create the transport with link: 'kith'.",
  });
}
