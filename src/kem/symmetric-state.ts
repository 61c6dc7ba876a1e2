/**
 * SymmetricState of the Noise Protocol Framework (revision 34, section 5.2) for ChaChaPoly and SHA256: the chaining
 * key, the transcript hash and, once a secret was mixed in, the key that encrypts the rest of the handshake.
 */

import { copyOf, utf8, wipe } from '../safety/bytes.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { CipherState } from './cipher-state.ts';

const NOTHING = new Uint8Array(0);
const ONE = Uint8Array.of(1);
const TWO = Uint8Array.of(2);

export class SymmetricState {
  readonly #provider: Provider;
  #chainingKey: Uint8Array;
  #hash: Uint8Array;
  #cipher: CipherState | undefined;

  /** `protocolName` is longer than 32 bytes here, so it is hashed (section 5.2, InitializeSymmetric). */
  constructor(provider: Provider, protocolName: string) {
    this.#provider = provider;
    this.#hash = provider.sha256(utf8(protocolName));
    this.#chainingKey = copyOf(this.#hash);
  }

  /** A copy of the transcript hash so far (32 bytes). */
  get hash(): Uint8Array {
    return copyOf(this.#hash);
  }

  mixHash(data: Uint8Array): void {
    this.#hash = this.#provider.sha256(this.#hash, data);
  }

  /** Mixes a shared secret in and wipes it. */
  mixKey(secret: Uint8Array): void {
    const [chainingKey, key] = this.#expand(secret);
    wipe(secret, this.#chainingKey);
    this.#chainingKey = chainingKey;
    this.#cipher?.erase();
    this.#cipher = new CipherState(this.#provider.chaCha20Poly1305, key);
  }

  /** Ciphertext (16 bytes longer), or the plaintext itself before the first secret. */
  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const output = this.#cipher === undefined ? plaintext : this.#cipher.encrypt(this.#hash, plaintext);
    this.mixHash(output);
    return output;
  }

  /** Throws CryptoError when the ciphertext was not made under this transcript. */
  decryptAndHash(ciphertext: Uint8Array): Uint8Array {
    const output = this.#cipher === undefined ? ciphertext : this.#cipher.decrypt(this.#hash, ciphertext);
    this.mixHash(ciphertext);
    return output;
  }

  /** The two transport keys: the initiator sends under the first, the responder under the second. Erases the rest. */
  split(): readonly [CipherState, CipherState] {
    const [first, second] = this.#expand(NOTHING);
    this.erase();
    const aead = this.#provider.chaCha20Poly1305;
    return [new CipherState(aead, first), new CipherState(aead, second)];
  }

  /** Best-effort erasure of chaining key and cipher; the transcript hash is public and stays. */
  erase(): void {
    wipe(this.#chainingKey);
    this.#cipher?.erase();
  }

  /** HKDF with two outputs (section 4.3). */
  #expand(secret: Uint8Array): [Uint8Array, Uint8Array] {
    const temporary = this.#provider.hmacSha256(this.#chainingKey, secret);
    const first = this.#provider.hmacSha256(temporary, ONE);
    const second = this.#provider.hmacSha256(temporary, first, TWO);
    wipe(temporary);
    return [first, second];
  }
}
