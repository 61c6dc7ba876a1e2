/**
 * Who somebody is: an Ed25519 and an ML-DSA-65 key, named together by a fingerprint; and the secrets of the own
 * identity and device. docs/wire.md, "Identity".
 *
 *     fingerprint = SHA-384("kith/1/id/fingerprint" ‖ ed ‖ SHA-256(dsa)), 48 bytes
 *     secrets     = version 1 ‖ Ed25519 seed 32 ‖ ML-DSA-65 seed 32 ‖ device X25519 secret 32 ‖ device id 16
 *
 * The identity keys sign bundles and nothing else, so messages stay deniable. The device key is not part of the
 * fingerprint: the bundle ties it to the identity. Whether a fingerprint is the right person's is for people to compare.
 */

import { concat, copyOf, utf8, wipe } from '../safety/bytes.ts';
import {
  type Ed25519Signer,
  type MlDsaKeyPair,
  type Provider,
  requireSize,
  type X25519KeyPair,
} from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';
import type { Primitives } from './primitives.ts';

export const ED_BYTES = 32;
export const DSA_BYTES = 1_952;
export const DEVICE_ID_BYTES = 16;
export const FINGERPRINT_BYTES = 48;

const FINGERPRINT_LABEL = utf8('kith/1/id/fingerprint');
const VERSION = 1;
const SEED_BYTES = 32;
const DSA_SEED_AT = 1 + SEED_BYTES;
const DEVICE_SECRET_AT = DSA_SEED_AT + SEED_BYTES;
const DEVICE_ID_AT = DEVICE_SECRET_AT + SEED_BYTES;

/** Size of encoded identity secrets: always this. */
export const IDENTITY_BYTES = DEVICE_ID_AT + DEVICE_ID_BYTES;

/** What is on disk, sealed there by the store. */
export interface IdentitySecrets {
  /** Ed25519 seed, 32 bytes. */
  readonly edSeed: Uint8Array;
  /** ML-DSA-65 seed, 32 bytes. */
  readonly dsaSeed: Uint8Array;
  /** The device's X25519 secret, 32 bytes. */
  readonly deviceSecret: Uint8Array;
  /** 16 random bytes, public. */
  readonly deviceId: Uint8Array;
}

/** The 48-byte name of an identity, from its Ed25519 key and SHA-256 of its ML-DSA-65 key (32 bytes each). */
export function fingerprintOf(provider: Provider, ed: Uint8Array, dsaHash: Uint8Array): Uint8Array {
  return provider.sha384(FINGERPRINT_LABEL, ed, dsaHash);
}

/** New secrets. */
export function generateIdentity({ random }: Pick<Primitives, 'random'>): IdentitySecrets {
  return {
    edSeed: random(SEED_BYTES),
    dsaSeed: random(SEED_BYTES),
    deviceSecret: random(SEED_BYTES),
    deviceId: random(DEVICE_ID_BYTES),
  };
}

/** {@link IDENTITY_BYTES} secret bytes. Throws RangeError on parts of another size. */
export function encodeIdentity(secrets: IdentitySecrets): Uint8Array<ArrayBuffer> {
  requireSize('Ed25519 seed', secrets.edSeed, SEED_BYTES);
  requireSize('ML-DSA-65 seed', secrets.dsaSeed, SEED_BYTES);
  requireSize('device secret', secrets.deviceSecret, SEED_BYTES);
  requireSize('device id', secrets.deviceId, DEVICE_ID_BYTES);
  const { edSeed, dsaSeed, deviceSecret, deviceId } = secrets;
  return concat(Uint8Array.of(VERSION), edSeed, dsaSeed, deviceSecret, deviceId);
}

/** Total: throws only {@link MalformedError}. The parts are copies. */
export function decodeIdentity(bytes: Uint8Array): IdentitySecrets {
  if (bytes.length !== IDENTITY_BYTES) throw new MalformedError('identity', 'wrong length');
  if (bytes[0] !== VERSION) throw new MalformedError('identity', 'unknown version');
  return {
    edSeed: copyOf(bytes, 1, DSA_SEED_AT),
    dsaSeed: copyOf(bytes, DSA_SEED_AT, DEVICE_SECRET_AT),
    deviceSecret: copyOf(bytes, DEVICE_SECRET_AT, DEVICE_ID_AT),
    deviceId: copyOf(bytes, DEVICE_ID_AT),
  };
}

/** Best-effort erasure. */
export function wipeIdentity(secrets: IdentitySecrets): void {
  wipe(secrets.edSeed, secrets.dsaSeed, secrets.deviceSecret);
}

/** The own identity and device with their key pairs, made once: importing keys costs more than using them. */
export class Identity {
  readonly ed: Ed25519Signer;
  readonly dsa: MlDsaKeyPair;
  /** SHA-256 of the ML-DSA-65 public key. */
  readonly dsaHash: Uint8Array;
  /** 48 bytes. */
  readonly fingerprint: Uint8Array;
  readonly device: X25519KeyPair;
  /** 16 bytes. */
  readonly deviceId: Uint8Array;

  /** The secrets may be wiped afterwards. */
  constructor(provider: Provider, secrets: IdentitySecrets) {
    this.ed = provider.ed25519.signer(secrets.edSeed);
    this.dsa = provider.mlDsa65.keyPair(secrets.dsaSeed);
    this.dsaHash = provider.sha256(this.dsa.publicKey);
    this.fingerprint = fingerprintOf(provider, this.ed.publicKey, this.dsaHash);
    this.device = provider.x25519.keyPair(secrets.deviceSecret);
    this.deviceId = copyOf(secrets.deviceId);
  }
}
