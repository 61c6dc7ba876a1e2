import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MalformedError } from '../../src/safety/errors.ts';
import { decodeSayReceipt, encodeSayReceipt, SAY_RECEIPT_BYTES, SAY_STATUSES } from '../../src/wire/say.ts';

const written = encodeSayReceipt({
  status: 'written',
  sizeBytes: 5_000_000,
  digest: new Uint8Array(32).fill(9),
});

test('a receipt has the documented bytes', () => {
  assert.equal(
    Buffer.from(written).toString('hex'),
    `0100${(5_000_000).toString(16).padStart(16, '0')}${'09'.repeat(32)}`,
  );
});

test('every receipt survives encoding', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...SAY_STATUSES),
      fc.maxSafeNat(),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (status, sizeBytes, bytes) => {
        const receipt = { status, sizeBytes, digest: status === 'written' ? bytes : new Uint8Array(32) };
        assert.deepEqual(decodeSayReceipt(encodeSayReceipt(receipt)), receipt);
      },
    ),
  );
});

test('wrong lengths, versions, statuses and sizes are refused', () => {
  for (let length = 0; length < SAY_RECEIPT_BYTES; length++) {
    assert.throws(() => decodeSayReceipt(written.subarray(0, length)), MalformedError);
  }
  assert.throws(() => decodeSayReceipt(Buffer.concat([written, Uint8Array.of(0)])), MalformedError);
  for (const [at, value] of [
    [0, 0],
    [0, 2],
    [1, SAY_STATUSES.length],
    [1, 255],
    [1, 1],
    [2, 0xff],
  ] as const) {
    const changed = written.slice();
    changed[at] = value;
    assert.throws(() => decodeSayReceipt(changed), MalformedError, `byte ${at} = ${value}`);
  }
});
