import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { concat, fromHex, utf8 } from '../../src/safety/bytes.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import {
  type Announcement,
  ANNOUNCEMENT_BYTES,
  announcementSigningInput,
  decodeAnnouncement,
  encodeAnnouncement,
  MAX_ANNOUNCEMENT_TTL_SECONDS,
} from '../../src/wire/announcement.ts';

const announcement: Announcement = {
  publicKey: new Uint8Array(32).fill(1),
  issued: 0x65_53_f1_00,
  expiry: 0x65_53_f1_3c,
  signature: new Uint8Array(64).fill(2),
};
const unsigned = fromHex(`01${'01'.repeat(32)}000000006553f100000000006553f13c`);
const encoded = concat(unsigned, announcement.signature);

function changed(at: number, ...values: number[]): Uint8Array {
  const bytes = encoded.slice();
  bytes.set(values, at);
  return bytes;
}

describe('announcement', () => {
  test('has the documented bytes', () => {
    assert.deepEqual(encodeAnnouncement(announcement), encoded);
    assert.equal(encoded.length, ANNOUNCEMENT_BYTES);
    assert.equal(ANNOUNCEMENT_BYTES, 113);
    assert.deepEqual(
      announcementSigningInput(announcement),
      concat(utf8('kith/1/announcement/sign'), unsigned),
    );
  });

  test('survives the round trip, and keeps nothing of the buffer it was read from', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        fc.nat({ max: Number.MAX_SAFE_INTEGER - MAX_ANNOUNCEMENT_TTL_SECONDS }),
        fc.integer({ min: 1, max: MAX_ANNOUNCEMENT_TTL_SECONDS }),
        (publicKey, signature, issued, life) => {
          const one = { publicKey, issued, expiry: issued + life, signature };
          const bytes = encodeAnnouncement(one);
          const read = decodeAnnouncement(bytes);
          bytes.fill(0);
          assert.deepEqual(read, one);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('is read where it lies', () => {
    assert.deepEqual(decodeAnnouncement(concat(new Uint8Array(7), encoded).subarray(7)), announcement);
  });

  const bad: readonly (readonly [string, Uint8Array])[] = [
    ['nothing', new Uint8Array(0)],
    ['a byte too few', encoded.subarray(1)],
    ['a byte too many', concat(encoded, Uint8Array.of(0))],
    ['another version', changed(0, 2)],
    ['no life', changed(48, 0x00)],
    ['an end before its beginning', changed(33, 1)],
    ['a life of days', changed(46, 0xf1 + 3)],
    ['a time past what numbers can say', changed(33, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 1)],
  ];
  for (const [what, bytes] of bad) {
    test(`with ${what} is refused`, () => assert.throws(() => decodeAnnouncement(bytes), MalformedError));
  }

  test('of a caller who gives what cannot be read is refused', () => {
    const { issued } = announcement;
    const wrong: readonly Partial<Announcement>[] = [
      { publicKey: new Uint8Array(31) },
      { signature: new Uint8Array(63) },
      { expiry: issued },
      { expiry: issued + MAX_ANNOUNCEMENT_TTL_SECONDS + 1 },
      { issued: issued + 0.5 },
      { issued: -1, expiry: 1 },
      { expiry: Number.NaN },
    ];
    for (const part of wrong)
      assert.throws(() => encodeAnnouncement({ ...announcement, ...part }), RangeError);
  });
});
