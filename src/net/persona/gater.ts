/**
 * Whom a persona meets: peers at their own onion, in the one form of its address, and never those it was told to
 * refuse. Everything that a peer can feed in passes here: addresses for the peer store, addresses to dial, and the
 * keys that handshakes have proven.
 */

import type { ConnectionGater, PeerId } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import { toHex } from '../../safety/bytes.ts';
import { decodeOnionMultiaddr } from '../../wire/onion.ts';
import { REFUSED_FOR_NOW } from './limits.ts';
import { dialAddress, onionOfPeer, ownAddress } from './own-address.ts';

/**
 * `for-good`: a peer that this persona must never meet, such as another persona of the node; not counted.
 * `for-now`: one that broke rules. New keys are free, so the list is short and the oldest are forgotten.
 */
export type Refusal = 'for-good' | 'for-now';

export class Gater {
  /** Hex of onion keys, as in {@link #forNow}. */
  readonly #forGood = new Set<string>();
  readonly #forNow = new Set<string>();

  refuse(peer: PeerId, refusal: Refusal): void {
    const key = peer.publicKey === undefined ? undefined : toHex(peer.publicKey.raw);
    if (key === undefined) return; // nobody without an onion is met
    if (refusal === 'for-good') this.#forGood.add(key);
    else this.#forNow.add(key);
    const [oldest] = this.#forNow;
    if (this.#forNow.size > REFUSED_FOR_NOW && oldest !== undefined) this.#forNow.delete(oldest);
  }

  refuses(key: Uint8Array): boolean {
    const hex = toHex(key);
    return this.#forGood.has(hex) || this.#forNow.has(hex);
  }

  /** For libp2p, which calls `filterMultiaddrForPeer` without its object: all of them are arrow functions. */
  connectionGater(): ConnectionGater {
    const denied = async (peer: PeerId): Promise<boolean> => this.#denies(peer);
    return {
      denyDialPeer: denied,
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
