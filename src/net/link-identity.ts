/** Who signs on a link: an Ed25519 key that proves itself, once per connection, over the handshake. */

import { nodeProvider } from '../safety/crypto/node.ts';
import type { Provider } from '../safety/crypto/provider.ts';

export interface LinkIdentity {
  /** Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Signature, 64 bytes. May be a promise: the key can live elsewhere. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** The identity of a 32-byte Ed25519 seed, which the caller may wipe afterwards. */
export function linkIdentity(seed: Uint8Array, provider: Provider = nodeProvider): LinkIdentity {
  return provider.ed25519.signer(seed);
}
