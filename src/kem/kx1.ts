/**
 * KX1, the first contact: PQXDH's shape (Signal's spec, revision 3) with X25519 and ML-KEM-1024, whose keys depend on
 * the whole transcript. Here is what both sides share: the header, the transcript and the derivation. docs/wire.md, "KX1".
 *
 *     header = version 1 ‖ suite 2 ‖ prekey id 4 ‖ one-time prekey id 4 (0: none) ‖ ed 32 ‖ x 32 ‖ SHA-256(dsa) 32
 *              ‖ bundle hash 32 ‖ EK 32 ‖ ML-KEM-1024 ciphertext 1,568                      1,739 bytes
 *     ikm    = DH(x_A, spk_B) ‖ DH(EK_A, x_B) ‖ DH(EK_A, spk_B) ‖ [DH(EK_A, otp_B)] ‖ ss
 *
 * Secret as long as X25519 or ML-KEM-1024 holds. The responder is authenticated by both; the initiator by X25519 alone,
 * and not against who holds the responder's prekeys, until the session's first post-quantum epoch: see isProven in
 * session.ts. Nothing in it is signed but prekeys, so it can be denied.
 */

import { concat, equal, utf8, wipe } from '../safety/bytes.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';
import { BUNDLE_BYTES, bundleHash } from './bundle.ts';
import { KemError } from './errors.ts';
import { fingerprintOf, type Identity } from './identity.ts';
import { isPrekeyId } from './prekey-id.ts';
import { contentCapacity } from './ratchet-message.ts';
import { ENVELOPE_PLAINTEXT_BYTES } from './sealed-envelope.ts';
import type { SessionKeys } from './session.ts';

const VERSION = 1;
const SUITE = 1;
const KEY_BYTES = 32;
const CIPHERTEXT_BYTES = 1_568;
const PREKEY_ID_AT = 3;
const ONE_TIME_ID_AT = PREKEY_ID_AT + 4;
const ED_AT = ONE_TIME_ID_AT + 4;
const DEVICE_AT = ED_AT + KEY_BYTES;
const DSA_HASH_AT = DEVICE_AT + KEY_BYTES;
const BUNDLE_HASH_AT = DSA_HASH_AT + KEY_BYTES;
const EPHEMERAL_AT = BUNDLE_HASH_AT + KEY_BYTES;
const CIPHERTEXT_AT = EPHEMERAL_AT + KEY_BYTES;

/** Size of the header: always this. */
export const KX1_HEADER_BYTES = CIPHERTEXT_AT + CIPHERTEXT_BYTES;

/** Size of the KR1 message behind the header: together they fill a sealed envelope. */
export const OPENING_MESSAGE_BYTES = ENVELOPE_PLAINTEXT_BYTES - KX1_HEADER_BYTES;

/** Bytes of content that fit into an opening, beside the bundle. */
export const OPENING_CONTENT_BYTES = contentCapacity(OPENING_MESSAGE_BYTES) - BUNDLE_BYTES;

const TRANSCRIPT_LABEL = utf8('kith/1/kx/transcript');
const SECRETS_LABEL = utf8('kith/1/kx/secrets');
const REPLAY_LABEL = utf8('kith/1/kx/replay');
const OPENING_LABEL = utf8('kith/1/kx/opening');
const ZEROS = new Uint8Array(KEY_BYTES);

export interface Kx1Header {
  /** The responder's prekeys. */
  readonly prekeyId: number;
  /** 0: none. */
  readonly oneTimePrekeyId: number;
  /** The initiator's Ed25519 key, 32 bytes. */
  readonly ed: Uint8Array;
  /** The initiator's device X25519 key, 32 bytes. */
  readonly device: Uint8Array;
  /** SHA-256 of the initiator's ML-DSA-65 key, 32 bytes. */
  readonly dsaHash: Uint8Array;
  /** Hash of the initiator's bundle, 32 bytes. */
  readonly bundleHash: Uint8Array;
  /** The initiator's ephemeral X25519 key, 32 bytes. */
  readonly ephemeral: Uint8Array;
  /** ML-KEM-1024 ciphertext, 1,568 bytes. */
  readonly ciphertext: Uint8Array;
}

/** {@link KX1_HEADER_BYTES}. Throws RangeError on ids or parts that have no encoding. */
export function encodeKx1Header(header: Kx1Header): Uint8Array<ArrayBuffer> {
  if (!isPrekeyId(header.prekeyId)) throw new RangeError('prekey id');
  if (header.oneTimePrekeyId !== 0 && !isPrekeyId(header.oneTimePrekeyId)) {
    throw new RangeError('one-time prekey id');
  }
  const ids = new DataView(new ArrayBuffer(8));
  ids.setUint32(0, header.prekeyId);
  ids.setUint32(4, header.oneTimePrekeyId);
  const { ed, device, dsaHash, bundleHash, ephemeral, ciphertext } = header;
  const bytes = concat(
    Uint8Array.of(VERSION, SUITE >>> 8, SUITE),
    new Uint8Array(ids.buffer),
    ed,
    device,
    dsaHash,
    bundleHash,
    ephemeral,
    ciphertext,
  );
  if (bytes.length !== KX1_HEADER_BYTES) throw new RangeError('KX1 header');
  return bytes;
}

