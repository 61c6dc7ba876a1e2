import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DhtError, type DhtErrorCode } from '../../src/dht/errors.ts';
import { checkSlot } from '../../src/dht/slot-rules.ts';
import { fromHex } from '../../src/safety/bytes.ts';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { decodeSlot, encodeSlot, slotKey } from '../../src/wire/slot.ts';
import { DAY_S, flipped, type MadeSlot, made, START_S, signerOf } from './made-slots.ts';

const NOW_MS = START_S * 1000;
const good = made('alice');

/** Both providers have to say the same. */
function refused({ bytes, key }: MadeSlot, code: DhtErrorCode, nowMs = NOW_MS): void {
  for (const provider of [nodeProvider, nobleProvider]) {
    assert.throws(
      () => checkSlot(bytes, { key, nowMs, provider }),
      (error) => error instanceof DhtError && error.code === code,
    );
  }
}

function accepted({ bytes, key }: MadeSlot, nowMs = NOW_MS): void {
  for (const provider of [nodeProvider, nobleProvider]) checkSlot(bytes, { key, nowMs, provider });
}

test('a good slot of either size is accepted, with its key or for any', () => {
  accepted(good);
  accepted(made('alice', { size: 4_096 }));
  const slot = checkSlot(good.bytes, { nowMs: NOW_MS, provider: nodeProvider });
  assert.deepEqual(slot, decodeSlot(good.bytes));
});

test('a slot that is too long or too short is refused', () => {
  for (const length of [0, 624, 626, 4_208, 4_210]) {
    refused({ key: good.key, bytes: new Uint8Array(length).fill(1) }, 'SLOT_MALFORMED');
  }
});

test('a slot signed by somebody else is refused', () => {
  const slot = decodeSlot(made('mallory').bytes);
  const pk = signerOf('alice').publicKey;
  refused({ key: good.key, bytes: encodeSlot({ ...slot, pk }) }, 'SLOT_SIGNATURE');
});

test('a slot of which any part was changed is refused', () => {
  for (const at of [40, 48, 49, 560, -64, -33, -32, -1]) refused(flipped(good, at), 'SLOT_SIGNATURE');
});

test('a slot replayed under the key of another is refused', () => {
  refused({ key: made('bob').key, bytes: good.bytes }, 'SLOT_KEY');
  refused({ key: good.key.subarray(11), bytes: good.bytes }, 'SLOT_KEY');
});

test('a signature under a key of small order is refused, though anything fits it', () => {
  const identity = fromHex(`01${'00'.repeat(31)}`);
  const signature = new Uint8Array(64);
  signature.set(identity);
  for (const point of [
    identity,
    fromHex('00'.repeat(32)),
    fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'),
  ]) {
    const bytes = encodeSlot({ ...decodeSlot(good.bytes), pk: point, signature });
    refused({ key: slotKey(point), bytes }, 'SLOT_SIGNATURE');
  }
});

test('a signature with S of L or more is refused, though the equation holds', () => {
  const order = BigInt('0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed');
  const slot = decodeSlot(good.bytes);
  const s = Buffer.from(slot.signature.subarray(32)).reverse().toString('hex');
  const raised = (BigInt(`0x${s}`) + order).toString(16).padStart(64, '0');
  const signature = slot.signature.slice();
  signature.set(fromHex(raised).reverse(), 32);
  refused({ key: good.key, bytes: encodeSlot({ ...slot, signature }) }, 'SLOT_SIGNATURE');
});

test('an expired slot is refused, from the very second', () => {
  const slot = made('alice', { expiry: START_S + 60 });
  accepted(slot, NOW_MS + 59_999);
  refused(slot, 'SLOT_EXPIRED', NOW_MS + 60_000);
  refused(made('alice', { expiry: 0 }), 'SLOT_EXPIRED');
});

test('a writer whose clock is off by up to a day is served, one further off is not', () => {
  accepted(made('alice', { expiry: START_S + 15 * DAY_S }));
  refused(made('alice', { expiry: START_S + 15 * DAY_S + 1 }), 'SLOT_TOO_FAR');
  refused(made('alice', { expiry: 2 ** 53 - 1 }), 'SLOT_TOO_FAR');
  // one whose clock is behind by a day signs what expires a day early
  accepted(made('alice', { expiry: START_S + 13 * DAY_S }));
});
