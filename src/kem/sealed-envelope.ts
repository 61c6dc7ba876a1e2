/**
 * SE1, the sealed envelope of first contact (docs/wire.md): HPKE to the X-Wing inbox key of the recipient's device,
 * so that whoever carries it sees neither who writes nor what.
 *
 *     version 1 | enc 1,120 | AES-256-GCM of 15,119 bytes + 16      always 16,256 bytes
 *
 * It does not hide that it is one, and so that it is a first contact: the version is always 1 and the top bit of the
 * X25519 part 0, where a KR1 message of the same size has random bytes. It authenticates nobody: anyone who has the
 * bundle can seal. Who wrote is settled inside, by KX1. There is no forward secrecy beyond the life of the inbox key.
 */

import { concat, utf8 } from '../safety/bytes.ts';
import { CryptoError, type KemKeyPair, type Provider } from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';
import { HPKE_ENC_BYTES, HPKE_TAG_BYTES, hpkeOpen, hpkeSeal } from './hpke.ts';

/** The payload of a parcel of four boxes. */
export const ENVELOPE_BYTES = 16_256;

const VERSION = 1;
const HEAD_BYTES = 1 + HPKE_ENC_BYTES;

/** What fits between head and tag: 15,119, all of it always used. */
export const ENVELOPE_PLAINTEXT_BYTES = ENVELOPE_BYTES - HEAD_BYTES - HPKE_TAG_BYTES;

const FINGERPRINT_BYTES = 48;
const INFO_LABEL = utf8('kith/1/se/info');
const AAD = Uint8Array.of(VERSION);

/** Whom an envelope is for. */
export interface EnvelopeRecipient {
  /** X-Wing inbox key of the verified bundle, 1,216 bytes. */
  readonly inboxKey: Uint8Array;
  /** Fingerprint of the identity, 48 bytes: an envelope opens for nobody else, even one who shares the inbox key. */
  readonly fingerprint: Uint8Array;
}

function contextFor(fingerprint: Uint8Array): { info: Uint8Array; aad: Uint8Array } {
  if (fingerprint.length !== FINGERPRINT_BYTES) {
    throw new RangeError(`fingerprint: ${fingerprint.length} bytes where ${FINGERPRINT_BYTES} are needed`);
  }
  return { info: concat(INFO_LABEL, fingerprint), aad: AAD };
}

/**
 * An envelope of exactly {@link ENVELOPE_BYTES} around exactly {@link ENVELOPE_PLAINTEXT_BYTES}, fresh each time.
 * `coins` (64) for known answers only. Throws RangeError on another size, CryptoError on an inbox key that is none.
 */
export function sealEnvelope(
  provider: Provider,
  recipient: EnvelopeRecipient,
  plaintext: Uint8Array,
  coins?: Uint8Array,
): Uint8Array {
  if (plaintext.length !== ENVELOPE_PLAINTEXT_BYTES) {
    throw new RangeError(
      `envelope plaintext: ${plaintext.length} bytes where ${ENVELOPE_PLAINTEXT_BYTES} are needed`,
    );
  }
  const context = contextFor(recipient.fingerprint);
  const { enc, ciphertext } = hpkeSeal(provider, recipient.inboxKey, context, [plaintext], coins);
  return concat(AAD, enc, ciphertext);
}

/**
 * The plaintext ({@link ENVELOPE_PLAINTEXT_BYTES}) of an envelope to one of the retained inbox keys, tried in their
 * order: put the newest first. Throws MalformedError('sealed-envelope') on another size or version, and CryptoError
 * when none opens it.
 */
export function openEnvelope(
  provider: Provider,
  inboxes: readonly KemKeyPair[],
  fingerprint: Uint8Array,
  envelope: Uint8Array,
): Uint8Array {
  const context = contextFor(fingerprint);
  if (envelope.length !== ENVELOPE_BYTES) {
    throw new MalformedError('sealed-envelope', 'not the one size of an envelope', { size: envelope.length });
  }
  if (envelope[0] !== VERSION) {
    throw new MalformedError('sealed-envelope', 'not a version that is known', {
      version: envelope[0] as number,
    });
  }
  const enc = envelope.subarray(1, HEAD_BYTES);
  const ciphertext = envelope.subarray(HEAD_BYTES);
  for (const inbox of inboxes) {
    try {
      return hpkeOpen(provider, inbox, context, enc, ciphertext);
    } catch (error) {
      // for another inbox key, or for none: both look the same
      if (!(error instanceof CryptoError)) throw error;
    }
  }
  throw new CryptoError('sealed-envelope');
}
