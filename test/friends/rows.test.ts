/** Saved rows: what is written is read, and nothing else is. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type ContactRow, decodeContactRow, encodeContactRow } from '../../src/friends/contact-row.ts';
import { decodeHomeRow, encodeHomeRow } from '../../src/friends/home-row.ts';
import { decodeInviteRow, encodeInviteRow } from '../../src/friends/invite-row.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import { encodeInvite } from '../../src/wire/invite.ts';

const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
const u32 = fc.nat(2 ** 32 - 1);
const u48 = fc.nat(2 ** 48 - 1);
const text = (max: number) =>
  fc.string({ unit: 'grapheme', maxLength: 20 }).filter((value) => Buffer.byteLength(value) <= max);
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });

const contactRow: fc.Arbitrary<ContactRow> = record({
  id: bytes(48),
  state: fc.constantFrom('requested', 'asking', 'friend', 'blocked'),
  name: text(64),
  nameChosen: fc.boolean(),
  theirName: text(64),
  note: text(500),
  since: u48,
  expiresAt: orNull(u48),
  arrived: fc.boolean(),
  refused: fc.boolean(),
  compared: fc.boolean(),
  throughPublic: fc.boolean(),
  door: orNull(record({ onionKey: bytes(32), token: orNull(bytes(16)), expiresAt: u48 })),
  theirHome: orNull(
    record({ revision: u32, onionKey: bytes(32), clientSecret: bytes(32), authentic: fc.boolean() }),
  ),
  seenAt: orNull(bytes(32)),
  introduced: fc.boolean(),
  given: fc.array(record({ revision: u32, clientSecret: bytes(32) }), { maxLength: 4 }),
  pending: fc.array(record({ key: bytes(16), revision: u32 }), { maxLength: 5 }),
  logins: fc.array(bytes(32), { maxLength: 2 }),
});

function refusesParts(whole: Uint8Array, decode: (value: Uint8Array) => unknown): void {
  for (let size = 0; size < whole.length; size++) {
    assert.throws(() => decode(whole.subarray(0, size)), MalformedError, `${size} bytes`);
  }
  assert.throws(() => decode(Uint8Array.of(...whole, 0)), MalformedError);
  assert.throws(() => decode(whole.with(0, 2)), MalformedError);
}

describe('rows', () => {
  test('of contacts', () => {
    fc.assert(
      fc.property(contactRow, (row) => {
        assert.deepEqual(decodeContactRow(row.id, encodeContactRow(row)), row);
      }),
    );
    const [row] = fc.sample(contactRow, { numRuns: 1, seed: 5 }) as [ContactRow];
    refusesParts(encodeContactRow(row), (value) => decodeContactRow(row.id, value));
    const many = { ...row, logins: [1, 2, 3].map((value) => new Uint8Array(32).fill(value)) };
    assert.throws(() => encodeContactRow(many), RangeError);
  });

  test('of invites', () => {
    const invite = {
      onionKey: new Uint8Array(32).fill(1),
      fingerprint: new Uint8Array(48).fill(2),
      expiry: 9,
      once: null,
      entryPoints: [],
    };
    for (const usedBy of [null, new Uint8Array(48).fill(4)]) {
      const row = {
        seed: new Uint8Array(32).fill(3),
        uri: encodeInvite(invite),
        invite,
        createdAt: 1,
        expiresAt: 2,
        used: 3,
        usedBy,
        note: 'for whom',
      };
      const encoded = encodeInviteRow(row);
      assert.deepEqual(decodeInviteRow(encoded), row);
      refusesParts(encoded, decodeInviteRow);
    }
  });

  test('of homes: at least one, at most four, newest first', () => {
    const home = (revision: number) => ({
      revision,
      onionKey: new Uint8Array(32).fill(revision),
      since: revision,
    });
    const row = { homes: [9, 7, 3].map(home), rotationDue: true };
    const encoded = encodeHomeRow(row);
    assert.deepEqual(decodeHomeRow(encoded), row);
    refusesParts(encoded, decodeHomeRow);
    for (const revisions of [[], [1, 2], [2, 2], [5, 4, 3, 2, 1]]) {
      assert.throws(() => encodeHomeRow({ homes: revisions.map(home), rotationDue: false }), RangeError);
    }
    assert.throws(() => decodeHomeRow(Uint8Array.of(1, 0, 0)), MalformedError);
    // the revisions of the first two homes: 9 and 7
    assert.throws(() => decodeHomeRow(encoded.with(6, 7)), MalformedError);
  });
});
