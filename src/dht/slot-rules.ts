/**
 * Which slots are acceptable, judged by the record alone: the same rules for a holder, a reader and a writer. Spec:
 * docs/wire.md. What a holder makes of a slot beside those it has is decided in slot-store.ts.
 *
 * The signature check costs a hundred times all the rest, so it is apart and comes last.
 */

import type { Provider } from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';
import { equal } from '../safety/bytes.ts';
import { decodeSlot, type Slot, slotKey, slotSigningInput } from '../wire/slot.ts';
import { DhtError } from './errors.ts';
import { SLOT_CLOCK_SKEW_MS, SLOT_TTL_MS } from './limits.ts';

export interface SlotRulesInit {
  /** Wall clock. */
  readonly nowMs: number;
  readonly provider: Provider;
  /** The key it came under; any, if absent. */
  readonly key?: Uint8Array;
}

/** The slot, good in every respect. Throws {@link DhtError} SLOT_MALFORMED, _KEY, _EXPIRED, _TOO_FAR, _SIGNATURE. */
export function checkSlot(bytes: Uint8Array, { nowMs, provider, key }: SlotRulesInit): Slot {
  const slot = checkUnsigned(bytes, nowMs, key);
  checkSignature(bytes, slot, provider);
  return slot;
}

/** All but the signature. */
export function checkUnsigned(bytes: Uint8Array, nowMs: number, key?: Uint8Array): Slot {
  const slot = decode(bytes);
  if (key !== undefined && !equal(slotKey(slot.pk), key)) throw new DhtError('SLOT_KEY');
  if (isExpired(slot.expiry, nowMs)) throw new DhtError('SLOT_EXPIRED');
  if (slot.expiry * 1000 > nowMs + SLOT_TTL_MS + SLOT_CLOCK_SKEW_MS) throw new DhtError('SLOT_TOO_FAR');
  return slot;
}

export function checkSignature(bytes: Uint8Array, slot: Slot, provider: Provider): void {
  if (!provider.ed25519.verify(slot.pk, slotSigningInput(bytes), slot.signature)) {
    throw new DhtError('SLOT_SIGNATURE');
  }
}

/** `expiry` in unix seconds. */
export function isExpired(expiry: number, nowMs: number): boolean {
  return expiry * 1000 <= nowMs;
}

function decode(bytes: Uint8Array): Slot {
  try {
    return decodeSlot(bytes);
  } catch (error) {
    if (error instanceof MalformedError) throw new DhtError('SLOT_MALFORMED', { cause: error });
    throw error;
  }
}
