/** The fields that formats are made of: bounds, exact numbers, strict text. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MalformedError } from '../../src/safety/errors.ts';
import { FieldReader, FieldWriter } from '../../src/wire/fields.ts';

const read = (bytes: ArrayLike<number>): FieldReader => new FieldReader('record', Uint8Array.from(bytes));

test('what is written is read, at the ends of each range', () => {
  for (const [u8, u16, u32, u48] of [
    [0, 0, 0, 0],
    [255, 65_535, 2 ** 32 - 1, 2 ** 48 - 1],
    [1, 256, 2 ** 31, 2 ** 32],
  ] as const) {
    const bytes = new FieldWriter().u8(u8).u16(u16).u32(u32).u48(u48).flag(true).text('für dich', 20).done();
    const fields = new FieldReader('record', bytes);
    assert.deepEqual([fields.u8(), fields.u16(), fields.u32(), fields.u48()], [u8, u16, u32, u48]);
    assert.equal(fields.flag(), true);
    assert.equal(fields.text(20), 'für dich');
    fields.end();
  }
});

test('numbers are big-endian', () => {
  assert.deepEqual(
    [...new FieldWriter().u16(0x0102).u32(0x03040506).u48(0x0708090a0b0c).done()],
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
  );
});

test('what has no encoding is refused by the writer', () => {
  const writer = new FieldWriter();
  for (const value of [-1, 256, 0.5, Number.NaN]) assert.throws(() => writer.u8(value), RangeError);
  assert.throws(() => writer.u48(2 ** 48), RangeError);
  assert.throws(() => writer.bytes(new Uint8Array(3), 4), RangeError);
  assert.throws(() => writer.sized(new Uint8Array(3), 2), RangeError);
  assert.throws(() => writer.text('\ud800', 20), RangeError);
});

test('the reader refuses what is cut off, too long, left over, no flag or no UTF-8', () => {
  const refused = (work: () => unknown, what: RegExp): void =>
    assert.throws(work, (error: unknown) => error instanceof MalformedError && what.test(error.message));
  refused(() => read([0]).u16(), /record: cut off/);
  refused(() => read([0, 9, 1]).sized(20), /cut off/);
  refused(() => read([0, 3, 1, 2, 3]).sized(2), /too long/);
  refused(() => read([1]).end(), /bytes after the end/);
  refused(() => read([2]).flag(), /neither 0 nor 1/);
  refused(() => read([0, 2, 0xc3, 0x28]).text(9), /not UTF-8/);
  assert.equal(read([0, 3, 0xef, 0xbb, 0xbf]).text(9), '\ufeff', 'a byte order mark is text like any other');
});

test('what is read is a copy', () => {
  const bytes = Buffer.from([0, 1, 7]);
  const field = new FieldReader('record', bytes).sized(9);
  bytes[2] = 8;
  assert.deepEqual([...field], [7]);
});
