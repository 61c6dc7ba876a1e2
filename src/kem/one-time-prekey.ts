/**
 * The one-time prekey of a private invite: an X25519 key that is mixed into one first contact, so that whoever steals
 * the device's prekeys later cannot open it. It is authenticated by the invite it stands in, not by a signature.
 *
 * Single use is the owner's part: it erases the secret in the transaction that commits the session.
 */

import type { Provider } from '../safety/crypto/provider.ts';
import { newPrekeyId } from './prekey-id.ts';
import type { Primitives } from './primitives.ts';

/** What stays with the owner. */
export interface OneTimePrekey {
  /** Never 0. */
  readonly id: number;
  /** X25519 secret, 32 bytes. */
  readonly secret: Uint8Array;
}

/** What stands in the invite. */
export interface OneTimePrekeyPublic {
  readonly id: number;
  /** X25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** A new one with an id that is not of `taken`. */
export function generateOneTimePrekey(
  { random }: Pick<Primitives, 'random'>,
  taken: readonly number[],
): OneTimePrekey {
  return { id: newPrekeyId(random, taken), secret: random(32) };
}

/** The part for the invite. */
export function publicOneTimePrekey(provider: Provider, { id, secret }: OneTimePrekey): OneTimePrekeyPublic {
  return { id, publicKey: provider.x25519.keyPair(secret).publicKey };
}
