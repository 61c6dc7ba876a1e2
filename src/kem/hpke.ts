/**
 * HPKE in base mode (RFC 9180) with X-Wing, the KEM 0x647A of draft-connolly-cfrg-xwing-kem section 5.7, and
 * HKDF-SHA256: one message a key, sealed and opened in one go (section 6.1), so the sequence number is always 0.
 *
 * It does not say who sealed. Neither exporting secrets nor the PSK and Auth modes are here.
 */

import { concat, copyOf, u16, utf8, wipe } from '../safety/bytes.ts';
import type { KemKeyPair, Provider } from '../safety/crypto/provider.ts';

/** Encapsulated key, the `enc` of section 6.1: an X-Wing ciphertext. */
export const HPKE_ENC_BYTES = 1120;
/** Tag of either AEAD. */
export const HPKE_TAG_BYTES = 16;

const KEM_X_WING = 0x647a;
const KDF_HKDF_SHA256 = 0x0001;
const MODE_BASE = Uint8Array.of(0x00);
const NOTHING = new Uint8Array(0);

/** The AEADs of section 7.3 that may be used here: key 32, nonce 12. */
const AEADS = {
  'AES-256-GCM': { id: 0x0002, of: (provider: Provider) => provider.aes256Gcm },
  ChaCha20Poly1305: { id: 0x0003, of: (provider: Provider) => provider.chaCha20Poly1305 },
} as const;

export type HpkeAead = keyof typeof AEADS;

/** What both sides give beside the keys; it must be the same on both. */
export interface HpkeContext {
  /** Section 5.1: bound into the keys. */
  readonly info: Uint8Array;
  /** Associated data of the one message. */
  readonly aad: Uint8Array;
  /** AES-256-GCM unless said otherwise. */
  readonly aead?: HpkeAead;
}

const VERSION_LABEL = utf8('HPKE-v1');

/** Everything of the key schedule that depends on labels: one per suite (sections 4 and 5.1). */
class KeySchedule {
  readonly #provider: Provider;
  readonly #suiteId: Uint8Array;

  constructor(provider: Provider, aeadId: number) {
    this.#provider = provider;
    this.#suiteId = concat(utf8('HPKE'), u16(KEM_X_WING), u16(KDF_HKDF_SHA256), u16(aeadId));
  }

  /** KeySchedule of section 5.1 for the base mode, where psk and psk_id are empty. The caller wipes both. */
  derive(sharedSecret: Uint8Array, info: Uint8Array): { key: Uint8Array; baseNonce: Uint8Array } {
    const pskIdHash = this.#extract(NOTHING, 'psk_id_hash', NOTHING);
    const infoHash = this.#extract(NOTHING, 'info_hash', info);
    const context = concat(MODE_BASE, pskIdHash, infoHash);
    const secret = this.#extract(sharedSecret, 'secret', NOTHING);
    const key = this.#expand(secret, 'key', context, 32);
    const baseNonce = this.#expand(secret, 'base_nonce', context, 12);
    wipe(secret);
    return { key, baseNonce };
  }

  /** LabeledExtract: HMAC of the labelled input under the salt, which is RFC 5869's extract. */
  #extract(salt: Uint8Array, label: string, input: Uint8Array): Uint8Array {
    return this.#provider.hmacSha256(salt, VERSION_LABEL, this.#suiteId, utf8(label), input);
  }

  /** LabeledExpand to at most 32 bytes, which is the first block of RFC 5869's expand. */
  #expand(secret: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array {
    const block = this.#provider.hmacSha256(
      secret,
      u16(length),
      VERSION_LABEL,
      this.#suiteId,
      utf8(label),
      info,
      Uint8Array.of(1),
    );
    const wanted = copyOf(block, 0, length);
    wipe(block);
    return wanted;
  }
}

/** Runs `use` with the message key and nonce of a shared secret, and wipes all three afterwards. */
function withMessageKey<T>(
  provider: Provider,
  sharedSecret: Uint8Array,
  context: HpkeContext,
  use: (aead: Provider['aes256Gcm'], key: Uint8Array, nonce: Uint8Array) => T,
): T {
  const aead = AEADS[context.aead ?? 'AES-256-GCM'];
  const { key, baseNonce } = new KeySchedule(provider, aead.id).derive(sharedSecret, context.info);
  try {
    return use(aead.of(provider), key, baseNonce);
  } finally {
    wipe(sharedSecret, key, baseNonce);
  }
}

/**
 * SealBase of section 6.1: enc (1,120), then the ciphertext (16 bytes longer than the parts of the plaintext).
 * `coins` (64) for known answers only. Throws CryptoError on a public key that X-Wing refuses.
 */
export function hpkeSeal(
  provider: Provider,
  publicKey: Uint8Array,
  context: HpkeContext,
  plaintext: readonly Uint8Array[],
  coins?: Uint8Array,
): { enc: Uint8Array; ciphertext: Uint8Array } {
  const { ciphertext: enc, sharedSecret } = provider.xWing.encapsulate(publicKey, coins);
  const ciphertext = withMessageKey(provider, sharedSecret, context, (aead, key, nonce) =>
    aead.seal(key, nonce, context.aad, ...plaintext),
  );
  return { enc, ciphertext };
}

/** OpenBase of section 6.1. Throws CryptoError on anything that was not sealed to this key with this context. */
export function hpkeOpen(
  provider: Provider,
  recipient: KemKeyPair,
  context: HpkeContext,
  enc: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array {
  const sharedSecret = recipient.decapsulate(enc);
  return withMessageKey(provider, sharedSecret, context, (aead, key, nonce) =>
    aead.open(key, nonce, context.aad, ciphertext),
  );
}
