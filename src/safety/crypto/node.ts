/**
 * Provider on node:crypto (OpenSSL 3.5): the default. Secrets live in KeyObjects, outside the JavaScript heap.
 *
 * Authentication tags are forced to 16 bytes, because Node 24 accepts shorter ones unless told. OpenSSL's Ed25519
 * is cofactorless with S < L; the rest of the rule is checked on the bytes first. Encapsulating with chosen coins and
 * signing with chosen randomness are not possible here: deterministic vectors come from the noble provider. Public keys
 * for agreement are exported when first asked for: who only receives never asks, and it costs as much as an import.
 */

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  decapsulate,
  diffieHellman,
  encapsulate,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { passesByteChecks } from './ed25519-rule.ts';
import {
  ED25519_KEY,
  importPublic,
  importSecret,
  type KeyType,
  ML_DSA_65_KEY,
  ML_KEM_1024_KEY,
  ML_KEM_768_KEY,
  publicBytes,
  X25519_KEY,
} from './key-format.ts';
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
  type X25519,
} from './provider.ts';
import { xWing } from './x-wing.ts';

const TAG = { authTagLength: 16 } as const;

/** A plain view, so that Buffer's different `slice` and `toString` never leave this file. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function importPeer(type: KeyType, bytes: Uint8Array): KeyObject {
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

const x25519: X25519 = {
  keyPair(secret) {
    requireSize('X25519 secret', secret, 32);
    const privateKey = importSecret(X25519_KEY, secret);
    let publicKey: Uint8Array | undefined;
    return {
      get publicKey() {
        publicKey ??= publicBytes(X25519_KEY, privateKey);
        return publicKey;
      },
      agree(peer) {
        requirePeerSize('x25519', peer, 32);
        const peerKey = importPeer(X25519_KEY, peer);
        try {
          // OpenSSL refuses the all-zero result itself (RFC 7748 section 6.1)
          return plain(diffieHellman({ privateKey, publicKey: peerKey }));
        } catch (error) {
          throw new CryptoError('x25519', error);
        }
      },
    };
  },
};

function mlKem(type: KeyType, publicKeyBytes: number, ciphertextBytes: number): Kem {
  return {
    keyPair(seed) {
      requireSize(`${type.name} seed`, seed, 64);
      const secret = importSecret(type, seed);
      let publicKey: Uint8Array | undefined;
      return {
        get publicKey() {
          publicKey ??= publicBytes(type, secret);
          return publicKey;
        },
        decapsulate(ciphertext) {
          requirePeerSize(type.name, ciphertext, ciphertextBytes);
          return plain(decapsulate(secret, ciphertext));
        },
      };
    },
    encapsulate(publicKey, coins) {
      if (coins !== undefined) {
        throw new RangeError('node:crypto cannot encapsulate with given coins: use the noble provider');
      }
      requirePeerSize(type.name, publicKey, publicKeyBytes);
      // the import is where OpenSSL does the modulus check of FIPS 203 section 7.2
      const { ciphertext, sharedKey } = encapsulate(importPeer(type, publicKey));
      return { ciphertext: plain(ciphertext), sharedSecret: plain(sharedKey) };
    },
  };
}

const mlKem768 = mlKem(ML_KEM_768_KEY, 1184, 1088);

export const nodeProvider: Provider = {
  sha256(...parts) {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    return plain(hash.digest());
  },

  sha384(...parts) {
    const hash = createHash('sha384');
    for (const part of parts) hash.update(part);
    return plain(hash.digest());
  },

  hmacSha256(key, ...parts) {
    const mac = createHmac('sha256', key);
    for (const part of parts) mac.update(part);
    return plain(mac.digest());
  },

  hkdfSha256(ikm, salt, info, length) {
    requireHkdfSizes(info, length);
    return new Uint8Array(hkdfSync('sha256', ikm, salt, info, length));
  },

  x25519,

  mlKem768,

  mlKem1024: mlKem(ML_KEM_1024_KEY, 1568, 1568),

  xWing: xWing(x25519, mlKem768),

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

  mlDsa65: {
    keyPair(seed) {
      requireSize('ML-DSA-65 seed', seed, 32);
      const key = importSecret(ML_DSA_65_KEY, seed);
      return {
        publicKey: publicBytes(ML_DSA_65_KEY, key),
        sign(message, context, randomness) {
          if (randomness !== undefined) {
            throw new RangeError('node:crypto cannot sign with given randomness: use the noble provider');
          }
          requireMlDsaContext(context);
          return plain(sign(null, message, { key, context }));
        },
      };
    },
    verify(publicKey, message, signature, context) {
      if (!isMlDsaInput(publicKey, signature, context)) return false;
      return verify(null, message, { key: importPublic(ML_DSA_65_KEY, publicKey), context }, signature);
    },
  },
};
