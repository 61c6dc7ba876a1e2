/**
 * The slots of a store key, as LUKS has them: one random key seals the store, and each slot wraps it under something
 * that somebody has or knows. Changing a passphrase rewrites this file and nothing else. docs/wire.md, "Key slots".
 *
 * | bytes | field |
 * |---|---|
 * | 1 | version, 1 |
 * | 1 | slots, 1 to 8; for each: |
 * | 1 | kind: 1 passphrase, 2 key file, 3 export key of a login |
 * | 16 | salt |
 * | 6 | only of a passphrase: cost of Argon2id |
 * | 48 | store key (32), sealed by AES-256-GCM, nonce 0, aad = the fields of the slot before |
 * | 16 | after the last slot: SHA-256 of all before, first half: tells damage from a wrong passphrase |
 *
 * Key of a slot = HKDF-SHA256(secret, salt, label ‖ kind), used for this one seal, as the salt is new
 * each time. Not promised: that an old copy of this file does not open the store with an old passphrase. It does.
 */

import { concat, copyOf, equal, utf8 } from '../safety/bytes.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { FieldReader, FieldWriter } from '../wire/fields.ts';
import { MAX_KEY_SLOTS } from './limits.ts';
import { type Argon2Cost, decodeCost, encodeCost, SALT_BYTES } from './passphrase.ts';

const FORMAT = 'key-slots';
const VERSION = 1;
const LABEL = utf8('kith/1/store/slot');
const NONCE = new Uint8Array(12);
const WRAPPED_BYTES = 32 + 16;
const CHECK_BYTES = 16;

const KINDS = { passphrase: 1, 'key-file': 2, 'export-key': 3 } as const;

export type SlotKind = keyof typeof KINDS;

export interface KeySlot {
  readonly kind: SlotKind;
  readonly salt: Uint8Array;
  /** Of a passphrase only. */
  readonly cost: Argon2Cost | null;
  /** The store key, sealed. */
  readonly wrapped: Uint8Array;
}

export interface SlotToSeal {
  readonly kind: SlotKind;
  /** {@link SALT_BYTES} that were never used before. */
  readonly salt: Uint8Array;
  readonly cost: Argon2Cost | null;
  /** 32 bytes: Argon2id of a passphrase, content of a key file, export key. */
  readonly secret: Uint8Array;
}

/** Wraps the store key. */
export function sealSlot(provider: Provider, slot: SlotToSeal, storeKey: Uint8Array): KeySlot {
  const { kind, salt, cost } = slot;
  const key = slotKey(provider, slot, slot.secret);
  return { kind, salt, cost, wrapped: provider.aes256Gcm.seal(key, NONCE, head(slot).done(), storeKey) };
}

/** The store key, or null where the secret is another. */
export function openSlot(provider: Provider, slot: KeySlot, secret: Uint8Array): Uint8Array | null {
  try {
    return provider.aes256Gcm.open(slotKey(provider, slot, secret), NONCE, head(slot).done(), slot.wrapped);
  } catch {
    return null;
  }
}

export function encodeKeySlots(provider: Provider, slots: readonly KeySlot[]): Uint8Array {
  if (slots.length < 1 || slots.length > MAX_KEY_SLOTS) throw new RangeError('a store key has 1 to 8 slots');
  const writer = new FieldWriter().u8(VERSION).u8(slots.length);
  for (const slot of slots) writer.bytes(head(slot).done()).bytes(slot.wrapped, WRAPPED_BYTES);
  const body = writer.done();
  return concat(body, checkOf(provider, body));
}

/** Throws MalformedError. */
export function decodeKeySlots(provider: Provider, bytes: Uint8Array): KeySlot[] {
  const reader = new FieldReader(FORMAT, bytes);
  if (reader.u8() !== VERSION) reader.refuse('unknown version');
  const count = reader.u8();
  if (count < 1 || count > MAX_KEY_SLOTS) reader.refuse('number of slots', { slots: count });
  const slots = Array.from({ length: count }, () => slotOf(reader));
  const check = reader.bytes(CHECK_BYTES);
  reader.end();
  if (!equal(check, checkOf(provider, bytes.subarray(0, -CHECK_BYTES)))) reader.refuse('damaged');
  return slots;
}

function slotOf(reader: FieldReader): KeySlot {
  const number = reader.u8();
  const kind = (Object.keys(KINDS) as SlotKind[]).find((kind) => KINDS[kind] === number);
  if (kind === undefined) return reader.refuse('unknown kind of slot', { kind: number });
  const salt = reader.bytes(SALT_BYTES);
  const cost = kind === 'passphrase' ? decodeCost(reader) : null;
  return { kind, salt, cost, wrapped: reader.bytes(WRAPPED_BYTES) };
}

function head({ kind, salt, cost }: Omit<KeySlot, 'wrapped'>): FieldWriter {
  const writer = new FieldWriter().u8(KINDS[kind]).bytes(salt, SALT_BYTES);
  return cost === null ? writer : encodeCost(writer, cost);
}

function slotKey(
  provider: Provider,
  { kind, salt }: Pick<KeySlot, 'kind' | 'salt'>,
  secret: Uint8Array,
): Uint8Array {
  return provider.hkdfSha256(secret, salt, concat(LABEL, Uint8Array.of(KINDS[kind])), 32);
}

function checkOf(provider: Provider, body: Uint8Array): Uint8Array {
  return copyOf(provider.sha256(body), 0, CHECK_BYTES);
}
