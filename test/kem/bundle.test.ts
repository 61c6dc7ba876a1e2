/** Bundles: both signatures count, for their time, and not one byte can be changed. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededNumbers } from '../../fuzz/mutate.ts';
import { BUNDLE_BYTES, decodeBundle, signBundle, verifyBundle } from '../../src/kem/bundle.ts';
import { Identity } from '../../src/kem/identity.ts';
import { concat, toHex, utf8 } from '../../src/safety/bytes.ts';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import { DAY, isRefused, NOW, Party, refuses } from './parties.ts';

const SIGNED_BYTES = 6_055;

const alice = new Party();
const bob = new Party();

describe('bundle', () => {
  test('verifies with either provider, and both read the same', () => {
    const bundle = alice.bundle;
    assert.equal(bundle.length, 9_428);
    assert.equal(BUNDLE_BYTES, 9_428);
    const verified = verifyBundle(nodeProvider, bundle, NOW);
    assert.deepEqual(verifyBundle(nobleProvider, bundle, NOW), verified);
    assert.deepEqual(verified.fingerprint, alice.identity.fingerprint);
    assert.deepEqual(verified.ed, alice.identity.ed.publicKey);
    assert.deepEqual(verified.device, alice.identity.device.publicKey);
    assert.deepEqual(verified.spk, alice.newest.spk.publicKey);
    assert.deepEqual(verified.kem, alice.newest.kem.publicKey);
    assert.deepEqual(verified.inbox, alice.newest.inbox.publicKey);
    assert.deepEqual(verified.hash, nodeProvider.sha256(utf8('kith/1/bundle/hash'), bundle));
    assert.equal(verified.expiry - verified.issued, 30 * 24 * 60 * 60);
  });

  test('a verified bundle does not change when the bytes it came from do', () => {
    const bytes = alice.bundle.slice();
    const verified = verifyBundle(nodeProvider, bytes, NOW);
    const spk = toHex(verified.spk);
    bytes.fill(0);
    assert.equal(toHex(verified.spk), spk);
  });

  test('any byte changed, at every position, is refused', () => {
    const next = seededNumbers(1);
    const bundle = alice.bundle.slice();
    for (let at = 0; at < BUNDLE_BYTES; at++) {
      const before = bundle[at] as number;
      bundle[at] = before ^ (1 + (next() % 255));
      assert.ok(
        isRefused(() => verifyBundle(nodeProvider, bundle, NOW)),
        `position ${at}`,
      );
      bundle[at] = before;
    }
    verifyBundle(nodeProvider, bundle, NOW);
  });

  test('either signature alone is not enough', () => {
    const { identity } = alice;
    const record = alice.bundle.subarray(0, SIGNED_BYTES).slice();
    const label = utf8('kith/1/bundle/sign');
    const ed = identity.ed.sign(concat(label, record));
    const dsa = identity.dsa.sign(record, label);
    verifyBundle(nodeProvider, concat(record, ed, dsa), NOW);
    const otherEd = bob.identity.ed.sign(concat(label, record));
    const otherDsa = bob.identity.dsa.sign(record, label);
    for (const [first, second] of [
      [otherEd, dsa],
      [ed, otherDsa],
      [ed, identity.dsa.sign(record, utf8('kith/1/other'))],
      [identity.ed.sign(record), dsa],
    ] as const) {
      refuses('BUNDLE_FORGED', () => verifyBundle(nodeProvider, concat(record, first, second), NOW));
    }
  });

  test('keys of one identity under the signatures of two are refused: ed and dsa belong together', () => {
    const record = alice.bundle.subarray(0, SIGNED_BYTES).slice();
    record.set(bob.bundle.subarray(35, 35 + 1_952), 35);
    const label = utf8('kith/1/bundle/sign');
    // Alice signs as ed, Bob's ML-DSA key stays with the signature that it made for his own bundle
    const ed = alice.identity.ed.sign(concat(label, record));
    const mixed = concat(record, ed, bob.bundle.subarray(SIGNED_BYTES + 64));
    refuses('BUNDLE_FORGED', () => verifyBundle(nodeProvider, mixed, NOW));
  });

  test('it is good from a day before its issue to its expiry, and by mail 14 days longer', () => {
    const verify = (now: number, byMail = false): unknown =>
      verifyBundle(nodeProvider, alice.bundle, now, { byMail });
    verify(NOW - DAY);
    refuses('BUNDLE_FROM_FUTURE', () => verify(NOW - DAY - 1000));
    refuses('BUNDLE_FROM_FUTURE', () => verify(NOW - DAY - 1000, true));
    verify(NOW + 30 * DAY - 1);
    refuses('BUNDLE_EXPIRED', () => verify(NOW + 30 * DAY));
    verify(NOW + 44 * DAY - 1, true);
    refuses('BUNDLE_EXPIRED', () => verify(NOW + 44 * DAY, true));
    assert.ok(isRefused(() => verify(Number.NaN, true)));
  });

  test('what has no meaning is not read, even if it were signed', () => {
    const bundle = alice.bundle;
    const changed = (at: number, ...bytes: number[]): Uint8Array => {
      const copy = bundle.slice();
      copy.set(bytes, at);
      return copy;
    };
    const bad: [string, Uint8Array][] = [
      ['short', bundle.subarray(1)],
      ['long', concat(bundle, Uint8Array.of(0))],
      ['version', changed(0, 2)],
      ['suite', changed(1, 0, 2)],
      ['prekey id 0', changed(2_003, 0, 0, 0, 0)],
      ['issued beyond numbers', changed(2_007, 0xff)],
      ['expiry before issue', changed(2_015, 0, 0, 0, 0, 0, 0, 0, 1)],
      ['a life of more than 30 days', changed(2_015, 0, 0, 0, 1)],
    ];
    for (const [name, bytes] of bad) assert.throws(() => decodeBundle(bytes), MalformedError, name);
  });

  test('only what can be read is signed', () => {
    const { spk, kem, answer, inbox } = alice.verified();
    const keys = { prekeyId: 1, issued: 100, expiry: 200, spk, kem, answer, inbox };
    assert.equal(decodeBundle(signBundle(alice.identity, keys)).expiry, 200);
    for (const wrong of [
      { prekeyId: 0 },
      { prekeyId: 2 ** 32 },
      { expiry: 100 },
      { expiry: 101 + 30 * 24 * 60 * 60 },
      { issued: 0.5 },
      { issued: -1 },
      { kem: answer },
    ]) {
      assert.throws(() => signBundle(alice.identity, { ...keys, ...wrong }), RangeError);
    }
  });

  test('what the noble provider signs the node provider verifies', () => {
    const identity = new Identity(nobleProvider, alice.secrets);
    const { spk, kem, answer, inbox, issued, expiry } = alice.verified();
    const bytes = signBundle(identity, { prekeyId: 7, issued, expiry, spk, kem, answer, inbox });
    assert.equal(verifyBundle(nodeProvider, bytes, NOW).prekeyId, 7);
  });
});
