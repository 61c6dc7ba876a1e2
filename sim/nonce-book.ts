/**
 * A provider that remembers every AES-GCM encryption and throws when a key and nonce come back with anything else
 * than the very same plaintext and associated data: the one mistake that GCM does not forgive.
 */

import type { Aead, Provider } from '../src/safety/crypto/provider.ts';

/** A key and nonce that were used twice. Holds no secret. */
export class NonceReusedError extends Error {
  override readonly name = 'NonceReusedError';
  constructor() {
    super('a key and nonce were used for two plaintexts');
  }
}

export class NonceBook {
  /** The same primitives, watched. */
  readonly provider: Provider;
  /** Key and nonce, and 48 bits of a hash of what was encrypted. */
  readonly #used = new Map<string, number>();
  #repeats = 0;

  constructor(provider: Provider) {
    const watched: Aead = {
      seal: (key, nonce, aad, ...plaintext) => {
        this.#enter(key, nonce, provider.sha256(length(aad), aad, ...plaintext));
        return provider.aes256Gcm.seal(key, nonce, aad, ...plaintext);
      },
      open: (...all) => provider.aes256Gcm.open(...all),
    };
    this.provider = { ...provider, aes256Gcm: watched };
  }

  /** Encryptions under a key and nonce of their own. */
  get seals(): number {
    return this.#used.size;
  }

  /** Encryptions that were the very same as an earlier one. */
  get repeats(): number {
    return this.#repeats;
  }

  #enter(key: Uint8Array, nonce: Uint8Array, digest: Uint8Array): void {
    const name = Buffer.concat([key, nonce]).toString('latin1');
    const what = Buffer.from(digest.buffer, digest.byteOffset).readUIntBE(0, 6);
    const before = this.#used.get(name);
    if (before === undefined) {
      this.#used.set(name, what);
    } else if (before === what) {
      this.#repeats++;
    } else {
      throw new NonceReusedError();
    }
  }
}

/** Keeps associated data and plaintext apart in the hash. */
function length(bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(bytes.length >>> 8, bytes.length & 0xff);
}
