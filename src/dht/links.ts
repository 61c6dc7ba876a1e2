/**
 * Connections to peers of the overlay by their id alone: the onion of a peer is the key in its id, so no address that
 * anybody claims is asked for, believed or kept. Also the memory of who did not answer, because a handle lives one
 * day and its dead id would otherwise stay in routing tables.
 *
 * Not its job: whether a peer may be dialed at all. That is said by the connection gater of the persona.
 */

import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import type { Connection, PeerId, PeerStore, Stream } from '@libp2p/interface';
import { peerIdFromPublicKey } from '@libp2p/peer-id';
import type { Multiaddr } from '@multiformats/multiaddr';
import { dialAddress, onionOfPeer } from '../net/persona/own-address.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { OnionAddress } from '../wire/onion.ts';
import { KAD_PROTOCOL } from '../wire/kad-message.ts';
import { DhtError } from './errors.ts';
import { FORGOTTEN_AFTER_FAILURES, REMEMBERED_FAILURES, USER_DIAL_PRIORITY } from './limits.ts';

/** What is needed of libp2p. */
export interface LinkComponents {
  readonly peerId: PeerId;
  readonly peerStore: Pick<PeerStore, 'delete'>;
  readonly connectionManager: {
    openConnection(
      address: Multiaddr,
      options: { signal: AbortSignal; priority?: number },
    ): Promise<Connection>;
    getConnections(peer?: PeerId): Connection[];
  };
}

/** Where the peer of this id is, or undefined for an id that holds no Ed25519 key. */
export function addressOf(peer: PeerId): Multiaddr | undefined {
  const onion = onionOfPeer(peer);
  return onion === null ? undefined : dialAddress(onion);
}

/** The peer behind an onion. */
export function peerOf(onion: OnionAddress): PeerId {
  return peerOfKey(onion.publicKey);
}

/** The peer that has an Ed25519 key. */
export function peerOfKey(publicKey: Uint8Array): PeerId {
  return peerIdFromPublicKey(publicKeyFromRaw(publicKey));
}

/** Position of a peer in the key space: SHA-256 of its id's multihash (libp2p kad-dht). */
export function kadIdOf(peer: PeerId): Uint8Array {
  return nodeProvider.sha256(peer.toMultihash().bytes);
}

export class Links {
  readonly #components: LinkComponents;
  /** Failures in a row, by peer; least recently failed first. */
  readonly #failures = new Map<string, number>();
  /** Called for a peer that is gone as far as we can tell. */
  onGone: (peer: PeerId) => Promise<void> = async () => {};

  constructor(components: LinkComponents) {
    this.#components = components;
  }

  isConnected(peer: PeerId): boolean {
    return this.#components.connectionManager.getConnections(peer).some(({ status }) => status === 'open');
  }

  /** Whether it could not be reached when it was last tried. */
  isDoubtful(peer: PeerId): boolean {
    return this.#failures.has(peer.toString());
  }

  /** A connection to the peer, at its onion. Throws {@link DhtError} PEER_UNREACHABLE, or the signal's reason. */
  async connect(
    peer: PeerId,
    options: { readonly signal: AbortSignal; readonly urgent?: boolean },
  ): Promise<Connection> {
    const address = addressOf(peer);
    if (address === undefined || peer.equals(this.#components.peerId)) throw new DhtError('PEER_UNREACHABLE');
    const { signal, urgent = false } = options;
    try {
      const connection = await this.#components.connectionManager.openConnection(address, {
        signal,
        ...(urgent ? { priority: USER_DIAL_PRIORITY } : {}),
      });
      this.#failures.delete(peer.toString());
      return connection;
    } catch (error) {
      // cut off by whoever asked; a time that ran out is the peer's failure
      if (signal.aborted && !(signal.reason instanceof DhtError)) throw signal.reason;
      this.#failed(peer);
      throw new DhtError('PEER_UNREACHABLE', { cause: error });
    }
  }

  /** A stream of the DHT's protocol on a new or open connection. */
  async open(
    peer: PeerId,
    options: { readonly signal: AbortSignal; readonly urgent?: boolean },
  ): Promise<Stream> {
    const connection = await this.connect(peer, options);
    return connection.newStream([KAD_PROTOCOL], { signal: options.signal });
  }

  /** One failed dial may be a bad circuit; several in a row are a peer that is gone. */
  #failed(peer: PeerId): void {
    const id = peer.toString();
    const failures = (this.#failures.get(id) ?? 0) + 1;
    this.#failures.delete(id);
    if (failures < FORGOTTEN_AFTER_FAILURES) {
      this.#failures.set(id, failures);
      const [oldest] = this.#failures.keys();
      if (this.#failures.size > REMEMBERED_FAILURES && oldest !== undefined) this.#failures.delete(oldest);
      return;
    }
    // not awaited: a peer that stays in the store costs a row, no dial. The table first: it writes to the store
    void this.onGone(peer)
      .then(() => this.#components.peerStore.delete(peer))
      .catch(() => undefined);
  }
}
