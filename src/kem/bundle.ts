/**
 * The bundle: what a device publishes so that others can open sessions with it. 9,428 bytes, always. docs/wire.md,
 * "Bundle".
 *
 *     version 1 ‖ suite 2 ‖ ed 32 ‖ dsa 1,952                        the identity
 *     device id 16 ‖ prekey id 4 ‖ issued 8 ‖ expiry 8 ‖ x 32
 *     spk 32 ‖ kem 1,568 ‖ answer 1,184 ‖ inbox 1,216                the device record
 *     Ed25519 signature 64 ‖ ML-DSA-65 signature 3,309               over all before them
 *
 * Both signatures must verify, and each covers both identity keys. Public keys are checked where they are used: that is
 * where the primitives refuse bad ones. Says nothing about whether the identity is the right person's, and cannot tell
 * an old bundle from the newest before it expires.
 */

import { concat, copyOf, utf8 } from '../safety/bytes.ts';
import { type Provider, requireSize } from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';
import { KemError } from './errors.ts';
import { DEVICE_ID_BYTES, DSA_BYTES, ED_BYTES, fingerprintOf, type Identity } from './identity.ts';
import { isPrekeyId } from './prekey-id.ts';

const VERSION = 1;
const SUITE = 1;
const KEY_BYTES = 32;
const KEM_BYTES = 1_568;
const ANSWER_BYTES = 1_184;
const INBOX_BYTES = 1_216;
const ED_SIGNATURE_BYTES = 64;
const DSA_SIGNATURE_BYTES = 3_309;

const ED_AT = 3;
const DSA_AT = ED_AT + ED_BYTES;
const DEVICE_ID_AT = DSA_AT + DSA_BYTES;
const PREKEY_ID_AT = DEVICE_ID_AT + DEVICE_ID_BYTES;
const ISSUED_AT = PREKEY_ID_AT + 4;
const EXPIRY_AT = ISSUED_AT + 8;
const DEVICE_AT = EXPIRY_AT + 8;
const SPK_AT = DEVICE_AT + KEY_BYTES;
const KEM_AT = SPK_AT + KEY_BYTES;
const ANSWER_AT = KEM_AT + KEM_BYTES;
const INBOX_AT = ANSWER_AT + ANSWER_BYTES;
const ED_SIGNATURE_AT = INBOX_AT + INBOX_BYTES;
const DSA_SIGNATURE_AT = ED_SIGNATURE_AT + ED_SIGNATURE_BYTES;

/** Size of a bundle. */
export const BUNDLE_BYTES = DSA_SIGNATURE_AT + DSA_SIGNATURE_BYTES;

/** Longest life of a bundle: who lost its prekeys can be impersonated to newcomers no longer than this. */
export const BUNDLE_LIFE_SECONDS = 30 * 24 * 60 * 60;

/** Mail lies this long at most (DESIGN 7), so a bundle that came by mail may be this much past its expiry. */
export const MAIL_TTL_SECONDS = 14 * 24 * 60 * 60;

/** A clock this wrong is still believed, a bundle further from the future is not. */
export const MAX_CLOCK_SKEW_SECONDS = 24 * 60 * 60;

const SIGN_LABEL = utf8('kith/1/bundle/sign');
const HASH_LABEL = utf8('kith/1/bundle/hash');

/** The parts of a bundle, as they stand there. */
export interface Bundle {
  /** Ed25519 identity key, 32 bytes. */
  readonly ed: Uint8Array;
  /** ML-DSA-65 identity key, 1,952 bytes. */
  readonly dsa: Uint8Array;
  /** 16 bytes. */
  readonly deviceId: Uint8Array;
  /** Names the prekeys to their owner; never 0. */
  readonly prekeyId: number;
  /** Unix seconds. */
  readonly issued: number;
  /** Unix seconds. */
  readonly expiry: number;
  /** The device's X25519 key, 32 bytes. */
  readonly device: Uint8Array;
  /** Signed prekey, X25519, 32 bytes. */
  readonly spk: Uint8Array;
  /** ML-KEM-1024 prekey, 1,568 bytes. */
  readonly kem: Uint8Array;
  /** ML-KEM-768 answer key, 1,184 bytes: the peer's first post-quantum epoch is encapsulated to it. */
  readonly answer: Uint8Array;
  /** X-Wing inbox key, 1,216 bytes: sealed envelopes are sealed to it. */
  readonly inbox: Uint8Array;
}