/** Total: throws only {@link MalformedError}. The parts are views of `bytes`. */
export function decodeKx1Header(bytes: Uint8Array): Kx1Header {
  if (bytes.length !== KX1_HEADER_BYTES) throw new MalformedError('kx1-header', 'wrong length');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes[0] !== VERSION) throw new MalformedError('kx1-header', 'unknown version');
  if (view.getUint16(1) !== SUITE) throw new MalformedError('kx1-header', 'unknown suite');
  const prekeyId = view.getUint32(PREKEY_ID_AT);
  if (prekeyId === 0) throw new MalformedError('kx1-header', 'prekey id 0');
  return {
    prekeyId,
    oneTimePrekeyId: view.getUint32(ONE_TIME_ID_AT),
    ed: bytes.subarray(ED_AT, DEVICE_AT),
    device: bytes.subarray(DEVICE_AT, DSA_HASH_AT),
    dsaHash: bytes.subarray(DSA_HASH_AT, BUNDLE_HASH_AT),
    bundleHash: bytes.subarray(BUNDLE_HASH_AT, EPHEMERAL_AT),
    ephemeral: bytes.subarray(EPHEMERAL_AT, CIPHERTEXT_AT),
    ciphertext: bytes.subarray(CIPHERTEXT_AT),
  };
}

/** What the initiator sends until it is answered, as it came out of the envelope. All of it is only claimed so far. */
export interface Opening {
  readonly header: Kx1Header;
  readonly headerBytes: Uint8Array;
  /** The KR1 message. */
  readonly message: Uint8Array;
  /** Whose it claims to be, 48 bytes: to look up the contact. */
  readonly fingerprint: Uint8Array;
  /** 32 bytes: names the header, so that its repetitions are told from other first contacts. */
  readonly openingId: Uint8Array;
  /** 32 bytes: names what must never be accepted twice, whatever else the header says. */
  readonly replayId: Uint8Array;
}

/** Takes apart the plaintext of an envelope. Total: throws only {@link MalformedError}. Views of `bytes`. */
export function readOpening(provider: Provider, bytes: Uint8Array): Opening {
  if (bytes.length !== ENVELOPE_PLAINTEXT_BYTES) throw new MalformedError('kx1-header', 'wrong length');
  const headerBytes = bytes.subarray(0, KX1_HEADER_BYTES);
  const header = decodeKx1Header(headerBytes);
  return {
    header,
    headerBytes,
    message: bytes.subarray(KX1_HEADER_BYTES),
    fingerprint: fingerprintOf(provider, header.ed, header.dsaHash),
    openingId: openingIdOf(provider, headerBytes),
    replayId: provider.sha256(REPLAY_LABEL, header.ephemeral, header.ciphertext),
  };
}

function openingIdOf(provider: Provider, headerBytes: Uint8Array): Uint8Array {
  return provider.sha256(OPENING_LABEL, headerBytes);
}

/** Both ends of a first contact, as each knows them. */
export interface Kx1Parties {
  /** 48 bytes. */
  readonly initiatorFingerprint: Uint8Array;
  /** 48 bytes. */
  readonly responderFingerprint: Uint8Array;
  /** Hash of the responder's bundle that was used, 32 bytes. */
  readonly responderBundleHash: Uint8Array;
  /** X25519 public key of the one-time prekey, or null. */
  readonly oneTimePrekey: Uint8Array | null;
}

/** Transcript hash, 32 bytes: who, with whom, by which keys. */
export function transcriptOf(provider: Provider, headerBytes: Uint8Array, parties: Kx1Parties): Uint8Array {
  return provider.sha256(
    TRANSCRIPT_LABEL,
    headerBytes,
    parties.initiatorFingerprint,
    parties.responderFingerprint,
    parties.responderBundleHash,
    parties.oneTimePrekey ?? ZEROS,
  );
}

export interface Kx1Secrets {
  readonly keys: SessionKeys;
  /** 32 bytes: gives the keys of epoch 0. */
  readonly epochSecret: Uint8Array;
}

/** The secrets of the session. Wipes `agreements`: the shared secrets in the order of the ikm. */
export function deriveSecrets(
  provider: Provider,
  transcript: Uint8Array,
  agreements: readonly Uint8Array[],
): Kx1Secrets {
  const ikm = concat(...agreements);
  const output = provider.hkdfSha256(ikm, ZEROS, concat(SECRETS_LABEL, transcript), 128);
  wipe(ikm, ...agreements);
  return {
    keys: {
      rootKey: output.subarray(0, 32),
      initiatorHeaderKey: output.subarray(32, 64),
      responderHeaderKey: output.subarray(64, 96),
    },
    epochSecret: output.subarray(96),
  };
}

/** Best-effort erasure of what the session has copied. */
export function wipeSecrets({ keys, epochSecret }: Kx1Secrets): void {
  wipe(keys.rootKey, keys.initiatorHeaderKey, keys.responderHeaderKey, epochSecret);
}

/** Throws KemError BUNDLE_MISMATCH unless the header names this bundle. */
export function requireBundleOf(provider: Provider, header: Kx1Header, bundle: Uint8Array): void {
  if (equal(bundleHash(provider, bundle), header.bundleHash)) return;
  throw bundleMismatch();
}

export function bundleMismatch(): KemError {
  return new KemError('BUNDLE_MISMATCH', 'the bundle is not the one that the header names', {
    hint: 'The message was put together from parts of others; drop it.',
  });
}

/** Throws KemError OWN_FINGERPRINT: a session with oneself has no other side that could be authenticated. */
export function requireOther(identity: Identity, fingerprint: Uint8Array): void {
  if (!equal(identity.fingerprint, fingerprint)) return;
  throw new KemError('OWN_FINGERPRINT', 'this is the own identity', {
    hint: 'Choose somebody else: a session has two ends.',
  });
}
