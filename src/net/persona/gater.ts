/**
 * Whom a persona meets: peers at their own onion, in the one form of its address, and never those it was told to
 * refuse. Everything that a peer can feed in passes here: addresses for the peer store, addresses to dial, and the
 * keys that handshakes have proven.
 */

import type { ConnectionGater, PeerId } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import { toHex } from '../../safety/bytes.ts';
import { decodeOnionMultiaddr } from '../../wire/onion.ts';
import { REFUSED_PEERS } from './limits.ts';
import { dialAddress, onionOfPeer, ownAddress } from './own-address.ts';

export class Gater {
  /** Hex of onion keys, as in {@link #refused}. */
  readonly #avoided = new Set<string>();
  readonly #refused = new Set<string>();

  /**
   * Another persona of this node: dialed like anybody, and dropped once its key is proven. A dial that failed at once
   * would tell whoever named this onion to us whose it is.
   */
  avoid(peer: PeerId): void {
    const key = keyOf(peer);
    if (key !== undefined) this.#avoided.add(key);
  }

  /** One that broke rules: neither dialed nor accepted. Keys are free, so the list is short: the oldest are forgotten. */
  refuse(peer: PeerId): void {
    const key = keyOf(peer);
    if (key === undefined) return; // nobody without an onion is met
    this.#refused.add(key);
    const [oldest] = this.#refused;
    if (this.#refused.size > REFUSED_PEERS && oldest !== undefined) this.#refused.delete(oldest);
  }

  refuses(key: Uint8Array): boolean {
    return this.#refused.has(toHex(key));
  }

  /** For libp2p, which calls `filterMultiaddrForPeer` without its object: all of them are arrow functions. */
  connectionGater(): ConnectionGater {
    const denied = async (peer: PeerId): Promise<boolean> => this.#denies(peer) || this.avoids(peer);
    return {
      denyDialPeer: async (peer) => this.#denies(peer),
      denyDialMultiaddr: async (address) => this.#deniesAddress(address),
      denyOutboundConnection: async (peer, connection) =>
        this.#denies(peer) || this.#deniesAddress(connection.remoteAddr),
      denyInboundEncryptedConnection: denied,
      denyOutboundEncryptedConnection: denied,
      // once more right before the connection is announced: the refusal may have come during the upgrade
      denyInboundUpgradedConnection: denied,
      denyOutboundUpgradedConnection: denied,
      filterMultiaddrForPeer: async (peer, address) => isOwnAddress(peer, address),
    };
  }

  avoids(peer: PeerId): boolean {
    const key = keyOf(peer);
    return key !== undefined && this.#avoided.has(key);
  }

  #denies(peer: PeerId): boolean {
    const onion = onionOfPeer(peer);
    return onion === null || this.refuses(onion.publicKey);
  }

  #deniesAddress(address: Multiaddr): boolean {
    try {
      const { onion } = decodeOnionMultiaddr(address.toString());
      return !address.equals(dialAddress(onion)) || this.refuses(onion.publicKey);
    } catch {
      return true;
    }
  }
}

/** Compared as bytes, because an address may be written in more ways than one. */
function isOwnAddress(peer: PeerId, address: Multiaddr): boolean {
  const onion = onionOfPeer(peer);
  return onion !== null && address.equals(ownAddress(onion));
}

function keyOf({ publicKey }: PeerId): string | undefined {
  return publicKey === undefined ? undefined : toHex(publicKey.raw);
}
