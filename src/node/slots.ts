/** Sealed slots through scouts: what `kith dht` does. */

import { DhtError } from '../dht/errors.ts';
import { SLOT_TTL_MS } from '../dht/limits.ts';
import type { Scouts } from '../dht/scouts.ts';
import { decodeSlotReference, encodeSlotReference, openSlot, sealSlot } from '../dht/sealed-slot.ts';
import type { Clock } from '../safety/clock.ts';
import type { GotSlot, PutSlot, PutSlotOptions } from './face.ts';

const DAY_MS = 86_400_000;

/** Throws DhtError TOO_LONG, TTL, NOT_KEPT, or as {@link Scouts.put}. */
export async function putSlot(
  scouts: Pick<Scouts, 'put'>,
  clock: Clock,
  content: Uint8Array,
  { ttlMs = SLOT_TTL_MS, signal }: PutSlotOptions & { signal: AbortSignal },
): Promise<PutSlot> {
  if (ttlMs < 1000 || ttlMs > SLOT_TTL_MS) {
    throw new DhtError('TTL');
  }
  const expiry = roundedUp(Math.floor((clock.now() + ttlMs) / 1000), ttlMs);
  const { bytes, reference } = sealSlot(content, { expiry });
  const [written] = await scouts.put([bytes], { signal });
  if (written === undefined || written.holders === 0) {
    throw new DhtError('NOT_KEPT');
  }
  return {
    reference: encodeSlotReference(reference),
    expiry,
    holders: written.holders,
    tookMs: Math.round(written.tookMs),
  };
}

/** Throws DhtError NOT_FOUND, CryptoError or MalformedError on what cannot be opened, or as {@link Scouts.get}. */
export async function getSlot(
  scouts: Pick<Scouts, 'get'>,
  reference: string,
  signal: AbortSignal,
): Promise<GotSlot> {
  const found = decodeSlotReference(reference);
  const [read] = await scouts.get([found.pk], { signal });
  if (read === undefined || read.slot === null) {
    throw new DhtError('NOT_FOUND');
  }
  return {
    content: openSlot(read.slot, found),
    expiry: read.slot.expiry,
    answers: read.answers,
    conflicts: read.conflicts.length,
    tookMs: Math.round(read.tookMs),
  };
}

/** An expiry to the second would show the skew of this clock, and so which slots are of one node. */
function roundedUp(expiry: number, ttlMs: number): number {
  const grain = ttlMs >= DAY_MS ? 3600 : 60;
  return Math.ceil(expiry / grain) * grain;
}
