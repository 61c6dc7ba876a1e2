/**
 * Primitives of symbols for exploring sessions: agreement, KEM and AEAD that keep every equation and no secret, at a
 * fraction of the cost. Sizes are the real ones. Hashes are real, so different inputs have different names.
 */

import { hash } from 'node:crypto';
import { CryptoError, type Aead, type Kem, type Provider } from '../../src/safety/crypto/provider.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';

const KEY_BYTES = 1_184;
const CIPHERTEXT_BYTES = 1_088;
const TAG_BYTES = 16;

function digest(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  const bytes = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return new Uint8Array(hash('sha256', bytes, 'buffer'));
}

const padded = (head: Uint8Array, size: number): Uint8Array => {
  const bytes = new Uint8Array(size);
  bytes.set(head);
  return bytes;
};

const symbolicAead: Aead = {
  seal(key, nonce, aad, ...plaintext) {
    const tag = digest(key, nonce, aad, ...plaintext).subarray(0, TAG_BYTES);
    return new Uint8Array(Buffer.concat([...plaintext, tag]));
  },
  open(key, nonce, aad, ciphertext) {
    const plaintext = ciphertext.slice(0, -TAG_BYTES);
    const tag = digest(key, nonce, aad, plaintext).subarray(0, TAG_BYTES);
    if (Buffer.compare(tag, ciphertext.subarray(-TAG_BYTES)) !== 0) throw new CryptoError('symbolic-aead');
    return plaintext;
  },
};

/** `coins`: 32 bytes for the next encapsulation. */
export function symbolicProvider(coins: () => Uint8Array): Provider {
  const mlKem768: Kem = {
    keyPair(seed) {
      const name = digest('kem', seed);
      return {
        publicKey: padded(name, KEY_BYTES),
        decapsulate: (ciphertext) =>
          Buffer.compare(ciphertext.subarray(0, 32), name) === 0
            ? digest('secret', ciphertext)
            : digest('rejected', seed, ciphertext),
      };
    },
    encapsulate(publicKey) {
      const ciphertext = padded(Buffer.concat([publicKey.subarray(0, 32), coins()]), CIPHERTEXT_BYTES);
      return { ciphertext, sharedSecret: digest('secret', ciphertext) };
    },
  };
  return {
    ...nodeProvider,
    mlKem768,
    aes256Gcm: symbolicAead,
    x25519: {
      keyPair(secret) {
        const publicKey = digest('x25519', secret);
        return {
          publicKey,
          agree: (peer) => digest('agreed', ...[publicKey, peer].toSorted((a, b) => Buffer.compare(a, b))),
        };
      },
    },
  };
}