/** What a device puts under its identity's signatures. */
export type DeviceKeys = Pick<Bundle, 'prekeyId' | 'issued' | 'expiry' | 'spk' | 'kem' | 'answer' | 'inbox'>;

declare const verified: unique symbol;

/** A bundle whose signatures and validity were checked: made by {@link verifyBundle} alone. */
export interface VerifiedBundle extends Bundle {
  readonly [verified]: true;
  /** All {@link BUNDLE_BYTES}. */
  readonly bytes: Uint8Array;
  /** SHA-256 of the ML-DSA-65 key, 32 bytes. */
  readonly dsaHash: Uint8Array;
  /** 48 bytes. */
  readonly fingerprint: Uint8Array;
  /** 32 bytes: names exactly this bundle. */
  readonly hash: Uint8Array;
}

export interface VerifyOptions {
  /** The bundle came by mail, which lies up to {@link MAIL_TTL_SECONDS}: it may be expired by as much. */
  readonly byMail?: boolean;
}

/** What of an {@link Identity} a bundle is made with. */
export interface SigningIdentity {
  readonly ed: Pick<Identity['ed'], 'publicKey' | 'sign'>;
  readonly dsa: Pick<Identity['dsa'], 'publicKey' | 'sign'>;
  readonly device: Pick<Identity['device'], 'publicKey'>;
  readonly deviceId: Uint8Array;
}

/** A bundle under both signatures of the identity. Throws RangeError on fields that have no encoding. */
export function signBundle(identity: SigningIdentity, keys: DeviceKeys): Uint8Array<ArrayBuffer> {
  requireEncodable(keys);
  const numbers = new DataView(new ArrayBuffer(20));
  numbers.setUint32(0, keys.prekeyId);
  numbers.setBigUint64(4, BigInt(keys.issued));
  numbers.setBigUint64(12, BigInt(keys.expiry));
  const record = concat(
    Uint8Array.of(VERSION, SUITE >>> 8, SUITE),
    identity.ed.publicKey,
    identity.dsa.publicKey,
    identity.deviceId,
    new Uint8Array(numbers.buffer),
    identity.device.publicKey,
    keys.spk,
    keys.kem,
    keys.answer,
    keys.inbox,
  );
  const edSignature = identity.ed.sign(concat(SIGN_LABEL, record));
  return concat(record, edSignature, identity.dsa.sign(record, SIGN_LABEL));
}

/** Total: throws only {@link MalformedError}. The parts are views of `bytes`. Verifies nothing. */
export function decodeBundle(bytes: Uint8Array): Bundle {
  if (bytes.length !== BUNDLE_BYTES) throw malformed('wrong length');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes[0] !== VERSION) throw malformed('unknown version');
  if (view.getUint16(1) !== SUITE) throw malformed('unknown suite');
  const prekeyId = view.getUint32(PREKEY_ID_AT);
  if (prekeyId === 0) throw malformed('prekey id 0');
  const times = [view.getBigUint64(ISSUED_AT), view.getBigUint64(EXPIRY_AT)] as const;
  if (times.some((time) => time > BigInt(Number.MAX_SAFE_INTEGER))) throw malformed('impossible time');
  const [issued, expiry] = [Number(times[0]), Number(times[1])];
  if (!isLife(issued, expiry)) throw malformed('a life that is not 1 second to 30 days');
  return {
    ed: bytes.subarray(ED_AT, DSA_AT),
    dsa: bytes.subarray(DSA_AT, DEVICE_ID_AT),
    deviceId: bytes.subarray(DEVICE_ID_AT, PREKEY_ID_AT),
    prekeyId,
    issued,
    expiry,
    device: bytes.subarray(DEVICE_AT, SPK_AT),
    spk: bytes.subarray(SPK_AT, KEM_AT),
    kem: bytes.subarray(KEM_AT, ANSWER_AT),
    answer: bytes.subarray(ANSWER_AT, INBOX_AT),
    inbox: bytes.subarray(INBOX_AT, ED_SIGNATURE_AT),
  };
}

