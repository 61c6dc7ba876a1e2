/**
 * The slot: the one record that kith keeps in Kademlia. A fixed-size ciphertext under a key that is used for one slot
 * only, so that a holder learns neither who wrote it nor for whom. See docs/wire.md.
 *
 * version 1 ‖ pk 32 ‖ seq 8 ‖ expiry 8 ‖ ciphertext 512 or 4,096 ‖ signature 64, integers big-endian. It is kept
 * under {@link slotKey}, which does not show the public key to who asks for something else.
 *
 * Decoding is about form alone: signature, expiry and the key it is offered under are judged in src/dht/slot-rules.ts.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { concat, copyOf, equal, utf8 } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';
import type { Ed25519Signer } from '../safety/crypto/provider.ts';

const VERSION = 1;
const PK_BYTES = 32;
const SIGNATURE_BYTES = 64;
const SEQ_AT = 1 + PK_BYTES;
const EXPIRY_AT = SEQ_AT + 8;
const CIPHERTEXT_AT = EXPIRY_AT + 8;

/** Sizes a ciphertext is padded to: two, so that the size says next to nothing. */
export const SLOT_CIPHERTEXT_SIZES: readonly number[] = [512, 4_096];

/** Sizes of a whole slot. */
export const SLOT_SIZES: readonly number[] = SLOT_CIPHERTEXT_SIZES.map(
  (size) => CIPHERTEXT_AT + size + SIGNATURE_BYTES,
);

const SIGN_LABEL = utf8('kith/1/slot/sign');
const KEY_LABEL = utf8('kith/1/slot/key');
const KEY_PREFIX = utf8('/kith-slot/');
const DIGEST_BYTES = 32;

export interface Slot {
  /** Ed25519 public key, 32 bytes. */
  readonly pk: Uint8Array;
  /** Grows with each version: a holder replaces a slot only by one with a higher seq. */
  readonly seq: number;
  /** Unix seconds after which nobody keeps or returns it. */
  readonly expiry: number;
  readonly ciphertext: Uint8Array;
  readonly signature: Uint8Array;
}

/** Throws RangeError on fields that have no encoding. */
export function encodeSlot(slot: Slot): Uint8Array {
  if (slot.pk.length !== PK_BYTES) throw new RangeError('public key');
  if (!SLOT_CIPHERTEXT_SIZES.includes(slot.ciphertext.length)) throw new RangeError('ciphertext');
  if (slot.signature.length !== SIGNATURE_BYTES) throw new RangeError('signature');
  const integers = concat(u64('seq', slot.seq), u64('expiry', slot.expiry));
  return concat(Uint8Array.of(VERSION), slot.pk, integers, slot.ciphertext, slot.signature);
}

/** A slot under the signer's key. Throws RangeError on fields that have no encoding. */
export function signSlot(
  fields: Pick<Slot, 'seq' | 'expiry' | 'ciphertext'>,
  signer: Ed25519Signer,
): Uint8Array {
  const unsigned = { ...fields, pk: signer.publicKey, signature: new Uint8Array(SIGNATURE_BYTES) };
  const bytes = encodeSlot(unsigned);
  bytes.set(signer.sign(slotSigningInput(bytes)), bytes.length - SIGNATURE_BYTES);
  return bytes;
}

/** What the signature at the end of an encoded slot is over. */
export function slotSigningInput(bytes: Uint8Array): Uint8Array {
  return concat(SIGN_LABEL, bytes.subarray(0, -SIGNATURE_BYTES));
}

/** Total: throws only {@link MalformedError}. The parts are copies. */
export function decodeSlot(bytes: Uint8Array): Slot {
  if (!SLOT_SIZES.includes(bytes.length)) {
    throw new MalformedError('slot', 'wrong length', { sizeBytes: bytes.length });
  }
  if (bytes[0] !== VERSION) throw new MalformedError('slot', 'unknown version');
  return {
    pk: copyOf(bytes, 1, SEQ_AT),
    seq: readU64('seq', bytes, SEQ_AT),
    expiry: readU64('expiry', bytes, EXPIRY_AT),
    ciphertext: copyOf(bytes, CIPHERTEXT_AT, -SIGNATURE_BYTES),
    signature: copyOf(bytes, -SIGNATURE_BYTES),
  };
}

/** The Kademlia key of the slot of a public key: `/kith-slot/` and 32 bytes. */
export function slotKey(pk: Uint8Array): Uint8Array<ArrayBuffer> {
  if (pk.length !== PK_BYTES) throw new RangeError('public key');
  return concat(KEY_PREFIX, sha256(concat(KEY_LABEL, pk)));
}

/** A copy of the 32 bytes behind the prefix. Total: throws only {@link MalformedError}. */
export function decodeSlotKey(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== KEY_PREFIX.length + DIGEST_BYTES) throw new MalformedError('slot-key', 'wrong length');
  if (!equal(bytes.subarray(0, KEY_PREFIX.length), KEY_PREFIX)) {
    throw new MalformedError('slot-key', 'another namespace');
  }
  return copyOf(bytes, KEY_PREFIX.length);
}

function u64(what: string, value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(what);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

function readU64(what: string, bytes: Uint8Array, at: number): number {
  const value = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new MalformedError('slot', `impossible ${what}`);
  return Number(value);
}
