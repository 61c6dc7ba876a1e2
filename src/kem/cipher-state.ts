/**
 * CipherState of the Noise Protocol Framework (revision 34, section 5.1): one key, one counter, one direction.
 *
 * A counter that reaches its end stops the state for good, so no nonce is ever used twice under a key. Does not
 * reorder or skip: ciphertexts open in the order they were sealed, or not at all.
 */

import { copyOf, wipe } from '../safety/bytes.ts';
import type { Aead } from '../safety/crypto/provider.ts';
import { KemError } from './errors.ts';

/** Exclusive end of the counter: stricter than Noise's 2^64 - 1, because a JavaScript number counts exactly to it. */
const NONCE_END = Number.MAX_SAFE_INTEGER;

const NOTHING = new Uint8Array(0);
const ZEROS = new Uint8Array(32);

/** The 12-byte ChaChaPoly nonce of a counter (section 12.3): 4 zero bytes, then 64 bits little-endian. */
function writeNonce(into: DataView, counter: number): void {
  into.setUint32(4, counter >>> 0, true);
  into.setUint32(8, Math.floor(counter / 2 ** 32), true);
}

export class CipherState {
  readonly #aead: Aead;
  readonly #nonce = new Uint8Array(12);
  readonly #view = new DataView(this.#nonce.buffer);
  #key: Uint8Array;
  #counter = 0;

  /** Takes ownership of `key` (32 bytes). */
  constructor(aead: Aead, key: Uint8Array) {
    this.#aead = aead;
    this.#key = key;
  }

  /** Counter of the next message. */
  get counter(): number {
    return this.#counter;
  }

  /** SetNonce of section 5.1. Only forwards: going back would use a nonce twice. */
  set counter(value: number) {
    if (!Number.isSafeInteger(value) || value < this.#counter) {
      throw new RangeError('a nonce counter only goes forwards');
    }
    this.#counter = value;
  }

  /** Seals the concatenated parts; 16 bytes longer. Throws KemError NONCE_EXHAUSTED. */
  encrypt(aad: Uint8Array, ...plaintext: readonly Uint8Array[]): Uint8Array {
    const sealed = this.#aead.seal(this.#key, this.#nextNonce(), aad, ...plaintext);
    this.#counter++;
    return sealed;
  }

  /** Opens; the counter moves only on success. Throws CryptoError, or KemError NONCE_EXHAUSTED. */
  decrypt(aad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    const plaintext = this.#aead.open(this.#key, this.#nextNonce(), aad, ciphertext);
    this.#counter++;
    return plaintext;
  }

  /** Replaces the key one-way (section 11.3): the old one cannot be computed from the new. The counter goes on. */
  rekey(): void {
    this.#nonce.fill(0xff, 4);
    const sealed = this.#aead.seal(this.#key, this.#nonce, NOTHING, ZEROS);
    wipe(this.#key);
    this.#key = copyOf(sealed, 0, 32);
    wipe(sealed); // a view of a buffer that others may be given later
  }

  /** Best-effort erasure; every later use fails. */
  erase(): void {
    wipe(this.#key);
    this.#counter = NONCE_END;
  }

  #nextNonce(): Uint8Array {
    if (this.#counter >= NONCE_END) {
      throw new KemError('NONCE_EXHAUSTED', 'this key may not be used any more', {
        hint: 'Open a new connection; keys of long ones are replaced long before this.',
      });
    }
    writeNonce(this.#view, this.#counter);
    return this.#nonce;
  }
}