/** Names exactly this bundle: 32 bytes over all of it, signatures included. */
export function bundleHash(provider: Provider, bytes: Uint8Array): Uint8Array {
  return provider.sha256(HASH_LABEL, bytes);
}

/**
 * The bundle, once both signatures and its time are right at `now` (milliseconds since 1970); keeps a copy of `bytes`.
 * Throws MalformedError, or KemError BUNDLE_EXPIRED, BUNDLE_FROM_FUTURE or BUNDLE_FORGED.
 */
export function verifyBundle(
  provider: Provider,
  bytes: Uint8Array,
  now: number,
  options: VerifyOptions = {},
): VerifiedBundle {
  const own = copyOf(bytes);
  const bundle = decodeBundle(own);
  requireCurrent(bundle, now, options);
  const record = own.subarray(0, ED_SIGNATURE_AT);
  const edSignature = own.subarray(ED_SIGNATURE_AT, DSA_SIGNATURE_AT);
  if (
    !provider.ed25519.verify(bundle.ed, concat(SIGN_LABEL, record), edSignature) ||
    !provider.mlDsa65.verify(bundle.dsa, record, own.subarray(DSA_SIGNATURE_AT), SIGN_LABEL)
  ) {
    throw new KemError('BUNDLE_FORGED', 'a signature of the bundle does not verify', {
      hint: 'Drop it; ask the contact for the bundle again, over another way if this comes back.',
    });
  }
  const dsaHash = provider.sha256(bundle.dsa);
  return {
    ...bundle,
    bytes: own,
    dsaHash,
    fingerprint: fingerprintOf(provider, bundle.ed, dsaHash),
    hash: bundleHash(provider, own),
  } as VerifiedBundle;
}

/** Throws KemError BUNDLE_EXPIRED or BUNDLE_FROM_FUTURE unless the bundle may be used at `now` (milliseconds). */
export function requireCurrent(
  { issued, expiry }: Pick<Bundle, 'issued' | 'expiry'>,
  now: number,
  { byMail = false }: VerifyOptions = {},
): void {
  const seconds = now / 1000;
  // written so that a time that is no number is refused too
  if (!(issued <= seconds + MAX_CLOCK_SKEW_SECONDS)) {
    throw new KemError('BUNDLE_FROM_FUTURE', 'the bundle was issued in the future', {
      hint: 'Check the clock of this computer; if it is right, the contact has to check theirs.',
      data: { issued },
    });
  }
  if (!(seconds < expiry + (byMail ? MAIL_TTL_SECONDS : 0))) {
    throw new KemError('BUNDLE_EXPIRED', 'the bundle has expired', {
      hint: 'Fetch the newest bundle of the contact and try again.',
      data: { expiry },
    });
  }
}

function requireEncodable(keys: DeviceKeys): void {
  requireSize('signed prekey', keys.spk, KEY_BYTES);
  requireSize('ML-KEM-1024 prekey', keys.kem, KEM_BYTES);
  requireSize('answer key', keys.answer, ANSWER_BYTES);
  requireSize('inbox key', keys.inbox, INBOX_BYTES);
  const { prekeyId, issued, expiry } = keys;
  if (!isPrekeyId(prekeyId)) throw new RangeError('prekey id');
  if (!Number.isSafeInteger(issued) || issued < 0 || !Number.isSafeInteger(expiry)) {
    throw new RangeError('times are whole unix seconds');
  }
  if (!isLife(issued, expiry)) throw new RangeError('a bundle lives 1 second to 30 days');
}

function isLife(issued: number, expiry: number): boolean {
  return expiry > issued && expiry - issued <= BUNDLE_LIFE_SECONDS;
}

function malformed(what: string): MalformedError {
  return new MalformedError('bundle', what);
}
