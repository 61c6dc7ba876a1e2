/**
 * How rows are sealed on disk, whatever file or table they lie in. tag = HMAC-SHA256(name key, name); sealed = nonce
 * (12) ‖ AES-256-GCM(seal key, nonce, aad, plaintext). Both keys are HMAC(key, label ‖ salt), the salt being the file's
 * own, so that rows of two files cannot be exchanged. The aad names the place of a row; what lies in the plaintext is
 * said by its owner (sealed-rows.ts, sealed-table.ts).
 *
 * Nonces are random: good for 2^32 rows written under one key. The length of a plaintext stays visible.
 */

import { concat, utf8 } from '../safety/bytes.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import type { RandomBytes } from '../safety/random.ts';

const NONCE_BYTES = 12;

/** Drawn at once: one call of the generator costs as much as sealing a short row. */
const NONCES = 64;
const NAME = utf8('kith/1/store/name');
const SEAL = utf8('kith/1/store/seal');
const CHECK = utf8('kith/1/store/check');

/** Bytes that sealing adds: nonce and tag of the cipher. */
export const SEAL_BYTES = NONCE_BYTES + 16;

export interface RowSealInit {
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
  readonly random: RandomBytes;
  readonly provider: Provider;
}

export class RowSeal {
  /** Says, kept in the header of the file, whether a key is the right one for it. */
  readonly check: Uint8Array;
  readonly #nameKey: Uint8Array;
  readonly #sealKey: Uint8Array;
  readonly #random: RandomBytes;
  readonly #provider: Provider;
  /** Those that were drawn and not used yet. */
  #nonces = new Uint8Array(0);

  constructor({ key, salt, random, provider }: RowSealInit) {
    this.check = provider.hmacSha256(key, CHECK, salt);
    this.#nameKey = provider.hmacSha256(key, NAME, salt);
    this.#sealKey = provider.hmacSha256(key, SEAL, salt);
    this.#random = random;
    this.#provider = provider;
  }

  tag(name: Uint8Array): Uint8Array {
    return this.#provider.hmacSha256(this.#nameKey, name);
  }

  seal(aad: Uint8Array, ...plaintext: readonly Uint8Array[]): Uint8Array {
    if (this.#nonces.length === 0) this.#nonces = this.#random(NONCES * NONCE_BYTES);
    const nonce = this.#nonces.subarray(0, NONCE_BYTES);
    this.#nonces = this.#nonces.subarray(NONCE_BYTES);
    return concat(nonce, this.#provider.aes256Gcm.seal(this.#sealKey, nonce, aad, ...plaintext));
  }

  /** The plaintext; null where anything was changed, the row's place included. */
  open(aad: Uint8Array, sealed: Uint8Array): Uint8Array | null {
    if (sealed.length < SEAL_BYTES) return null;
    const nonce = sealed.subarray(0, NONCE_BYTES);
    try {
      return this.#provider.aes256Gcm.open(this.#sealKey, nonce, aad, sealed.subarray(NONCE_BYTES));
    } catch {
      return null;
    }
  }
}
