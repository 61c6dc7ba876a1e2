/**
 * X-Wing (draft-connolly-cfrg-xwing-kem sections 5.2 to 5.5) as a composition of a provider's X25519 and ML-KEM-768,
 * because node:crypto has no key object for it. Confidentiality needs one of the two to hold.
 *
 * Stricter than the draft in one point: an all-zero X25519 result is refused, as RFC 9180 section 7.1.4 asks of
 * X25519. The noble provider uses the library's own X-Wing instead, so that the two check each other.
 */

import { createHash, randomBytes } from 'node:crypto';
import { concat, fromHex, wipe } from '../bytes.ts';
import { type Kem, requirePeerSize, requireSize, type X25519 } from './provider.ts';

/** `\.//^\`: the label that ends the combiner's input (section 5.3). */
const LABEL = fromHex('5c2e2f2f5e5c');

const ML_KEM_KEY_BYTES = 1184;
const ML_KEM_CIPHERTEXT_BYTES = 1088;

/** Combiner of section 5.3: the shared secret (32). */
function combine(
  kemSecret: Uint8Array,
  dhSecret: Uint8Array,
  dhCiphertext: Uint8Array,
  dhPublicKey: Uint8Array,
): Uint8Array {
  const hash = createHash('sha3-256').update(kemSecret).update(dhSecret);
  const secret = hash.update(dhCiphertext).update(dhPublicKey).update(LABEL).digest();
  wipe(kemSecret, dhSecret);
  return new Uint8Array(secret.buffer, secret.byteOffset, secret.length);
}

/** X-Wing of these parts. Takes coins where `mlKem768` does. */
export function xWing(x25519: X25519, mlKem768: Kem): Kem {
  return {
    keyPair(seed) {
      requireSize('X-Wing seed', seed, 32);
      const expanded = createHash('shake256', { outputLength: 96 }).update(seed).digest();
      const kem = mlKem768.keyPair(expanded.subarray(0, 64));
      const dh = x25519.keyPair(expanded.subarray(64));
      wipe(expanded);
      return {
        publicKey: concat(kem.publicKey, dh.publicKey),
        decapsulate(ciphertext) {
          requirePeerSize('x-wing', ciphertext, ML_KEM_CIPHERTEXT_BYTES + 32);
          const dhCiphertext = ciphertext.subarray(ML_KEM_CIPHERTEXT_BYTES);
          const dhSecret = dh.agree(dhCiphertext);
          const kemSecret = kem.decapsulate(ciphertext.subarray(0, ML_KEM_CIPHERTEXT_BYTES));
          return combine(kemSecret, dhSecret, dhCiphertext, dh.publicKey);
        },
      };
    },

    encapsulate(publicKey, coins) {
      if (coins !== undefined) requireSize('X-Wing coins', coins, 64);
      requirePeerSize('x-wing', publicKey, ML_KEM_KEY_BYTES + 32);
      const dhPublicKey = publicKey.subarray(ML_KEM_KEY_BYTES);
      const kem = mlKem768.encapsulate(publicKey.subarray(0, ML_KEM_KEY_BYTES), coins?.subarray(0, 32));
      const ephemeral = coins === undefined ? randomBytes(32) : new Uint8Array(coins.subarray(32));
      const dh = x25519.keyPair(ephemeral);
      wipe(ephemeral);
      return {
        ciphertext: concat(kem.ciphertext, dh.publicKey),
        sharedSecret: combine(kem.sharedSecret, dh.agree(dhPublicKey), dh.publicKey, dhPublicKey),
      };
    },
  };
}
