/** Slots for tests, good ones and bad ones, made from numbers so that runs repeat. */

import { createHash } from 'node:crypto';
import { concat, utf8 } from '../../src/safety/bytes.ts';
import type { Ed25519Signer, Provider } from '../../src/safety/crypto/provider.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { SealedRows } from '../../src/store/sealed-rows.ts';
import { signSlot, slotKey } from '../../src/wire/slot.ts';
import { ManualClock } from '../manual-clock.ts';

export const DAY_S = 24 * 60 * 60;

/** Where the clocks of these tests start. */
export const START_S = 1_700_000_000;

export function startedClock(): ManualClock {
  return new ManualClock(START_S * 1000);
}

/** 32 bytes that look random and are the same for the same text. */
export function bytesOf(text: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(text).digest());
}

export function signerOf(name: string): Ed25519Signer {
  return nodeProvider.ed25519.signer(bytesOf(`seed ${name}`));
}

export interface MadeSlot {
  readonly key: Uint8Array;
  readonly bytes: Uint8Array;
}

/** A slot of the named signer; by default seq 1, one day to live, small. */
export function made(
  name: string,
  { seq = 1, expiry = START_S + DAY_S, fill = 0, size = 512 } = {},
): MadeSlot {
  const signer = signerOf(name);
  const bytes = signSlot({ seq, expiry, ciphertext: new Uint8Array(size).fill(fill) }, signer);
  return { key: slotKey(signer.publicKey), bytes };
}

/** The same slot with one byte other than it was. */
export function flipped({ key, bytes }: MadeSlot, at: number): MadeSlot {
  const changed = bytes.slice();
  const index = at < 0 ? bytes.length + at : at;
  changed[index] = (bytes[index] as number) ^ 1;
  return { key, bytes: changed };
}

const template = made('template').bytes;
const keyLabel = utf8('kith/1/slot/key');
const keyPrefix = utf8('/kith-slot/');

/** For floods: made fast and never signed, for stores with {@link trusting}. */
export function unsigned(name: string, { seq = 1, expiry = START_S + DAY_S } = {}): MadeSlot {
  const pk = bytesOf(`unsigned ${name}`);
  const bytes = template.slice();
  bytes.set(pk, 1);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(33, BigInt(seq));
  view.setBigUint64(41, BigInt(expiry));
  return { key: concat(keyPrefix, nodeProvider.sha256(keyLabel, pk)), bytes };
}

/** A provider that counts signature checks and believes them all. */
export function trusting(): Provider & { checked: number } {
  const provider = {
    ...nodeProvider,
    checked: 0,
    ed25519: {
      ...nodeProvider.ed25519,
      verify: () => {
        provider.checked++;
        return true;
      },
    },
  };
  return provider;
}

export function rowsIn(path = ':memory:', maxRows = 4_000): SealedRows {
  return SealedRows.open({ path, key: new Uint8Array(32).fill(9), maxRows, maxBytes: maxRows * 4_608 });
}
