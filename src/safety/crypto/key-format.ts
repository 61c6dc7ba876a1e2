/**
 * Raw key bytes in and out of node:crypto KeyObjects.
 *
 * Newer Node versions take raw keys; Node 24 takes only DER. Each key type here has one fixed DER prefix
 * (RFC 8410 for the curves, RFC 9935 for ML-KEM and RFC 9881 for ML-DSA, both with the secret as its seed), so both
 * ways give the same key, and which one is used is found out once by trying. Raw is taken where it works, because it
 * is up to 10 times faster, except for ML-KEM secrets. Does not judge keys: OpenSSL does that on import.
 */

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { concat, fromHex } from '../bytes.ts';

export interface KeyType {
  readonly name: 'x25519' | 'ed25519' | 'ml-kem-768' | 'ml-kem-1024' | 'ml-dsa-65';
  /** Node's name of the raw form of the secret. */
  readonly raw: 'raw-private' | 'raw-seed';
  /** Whether DER is the faster form of the secret: a raw ML-KEM seed takes twice as long on Node 26. */
  readonly secretAsDer?: true;
  readonly publicPrefix: Uint8Array;
  readonly secretPrefix: Uint8Array;
}

export const X25519_KEY: KeyType = {
  name: 'x25519',
  raw: 'raw-private',
  publicPrefix: fromHex('302a300506032b656e032100'),
  secretPrefix: fromHex('302e020100300506032b656e04220420'),
};

export const ED25519_KEY: KeyType = {
  name: 'ed25519',
  raw: 'raw-private',
  publicPrefix: fromHex('302a300506032b6570032100'),
  secretPrefix: fromHex('302e020100300506032b657004220420'),
};

export const ML_KEM_768_KEY: KeyType = {
  name: 'ml-kem-768',
  raw: 'raw-seed',
  secretAsDer: true,
  publicPrefix: fromHex('308204b2300b0609608648016503040402038204a100'),
  secretPrefix: fromHex('3054020100300b060960864801650304040204428040'),
};

export const ML_KEM_1024_KEY: KeyType = {
  name: 'ml-kem-1024',
  raw: 'raw-seed',
  secretAsDer: true,
  publicPrefix: fromHex('30820632300b06096086480165030404030382062100'),
  secretPrefix: fromHex('3054020100300b060960864801650304040304428040'),
};

export const ML_DSA_65_KEY: KeyType = {
  name: 'ml-dsa-65',
  raw: 'raw-seed',
  publicPrefix: fromHex('308207b2300b0609608648016503040312038207a100'),
  secretPrefix: fromHex('3034020100300b060960864801650304031204228020'),
};

/** What node:crypto takes and gives where it knows raw keys; the installed types may be older than the runtime. */
type RawInput = Parameters<typeof createPublicKey>[0] & Parameters<typeof createPrivateKey>[0];

const takesRaw = ((): boolean => {
  try {
    const input = { key: new Uint8Array(32).fill(9), format: 'raw-public', asymmetricKeyType: 'x25519' };
    createPublicKey(input as unknown as RawInput);
    return true;
  } catch {
    return false;
  }
})();

/** Public key object; throws what OpenSSL throws on keys it refuses. `raw` can be forced off for tests. */
export function importPublic(type: KeyType, bytes: Uint8Array, raw = takesRaw): KeyObject {
  if (raw) {
    return createPublicKey({
      key: bytes,
      format: 'raw-public',
      asymmetricKeyType: type.name,
    } as unknown as RawInput);
  }
  return createPublicKey({ key: Buffer.from(concat(type.publicPrefix, bytes)), format: 'der', type: 'spki' });
}

/** Secret key object of a curve secret (32 bytes), an ML-KEM seed (64 bytes) or an ML-DSA seed (32 bytes). */
export function importSecret(
  type: KeyType,
  bytes: Uint8Array,
  raw = takesRaw && !type.secretAsDer,
): KeyObject {
  if (raw) {
    return createPrivateKey({
      key: bytes,
      format: type.raw,
      asymmetricKeyType: type.name,
    });
  }
  const joined = concat(type.secretPrefix, bytes);
  const der = Buffer.from(joined.buffer);
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } finally {
    der.fill(0);
  }
}

/** Raw bytes of the public key that belongs to a secret key object. */
export function publicBytes(type: KeyType, secret: KeyObject, raw = takesRaw): Uint8Array {
  const key = createPublicKey(secret);
  if (raw) {
    return new Uint8Array(key.export({ format: 'raw-public' } as unknown as { format: 'der'; type: 'spki' }));
  }
  return new Uint8Array(key.export({ format: 'der', type: 'spki' }).subarray(type.publicPrefix.length));
}
