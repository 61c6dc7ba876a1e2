/**
 * Provider on node:crypto (OpenSSL 3.5): the default. Secrets live in KeyObjects, outside the JavaScript heap.
 *
 * Authentication tags are forced to 16 bytes, because Node 24 accepts shorter ones unless told. OpenSSL's Ed25519
 * is cofactorless with S < L; the rest of the rule is checked on the bytes first. Encapsulation with chosen coins
 * is not possible here: deterministic vectors come from the noble provider.
 */

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  decapsulate,
  diffieHellman,
  encapsulate,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { passesByteChecks } from './ed25519-rule.ts';
import {
  ED25519_KEY,
  importPublic,
  importSecret,
  ML_KEM_768_KEY,
  publicBytes,
  X25519_KEY,
} from './key-format.ts';
import { type Aead, CryptoError, type Provider, requireAeadSizes, requireSize } from './provider.ts';

const TAG = { authTagLength: 16 } as const;

/** A plain view, so that Buffer's different `slice` and `toString` never leave this file. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function importPeer(type: typeof X25519_KEY, bytes: Uint8Array): KeyObject {
  try {
    return importPublic(type, bytes);
  } catch (error) {
    throw new CryptoError(type.name, error);
  }
}

/** The types know the two ciphers as one function each; at run time they are one. */
function aead(cipherName: 'chacha20-poly1305' | 'aes-256-gcm'): Aead {
  const name = cipherName as 'chacha20-poly1305';
  return {
    seal(key, nonce, aad, ...plaintext) {
      requireAeadSizes(key, nonce);
      const cipher = createCipheriv(name, key, nonce, TAG);
      let plaintextLength = 0;
      for (const part of plaintext) plaintextLength += part.length;
      if (aad.length > 0) cipher.setAAD(aad, { plaintextLength });
      // not zeroed first: every byte is written, and records of 64 KiB make the difference felt
      const sealed = Buffer.allocUnsafe(plaintextLength + TAG.authTagLength);
      let at = 0;
      for (const part of plaintext) at += cipher.update(part).copy(sealed, at);
      at += cipher.final().copy(sealed, at);
      cipher.getAuthTag().copy(sealed, at);
      return plain(sealed);
    },
    open(key, nonce, aad, ciphertext) {
      requireAeadSizes(key, nonce);
      const plaintextLength = ciphertext.length - TAG.authTagLength;
      if (plaintextLength < 0) throw new CryptoError(name);
      const decipher = createDecipheriv(name, key, nonce, TAG);
      if (aad.length > 0) decipher.setAAD(aad, { plaintextLength });
      decipher.setAuthTag(ciphertext.subarray(plaintextLength));
      const plaintext = decipher.update(ciphertext.subarray(0, plaintextLength));
      try {
        decipher.final();
      } catch (error) {
        plaintext.fill(0);
        throw new CryptoError(name, error);
      }
      return plain(plaintext);
    },
  };
}

export const nodeProvider: Provider = {
  sha256(...parts) {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    return plain(hash.digest());
  },

  hmacSha256(key, ...parts) {
    const mac = createHmac('sha256', key);
    for (const part of parts) mac.update(part);
    return plain(mac.digest());
  },

  x25519: {
    keyPair(secret) {
      requireSize('X25519 secret', secret, 32);
      const privateKey = importSecret(X25519_KEY, secret);
      return {
        publicKey: publicBytes(X25519_KEY, privateKey),
        agree(peer) {
          requireSize('X25519 public key', peer, 32);
          const publicKey = importPeer(X25519_KEY, peer);
          try {
            // OpenSSL refuses the all-zero result itself (RFC 7748 section 6.1)
            return plain(diffieHellman({ privateKey, publicKey }));
          } catch (error) {
            throw new CryptoError('x25519', error);
          }
        },
      };
    },
  },

  mlKem768: {
    keyPair(seed) {
      requireSize('ML-KEM-768 seed', seed, 64);
      const secret = importSecret(ML_KEM_768_KEY, seed);
      return {
        publicKey: publicBytes(ML_KEM_768_KEY, secret),
        decapsulate(ciphertext) {
          requireSize('ML-KEM-768 ciphertext', ciphertext, 1088);
          return plain(decapsulate(secret, ciphertext));
        },
      };
    },
    encapsulate(publicKey, coins) {
      if (coins !== undefined) {
        throw new RangeError('node:crypto cannot encapsulate with given coins: use the noble provider');
      }
      requireSize('ML-KEM-768 public key', publicKey, 1184);
      // the import is where OpenSSL does the modulus check of FIPS 203 section 7.2
      const { ciphertext, sharedKey } = encapsulate(importPeer(ML_KEM_768_KEY, publicKey));
      return { ciphertext: plain(ciphertext), sharedSecret: plain(sharedKey) };
    },
  },

  chaCha20Poly1305: aead('chacha20-poly1305'),

  aes256Gcm: aead('aes-256-gcm'),

  ed25519: {
    publicKey(seed) {
      requireSize('Ed25519 seed', seed, 32);
      return publicBytes(ED25519_KEY, importSecret(ED25519_KEY, seed));
    },
    signer(seed) {
      requireSize('Ed25519 seed', seed, 32);
      const secret = importSecret(ED25519_KEY, seed);
      return {
        publicKey: publicBytes(ED25519_KEY, secret),
        sign: (message) => plain(sign(null, message, secret)),
      };
    },
    verify(publicKey, message, signature) {
      if (!passesByteChecks(publicKey, signature)) return false;
      try {
        return verify(null, message, importPublic(ED25519_KEY, publicKey), signature);
      } catch {
        // a y without a point on the curve: OpenSSL may refuse it at import or at use
        return false;
      }
    },
  },
};
