/**
 * The one address of a peer: its PeerId is the key of its onion, so the address follows from it. Nobody's word about
 * where a peer can be reached is needed, and none is believed.
 */

import type { PeerId } from '@libp2p/interface';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { encodeOnionMultiaddr, type OnionAddress, onionOf } from '../../wire/onion.ts';
import { ed25519PeerId } from '../../wire/peer-id.ts';

/** The onion of a peer, or null for one whose PeerId is no Ed25519 key: nobody can have its onion. */
export function onionOfPeer(peer: PeerId): OnionAddress | null {
  return peer.type === 'Ed25519' ? onionOf(peer.publicKey.raw) : null;
}

/** `/onion3/<onion>:1000`, the only form that a peer store keeps. */
export function ownAddress(onion: OnionAddress): Multiaddr {
  return multiaddr(encodeOnionMultiaddr(onionOf(onion.publicKey)));
}

/** `/onion3/<onion>:1000/p2p/<its peer id>`, the only form that is dialed. */
export function dialAddress(onion: OnionAddress): Multiaddr {
  const { publicKey } = onion;
  return multiaddr(encodeOnionMultiaddr(onionOf(publicKey), ed25519PeerId(publicKey)));
}
