import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import {
  decodeSlot,
  decodeSlotKey,
  encodeSlot,
  SLOT_CIPHERTEXT_SIZES,
  SLOT_SIZES,
  signSlot,
  slotKey,
  slotSigningInput,
} from '../../src/wire/slot.ts';

const signer = nodeProvider.ed25519.signer(new Uint8Array(32).fill(1));
const small = signSlot({ seq: 258, expiry: 1_800_000_000, ciphertext: new Uint8Array(512).fill(9) }, signer);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('a slot has the documented bytes', () => {
  assert.deepEqual(SLOT_SIZES, [625, 4_209]);
  assert.equal(small.length, 625);
  assert.equal(
    hex(small.subarray(0, -64)),
    `01${hex(signer.publicKey)}0000000000000102000000006b49d200${'09'.repeat(512)}`,
  );
  const signed = Buffer.concat([Buffer.from('kith/1/slot/sign'), small.subarray(0, -64)]);
  assert.equal(hex(slotSigningInput(small)), hex(signed));
  assert.ok(nobleProvider.ed25519.verify(signer.publicKey, signed, small.slice(-64)));
});

test('the key of a slot is the prefix and the hash of label and public key', () => {
  const digest = createHash('sha256').update('kith/1/slot/key').update(signer.publicKey).digest();
  const key = slotKey(signer.publicKey);
  assert.equal(hex(key), hex(Buffer.concat([Buffer.from('/kith-slot/'), digest])));
  assert.equal(hex(decodeSlotKey(key)), hex(digest));
});

test('every slot survives encoding', () => {
  const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
  const slots = fc.record({
    pk: bytes(32),
    seq: fc.maxSafeNat(),
    expiry: fc.maxSafeNat(),
    ciphertext: fc.oneof(...SLOT_CIPHERTEXT_SIZES.map(bytes)),
    signature: bytes(64),
  });
  fc.assert(
    fc.property(slots, (slot) => {
      const { pk, seq, expiry, ciphertext, signature } = decodeSlot(encodeSlot(slot));
      assert.deepEqual({ pk, seq, expiry, ciphertext, signature }, { ...slot });
    }),
    { numRuns: 50 },
  );
});

test('wrong lengths, versions and impossible numbers are refused', () => {
  for (const length of [0, 1, 113, 624, 626, 4_208, 4_210]) {
    assert.throws(() => decodeSlot(new Uint8Array(length).fill(1)), MalformedError);
  }
  for (const [at, value] of [
    [0, 0],
    [0, 2],
    [33, 0x80],
    [34, 0x20],
    [41, 0x80],
    [42, 0x20],
  ] as const) {
    const changed = small.slice();
    changed[at] = value;
    assert.throws(() => decodeSlot(changed), MalformedError, `byte ${at} = ${value}`);
  }
});

test('keys of other namespaces and lengths are refused', () => {
  const key = slotKey(signer.publicKey);
  for (const wrong of [
    new Uint8Array(0),
    key.subarray(0, 42),
    Buffer.concat([key, Uint8Array.of(0)]),
    Buffer.concat([Buffer.from('/pk/'), signer.publicKey]),
    Buffer.concat([Buffer.from('/kith-slow/'), key.subarray(11)]),
    Buffer.concat([Buffer.from('kith-slot//'), key.subarray(11)]),
  ]) {
    assert.throws(() => decodeSlotKey(new Uint8Array(wrong)), MalformedError);
  }
});

test('fields without an encoding are the mistake of the caller', () => {
  const slot = decodeSlot(small);
  for (const wrong of [
    { pk: new Uint8Array(31) },
    { seq: -1 },
    { seq: 2 ** 53 },
    { expiry: 0.5 },
    { ciphertext: new Uint8Array(513) },
    { signature: new Uint8Array(63) },
  ]) {
    assert.throws(() => encodeSlot({ ...slot, ...wrong }), RangeError);
  }
  assert.throws(() => slotKey(new Uint8Array(33)), RangeError);
});
