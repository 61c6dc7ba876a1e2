/**
 * The primitives that the pure layers call. Two implementations: `node.ts` (node:crypto, OpenSSL 3.5, fast)
 * and `noble.ts` (portable, and the independent oracle in tests). Neither claims constant time in JavaScript.
 *
 * Sizes in bytes. Every function throws {@link CryptoError} on keys, points or ciphertexts of the peer that the named
 * specification rejects, wrong lengths included, and RangeError when the caller's own bytes have a wrong length.
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

/** Throws CryptoError unless what the peer sent is exactly `size` bytes. */
export function requirePeerSize(primitive: string, bytes: Uint8Array, size: number): void {
  if (bytes.length !== size) throw new CryptoError(primitive);
}

/** Both AEADs take these sizes; AES-GCM would take other nonces, and other keys would be another AES. */
export function requireAeadSizes(key: Uint8Array, nonce: Uint8Array): void {
  requireSize('AEAD key', key, 32);
  requireSize('AEAD nonce', nonce, 12);
}

/** Most bytes that HKDF-SHA256 gives: 255 blocks of one hash (RFC 5869 section 2.3). */
const HKDF_MAX_BYTES = 255 * 32;

/** Longest info that HKDF takes here: node:crypto's own limit, and many times what any label needs. */
const HKDF_INFO_BYTES = 1024;

/** Throws RangeError unless HKDF-SHA256 takes `info` and can give `length` bytes. */
export function requireHkdfSizes(info: Uint8Array, length: number): void {
  if (info.length > HKDF_INFO_BYTES) {
    throw new RangeError(`HKDF info: ${info.length} bytes where at most ${HKDF_INFO_BYTES} can be`);
  }
  if (!Number.isInteger(length) || length < 1 || length > HKDF_MAX_BYTES) {
    throw new RangeError(`HKDF-SHA256: ${length} bytes where 1 to ${HKDF_MAX_BYTES} can be given`);
  }
}

/** Longest context of an ML-DSA signature, in bytes (FIPS 204 section 5.2). */
const ML_DSA_CONTEXT_BYTES = 255;

/** Throws RangeError when a context is longer than ML-DSA allows. */
export function requireMlDsaContext(context: Uint8Array): void {
  if (context.length > ML_DSA_CONTEXT_BYTES) {
    throw new RangeError(
      `ML-DSA context: ${context.length} bytes where at most ${ML_DSA_CONTEXT_BYTES} can be`,
    );
  }
}

/** Whether these have the lengths that an ML-DSA-65 verification needs. */
export function isMlDsaInput(publicKey: Uint8Array, signature: Uint8Array, context: Uint8Array): boolean {
  return publicKey.length === 1952 && signature.length === 3309 && context.length <= ML_DSA_CONTEXT_BYTES;
}

export interface Provider {
  /** SHA-256 (FIPS 180-4): 32 bytes over the concatenated parts. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  /** SHA-384 (FIPS 180-4): 48 bytes over the concatenated parts. */
  sha384(...parts: readonly Uint8Array[]): Uint8Array;
  /** HMAC-SHA256 (RFC 2104): 32 bytes over the concatenated parts. */
  hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  /** HKDF-SHA256 (RFC 5869), extract and expand: `length` bytes, 1 to 8,160. `info` is at most 1,024. */
  hkdfSha256(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array;
  readonly x25519: X25519;
  /** ML-KEM-768 (FIPS 203): seed 64, public key 1,184, ciphertext 1,088, shared secret 32, coins 32. */
  readonly mlKem768: Kem;
  /** ML-KEM-1024 (FIPS 203): seed 64, public key 1,568, ciphertext 1,568, shared secret 32, coins 32. */
  readonly mlKem1024: Kem;
  /**
   * X-Wing (draft-connolly-cfrg-xwing-kem), the KEM 0x647A of HPKE: seed 32, public key 1,216, ciphertext 1,120,
   * shared secret 32, coins 64 (the draft's eseed). Stricter than the draft: an all-zero X25519 result is refused.
   */
  readonly xWing: Kem;
  readonly chaCha20Poly1305: Aead;
  /** AES-256-GCM (NIST SP 800-38D): the hardware's AES is faster than ChaCha20. */
  readonly aes256Gcm: Aead;
  readonly ed25519: Ed25519;
  readonly mlDsa65: MlDsa;
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

/** A key encapsulation mechanism; the sizes are with each in {@link Provider}. */
export interface Kem {
  /** The secret stays inside, in the form the provider decapsulates fastest. The caller may wipe `seed`. */
  keyPair(seed: Uint8Array): KemKeyPair;
  /** Encapsulates to a checked public key. `coins` only where a provider can take them, else RangeError. */
  encapsulate(
    publicKey: Uint8Array,
    coins?: Uint8Array,
  ): { ciphertext: Uint8Array; sharedSecret: Uint8Array };
}

export interface KemKeyPair {
  readonly publicKey: Uint8Array;
  /**
   * Implicit rejection as in FIPS 203: a forged ciphertext gives another secret, and CryptoError is thrown only on a
   * wrong length, or in X-Wing on a point of small order.
   */
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

/**
 * ML-DSA-65 (FIPS 204), the pure variant: not HashML-DSA, no external mu. Seed 32, public key 1,952, signature 3,309.
 * A context of at most 255 bytes separates the uses of one key.
 */
export interface MlDsa {
  /** A key pair that signs many times. The caller may wipe `seed` afterwards. */
  keyPair(seed: Uint8Array): MlDsaKeyPair;
  /** Never throws on outside bytes: anything wrong is `false`, a context that is too long included. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array, context: Uint8Array): boolean;
}

export interface MlDsaKeyPair {
  readonly publicKey: Uint8Array;
  /**
   * Signature (3,309), hedged with fresh randomness. `randomness` (32 bytes; zeros give FIPS 204's deterministic
   * variant) only where a provider can take it, else RangeError.
   */
  sign(message: Uint8Array, context: Uint8Array, randomness?: Uint8Array): Uint8Array;
}
