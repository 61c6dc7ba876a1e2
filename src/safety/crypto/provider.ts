/**
 * The primitives that the pure layers call. Two implementations: `node.ts` (node:crypto, OpenSSL 3.5, fast)
 * and `noble.ts` (portable, and the independent oracle in tests). Neither claims constant time in JavaScript.
 *
 * Sizes in bytes. Every function throws {@link CryptoError} on keys, points or ciphertexts that the named
 * specification rejects, and RangeError when the caller itself passes a wrong length.
 */

import { KithError } from '../errors.ts';

/** A refused key, point, signature input or ciphertext. Deliberately says no more than which primitive refused. */
export class CryptoError extends KithError<'CRYPTO_REFUSED'> {
  override readonly name = 'CryptoError';
  constructor(primitive: string, cause?: unknown) {
    super('CRYPTO_REFUSED', `${primitive}: refused`, {
      hint: 'The bytes are forged, damaged or meant for another key; drop them.',
      data: { primitive },
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

/** Throws RangeError unless `bytes` is exactly `size` bytes: a mistake of the caller, never of the peer. */
export function requireSize(what: string, bytes: Uint8Array, size: number): void {
  if (bytes.length !== size) throw new RangeError(`${what}: ${bytes.length} bytes where ${size} are needed`);
}

/** Both AEADs take these sizes; AES-GCM would take other nonces, and other keys would be another AES. */
export function requireAeadSizes(key: Uint8Array, nonce: Uint8Array): void {
  requireSize('AEAD key', key, 32);
  requireSize('AEAD nonce', nonce, 12);
}

export interface Provider {
  /** SHA-256 (FIPS 180-4): 32 bytes over the concatenated parts. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  /** HMAC-SHA256 (RFC 2104): 32 bytes over the concatenated parts. */
  hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  readonly x25519: X25519;
  readonly mlKem768: Kem;
  readonly chaCha20Poly1305: Aead;
  /** AES-256-GCM (NIST SP 800-38D): for rows at rest, where the hardware's AES is faster than ChaCha20. */
  readonly aes256Gcm: Aead;
  readonly ed25519: Ed25519;
}

/** X25519 (RFC 7748). Secrets, public keys and shared secrets are 32 bytes. */
export interface X25519 {
  /** Key pair of a 32-byte secret. The caller may wipe `secret` afterwards. */
  keyPair(secret: Uint8Array): X25519KeyPair;
}

export interface X25519KeyPair {
  readonly publicKey: Uint8Array;
  /** Shared secret; refuses an all-zero result (small-order peer point). */
  agree(peerPublicKey: Uint8Array): Uint8Array;
}

/** ML-KEM-768 (FIPS 203): seed 64, public key 1,184, ciphertext 1,088, shared secret 32. */
export interface Kem {
  /** The secret stays inside, in the form the provider decapsulates fastest. The caller may wipe `seed`. */
  keyPair(seed: Uint8Array): KemKeyPair;
  /** Encapsulates to a checked public key. `coins` (32 bytes) only where a provider can take them. */
  encapsulate(
    publicKey: Uint8Array,
    coins?: Uint8Array,
  ): { ciphertext: Uint8Array; sharedSecret: Uint8Array };
}

export interface KemKeyPair {
  readonly publicKey: Uint8Array;
  /** Implicit rejection as in FIPS 203; throws only on a wrong length. */
  decapsulate(ciphertext: Uint8Array): Uint8Array;
}

/** An AEAD with key 32, nonce 12, tag 16 appended (RFC 5116): ChaCha20-Poly1305 (RFC 8439) or AES-256-GCM. */
export interface Aead {
  /** Encrypts the concatenated parts. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ...plaintext: readonly Uint8Array[]): Uint8Array;
  /** The plaintext, or CryptoError when the tag does not match. */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array;
}

/**
 * Ed25519 (RFC 8032) under kith's one rule: canonical A, R and S < L; no small-order A or R; cofactorless
 * equation. Both providers agree on every input, mixed-order keys included.
 */
export interface Ed25519 {
  /** Public key (32) of a 32-byte seed. */
  publicKey(seed: Uint8Array): Uint8Array;
  /** A key pair that signs many times. The caller may wipe `seed` afterwards. */
  signer(seed: Uint8Array): Ed25519Signer;
  /** Never throws on outside bytes: anything wrong is `false`. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

export interface Ed25519Signer {
  readonly publicKey: Uint8Array;
  /** Signature (64). */
  sign(message: Uint8Array): Uint8Array;
}
