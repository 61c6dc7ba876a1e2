/**
 * Provider on the @noble libraries: portable, independent of OpenSSL, and the only one that can encapsulate with
 * given coins. The oracle in tests, and the producer of deterministic vectors.
 *
 * Not constant-time, and 2 to 60 times slower than `node.ts` (bench/RESULTS.md); secrets stay in the JavaScript heap.
 */

import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { ml_kem768_x25519 } from '@noble/post-quantum/hybrid.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem1024, ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { concat, equal } from '../bytes.ts';
import { passesByteChecks } from './ed25519-rule.ts';
import {
  type Aead,
  CryptoError,
  isMlDsaInput,
  type Kem,
  type Provider,
  requireAeadSizes,
  requireHkdfSizes,
  requireMlDsaContext,
  requirePeerSize,
  requireSize,
} from './provider.ts';

const { Point } = ed25519;

/** Runs a primitive on bytes of the peer; whatever it throws means "refused". */
function refusing<T>(primitive: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new CryptoError(primitive, error);
  }
}

type Cipher = (
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
) => { encrypt(plaintext: Uint8Array): Uint8Array; decrypt(ciphertext: Uint8Array): Uint8Array };

function aead(name: string, cipher: Cipher): Aead {
  return {
    seal(key, nonce, aad, ...plaintext) {
      requireAeadSizes(key, nonce);
      const whole = plaintext.length === 1 ? (plaintext[0] as Uint8Array) : concat(...plaintext);
      return cipher(key, nonce, aad).encrypt(whole);
    },
    open(key, nonce, aad, ciphertext) {
      requireAeadSizes(key, nonce);
      const opener = cipher(key, nonce, aad);
      return refusing(name, () => opener.decrypt(ciphertext));
    },
  };
}

function kem(name: string, library: typeof ml_kem768_x25519, coinsBytes: number): Kem {
  const {
    seed: seedBytes = 0,
    publicKey: publicKeyBytes = 0,
    cipherText: ciphertextBytes = 0,
  } = library.lengths;
  return {
    keyPair(seed) {
      requireSize(`${name} seed`, seed, seedBytes);
      const { publicKey, secretKey } = library.keygen(new Uint8Array(seed));
      return {
        publicKey,
        decapsulate(ciphertext) {
          requirePeerSize(name, ciphertext, ciphertextBytes);
          return refusing(name, () => library.decapsulate(ciphertext, secretKey));
        },
      };
    },
    encapsulate(publicKey, coins) {
      if (coins !== undefined) requireSize(`${name} coins`, coins, coinsBytes);
      requirePeerSize(name, publicKey, publicKeyBytes);
      const { cipherText, sharedSecret } = refusing(name, () => library.encapsulate(publicKey, coins));
      return { ciphertext: cipherText, sharedSecret };
    },
  };
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  return value;
}

/** R = S·B - k·A with k reduced mod L, compared as bytes: the cofactorless equation by point arithmetic. */
function satisfiesEquation(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const r = signature.subarray(0, 32);
  const k = littleEndian(sha512(concat(r, publicKey, message))) % Point.Fn.ORDER;
  const minusKA = Point.fromBytes(publicKey, false).multiplyUnsafe(k).negate();
  const expected = Point.BASE.multiplyUnsafe(littleEndian(signature.subarray(32))).add(minusKA);
  return equal(expected.toBytes(), r);
}

export const nobleProvider: Provider = {
  sha256: (...parts) => sha256(concat(...parts)),

  sha384: (...parts) => sha384(concat(...parts)),

  hmacSha256: (key, ...parts) => hmac(sha256, key, concat(...parts)),

  hkdfSha256(ikm, salt, info, length) {
    requireHkdfSizes(info, length);
    return hkdf(sha256, ikm, salt, info, length);
  },

  x25519: {
    keyPair(secret) {
      requireSize('X25519 secret', secret, 32);
      const own = new Uint8Array(secret);
      return {
        publicKey: x25519.getPublicKey(own),
        agree(peer) {
          requirePeerSize('x25519', peer, 32);
          return refusing('x25519', () => x25519.getSharedSecret(own, peer));
        },
      };
    },
  },

  mlKem768: kem('ml-kem-768', ml_kem768, 32),

  mlKem1024: kem('ml-kem-1024', ml_kem1024, 32),

  xWing: kem('x-wing', ml_kem768_x25519, 64),

  chaCha20Poly1305: aead('chacha20-poly1305', chacha20poly1305),

  aes256Gcm: aead('aes-256-gcm', gcm),

  ed25519: {
    publicKey(seed) {
      requireSize('Ed25519 seed', seed, 32);
      return ed25519.getPublicKey(seed);
    },
    signer(seed) {
      requireSize('Ed25519 seed', seed, 32);
      const own = new Uint8Array(seed);
      return { publicKey: ed25519.getPublicKey(own), sign: (message) => ed25519.sign(message, own) };
    },
    verify(publicKey, message, signature) {
      if (!passesByteChecks(publicKey, signature)) return false;
      try {
        return satisfiesEquation(publicKey, message, signature);
      } catch {
        // a y without a point on the curve
        return false;
      }
    },
  },

  mlDsa65: {
    keyPair(seed) {
      requireSize('ML-DSA-65 seed', seed, 32);
      const { publicKey, secretKey } = ml_dsa65.keygen(new Uint8Array(seed));
      return {
        publicKey,
        sign(message, context, randomness) {
          requireMlDsaContext(context);
          if (randomness !== undefined) requireSize('ML-DSA-65 randomness', randomness, 32);
          return ml_dsa65.sign(message, secretKey, {
            context,
            ...(randomness === undefined ? {} : { extraEntropy: randomness }),
          });
        },
      };
    },
    verify(publicKey, message, signature, context) {
      if (!isMlDsaInput(publicKey, signature, context)) return false;
      return ml_dsa65.verify(signature, message, publicKey, { context });
    },
  },
};
