/**
 * Which key is which: the onion's, the PeerId's and the link's. By default all three are one Ed25519 key, so that an
 * address proves an identity; embedders whose PeerId is another key keep it and give the onion a seed of its own.
 */

import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import type { PeerId, PrivateKey } from '@libp2p/interface';
import { peerIdFromPublicKey } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { copyOf } from '../safety/bytes.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import { encodeOnionMultiaddr, ONION_PORT, onionOf } from '../wire/onion.ts';
import { ed25519KeyOf } from '../wire/peer-id.ts';
import { TransportError } from './errors.ts';

/** Ed25519 seed of a libp2p private key. Throws {@link TransportError} KEY_TYPE for other key types. */
export function seedOf(privateKey: PrivateKey): Uint8Array {
  if (privateKey.type === 'Ed25519') return copyOf(privateKey.raw, 0, 32);
  throw new TransportError('KEY_TYPE', 'the key of this libp2p node is not an Ed25519 key', {
    hint: "Create the node with an Ed25519 key, or use { bindPeerId: false, seed, link: 'libp2p' }.",
    data: { type: privateKey.type },
  });
}

/**
 * Seed of the onion: the PeerId's, unless the embedder separates the two. Throws {@link TransportError} KEY_TYPE or
 * OPTIONS.
 */
export function onionSeedOf(
  privateKey: PrivateKey,
  { bindPeerId = true, seed }: { bindPeerId?: boolean; seed?: Uint8Array },
): Uint8Array {
  if (bindPeerId && seed === undefined) return seedOf(privateKey);
  if (!bindPeerId && seed?.length === 32) return copyOf(seed);
  throw new TransportError('OPTIONS', 'the seed of the onion does not go with bindPeerId', {
    hint: 'Give { bindPeerId: false, seed } with 32 bytes, or neither.',
  });
}

/** Where a node with this Ed25519 key, or an onion of this seed, listens by default: `/onion3/<onion>:<port>`. */
export function onionMultiaddr(key: PrivateKey | Uint8Array, port: number = ONION_PORT): Multiaddr {
  const seed = key instanceof Uint8Array ? key : seedOf(key);
  return multiaddr(encodeOnionMultiaddr(onionOf(nodeProvider.ed25519.publicKey(seed), port)));
}

/** PeerId of an Ed25519 public key that a handshake has proven. */
export function peerIdOfKey(publicKey: Uint8Array): PeerId {
  return peerIdFromPublicKey(publicKeyFromRaw(publicKey));
}

/**
 * The key that a dialed peer has to prove. With a bound PeerId: the onion's, and a peer id that names another key is
 * refused. Without: the one inside the peer id, or any when the address names nobody.
 */
export function expectedKeyOf(
  onionKey: Uint8Array,
  peerId: string | undefined,
  bindPeerId: boolean,
): Uint8Array | null {
  const named = peerId === undefined ? undefined : ed25519KeyOf(peerId);
  if (peerId !== undefined && named === undefined) {
    throw new TransportError('KEY_TYPE', 'the dialed peer id holds no Ed25519 key, which links here prove', {
      hint: "Only links of kind 'libp2p' can reach peers with other keys.",
    });
  }
  if (!bindPeerId) return named ?? null;
  checkBinding(onionKey, peerId);
  return onionKey;
}

/** Throws {@link TransportError} PEER_ID_MISMATCH where the address names another peer than its onion. */
export function checkBinding(onionKey: Uint8Array, peerId: string | undefined): void {
  if (peerId === undefined || peerIdOfKey(onionKey).toString() === peerId) return;
  throw new TransportError(
    'PEER_ID_MISMATCH',
    'the address names a peer id that does not belong to its onion',
    {
      hint: 'Somebody put the address together from two peers; do not use it.',
    },
  );
}
