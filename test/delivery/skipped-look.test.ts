import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkippedLook } from '../../src/delivery/session-store.ts';
import { FieldWriter } from '../../src/wire/fields.ts';

const row = (expiresAt: number): Uint8Array =>
  new FieldWriter().u8(1).bytes(new Uint8Array(32).fill(5)).u48(expiresAt).done();

test('a key that was used is told from one that is too old', () => {
  const rows = new Map<number, Uint8Array>([
    [1, row(1_000)],
    [2, row(10)],
    [3, Uint8Array.of(1)],
  ]);
  const look = (n: number): SkippedLook => {
    const made = new SkippedLook((_, at) => rows.get(at) ?? null, 500);
    made.get(0, n);
    return made;
  };
  assert.equal(new SkippedLook((_, n) => rows.get(n) ?? null, 500).get(0, 1)?.expiresAt, 1_000);
  assert.equal(look(1).wasUsed, false);
  assert.equal(look(2).wasUsed, false, 'too old');
  assert.equal(look(3).wasUsed, false, 'too old, and its key is gone');
  assert.equal(look(4).wasUsed, true, 'used');
});
