/**
 * Something short for whoever has the reference: sealed, padded and signed under a key pair made for it alone, so
 * that what lies in the DHT says neither who wrote it, nor what, nor for whom. docs/wire.md, "Sealed slots".
 *
 * The reference reads; it does not write: the signing key is forgotten at once. Not hidden: that a slot of one of two
 * sizes exists, when it expires, and that two who ask for the same slot know the same reference.
 */

import { concat, copyOf, u16 } from '../safety/bytes.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';
import { type RandomBytes, systemRandom } from '../safety/random.ts';
import { type Slot, signSlot, SLOT_CIPHERTEXT_SIZES } from '../wire/slot.ts';
import { DhtError } from './errors.ts';

const KEY_BYTES = 32;
const TAG_BYTES = 16;
const LENGTH_BYTES = 2;
/** ChaCha20-Poly1305; the key seals one slot and no other. */
const NONCE = new Uint8Array(12);
const SIZES = SLOT_CIPHERTEXT_SIZES;
const PREFIX = 'kith-slot:';

/** Longest content of a sealed slot, bytes. */
export const SEALED_SLOT_MAX_BYTES = Math.max(...SIZES) - TAG_BYTES - LENGTH_BYTES;

export interface SlotReference {
  /** Public key of the slot, 32 bytes: where it is, and who may write it. */
  readonly pk: Uint8Array;
  /** What opens it, 32 bytes: a secret. */
  readonly key: Uint8Array;
}

export interface SealOptions {
  /** Unix seconds. */
  readonly expiry: number;
  readonly provider?: Provider;
  readonly random?: RandomBytes;
}

/** A slot that holds `content`, and what finds and opens it. Throws {@link DhtError} TOO_LONG. */
export function sealSlot(
  content: Uint8Array,
  { expiry, provider = nodeProvider, random = systemRandom }: SealOptions,
): { readonly bytes: Uint8Array; readonly reference: SlotReference } {
  const needed = content.length + LENGTH_BYTES + TAG_BYTES;
  const size = SIZES.find((fits) => fits >= needed);
  if (size === undefined) throw new DhtError('TOO_LONG', { data: { sizeBytes: content.length } });
  const signer = provider.ed25519.signer(random(32));
  const pk = signer.publicKey;
  const key = random(KEY_BYTES);
  const padding = new Uint8Array(size - needed);
  const ciphertext = provider.chaCha20Poly1305.seal(key, NONCE, pk, u16(content.length), content, padding);
  return { bytes: signSlot({ seq: 0, expiry, ciphertext }, signer), reference: { pk, key } };
}

/** The content of a slot whose signature was checked. Throws CryptoError or {@link MalformedError}. */
export function openSlot(
  { ciphertext }: Pick<Slot, 'ciphertext'>,
  { pk, key }: SlotReference,
  provider: Provider = nodeProvider,
): Uint8Array {
  const plaintext = provider.chaCha20Poly1305.open(key, NONCE, pk, ciphertext);
  const length = new DataView(plaintext.buffer, plaintext.byteOffset).getUint16(0);
  const end = LENGTH_BYTES + length;
  if (end > plaintext.length || plaintext.subarray(end).some((byte) => byte !== 0)) {
    throw new MalformedError('sealed-slot', 'the padding is not what its length says');
  }
  return copyOf(plaintext, LENGTH_BYTES, end);
}

/** `kith-slot:` and 86 characters of base64url: the key of the slot and the key that opens it. */
export function encodeSlotReference({ pk, key }: SlotReference): string {
  return PREFIX + Buffer.from(concat(pk, key)).toString('base64url');
}

/** Total: throws only {@link MalformedError}. One spelling per reference. */
export function decodeSlotReference(text: string): SlotReference {
  if (!/^kith-slot:[A-Za-z0-9_-]{86}$/.test(text)) {
    throw new MalformedError('slot-reference', 'not "kith-slot:" and 86 characters');
  }
  const bytes = Buffer.from(text.slice(PREFIX.length), 'base64url');
  const reference = {
    pk: copyOf(bytes, 0, KEY_BYTES),
    key: copyOf(bytes, KEY_BYTES),
  };
  if (encodeSlotReference(reference) !== text) {
    throw new MalformedError('slot-reference', 'bits after the end are not zero');
  }
  return reference;
}
