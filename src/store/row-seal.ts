/**
 * One row as it lies on disk. tag = HMAC-SHA256(name key, name); sealed = nonce (12) ‖ AES-256-GCM(seal key, nonce,
 * aad = tag, length of the name (2, big-endian) ‖ name ‖ value). Both keys are HMAC(key, label ‖ salt), the salt being
 * the file's own, so that rows of two files cannot be exchanged.
 *
 * Nonces are random: good for 2^32 rows written into one file. The length of a value stays visible.
 */

import { concat, u16, utf8 } from '../safety/bytes.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import type { RandomBytes } from '../safety/random.ts';

const NONCE_BYTES = 12;
const NAME = utf8('kith/1/store/name');
const SEAL = utf8('kith/1/store/seal');
const CHECK = utf8('kith/1/store/check');

/** Bytes of a row beside its name and value: the tag it is found by, nonce, tag of the cipher, length of the name. */
export const ROW_BYTES = 32 + NONCE_BYTES + 16 + 2;

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

  seal(tag: Uint8Array, name: Uint8Array, value: Uint8Array): Uint8Array {
    const nonce = this.#random(NONCE_BYTES);
    const { aes256Gcm } = this.#provider;
    return concat(nonce, aes256Gcm.seal(this.#sealKey, nonce, tag, u16(name.length), name, value));
  }

  /** Name and value; null where anything was changed, the row's place included. */
  open(tag: Uint8Array, sealed: Uint8Array): [name: Uint8Array, value: Uint8Array] | null {
    const nonce = sealed.subarray(0, NONCE_BYTES);
    if (nonce.length < NONCE_BYTES) return null;
    try {
      const plain = this.#provider.aes256Gcm.open(this.#sealKey, nonce, tag, sealed.subarray(NONCE_BYTES));
      const end = 2 + (((plain[0] as number) << 8) | (plain[1] as number));
      return [plain.slice(2, end), plain.slice(end)];
    } catch {
      return null;
    }
  }
}
