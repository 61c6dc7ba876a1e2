/** Prekeys: their life from rotation to erasure, and their form on disk. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accept } from '../../src/kem/kx1-responder.ts';
import { generateOneTimePrekey, publicOneTimePrekey } from '../../src/kem/one-time-prekey.ts';
import { newPrekeyId } from '../../src/kem/prekey-id.ts';
import {
  decodePrekeys,
  encodePrekeys,
  erasureDue,
  generatePrekeys,
  Prekeys,
  PREKEYS_BYTES,
  rotationDue,
} from '../../src/kem/prekeys.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import { contactTo, DAY, NOW, node, Party, refuses } from './parties.ts';

test('a set survives the disk and opens what was made for it', () => {
  const [alice, bob] = [new Party(), new Party()];
  const bytes = encodePrekeys(bob.newest.secrets);
  assert.equal(bytes.length, PREKEYS_BYTES);
  assert.deepEqual(encodePrekeys(decodePrekeys(bytes)), bytes);
  const { opening } = contactTo(alice, bob.verified());
  bob.prekeys = [new Prekeys(nodeProvider, decodePrekeys(bytes))];
  accept(node, bob.keys, opening, NOW);
});

test('only its own encoding is read', () => {
  const bytes = encodePrekeys(new Party().newest.secrets);
  const changed = (at: number, value: number): Uint8Array => {
    const copy = bytes.slice();
    copy[at] = value;
    return copy;
  };
  assert.throws(() => decodePrekeys(bytes.subarray(1)), MalformedError);
  assert.throws(() => decodePrekeys(changed(0, 2)), MalformedError);
  assert.throws(() => decodePrekeys(changed(193, 2)), MalformedError, 'version of the bundle inside');
  const secrets = decodePrekeys(bytes);
  assert.throws(() => encodePrekeys({ ...secrets, kemSeed: secrets.spkSecret }), RangeError);
});

test('a new set is due after a week, when there is none, and when the clock was wrong', () => {
  const { newest } = new Party();
  assert.equal(rotationDue(undefined, NOW), true);
  assert.equal(rotationDue(newest, NOW), false);
  assert.equal(rotationDue(newest, NOW + 7 * DAY - 1000), false);
  assert.equal(rotationDue(newest, NOW + 7 * DAY), true);
  assert.equal(rotationDue(newest, NOW - DAY), false);
  assert.equal(rotationDue(newest, NOW - DAY - 1000), true);
});

test('ids are never 0 and never one of those kept', () => {
  const given = [0, 5, 9];
  const random = (): Uint8Array<ArrayBuffer> => Uint8Array.of(0, 0, 0, given.shift() as number);
  assert.equal(newPrekeyId(random, [5]), 9);
});

test('rotation keeps the old set open for mail, and 14 days after its expiry it opens nothing', () => {
  const [alice, bob] = [new Party(), new Party()];
  const { opening } = contactTo(alice, bob.verified());
  const old = bob.newest;
  bob.prekeys = [generatePrekeys(node, bob.identity, bob.prekeys, NOW + 7 * DAY), old];
  assert.notEqual(bob.newest.id, old.id);
  accept(node, bob.keys, opening, NOW + 7 * DAY);
  accept(node, bob.keys, opening, NOW + 44 * DAY - 1);
  assert.equal(erasureDue(old, NOW + 44 * DAY - 1), false);
  assert.equal(erasureDue(old, NOW + 44 * DAY), true);
  // even if nobody has erased it yet
  refuses('UNKNOWN_PREKEY', () => accept(node, bob.keys, opening, NOW + 44 * DAY));
});

test('an erased private half opens nothing and initiates nothing', () => {
  const [alice, bob] = [new Party(), new Party()];
  const { opening } = contactTo(alice, bob.verified());
  accept(node, bob.keys, opening, NOW);
  bob.newest.erase();
  refuses('UNKNOWN_PREKEY', () => accept(node, bob.keys, opening, NOW));
  const { spkSecret, kemSeed, answerSeed, inboxSeed } = bob.newest.secrets;
  for (const secret of [spkSecret, kemSeed, answerSeed, inboxSeed])
    assert.ok(secret.every((byte) => byte === 0));
  refuses('WRONG_STATE', () => contactTo(bob, alice.verified()));
});

test('a one-time prekey is used once', () => {
  const [alice, bob] = [new Party(), new Party()];
  const oneTime = bob.invite();
  const oneTimePrekey = publicOneTimePrekey(nodeProvider, oneTime);
  const first = contactTo(alice, bob.verified(), undefined, { oneTimePrekey });
  const accepted = accept(node, bob.keys, first.opening, NOW);
  assert.equal(accepted.oneTimePrekeyId, oneTime.id);
  bob.oneTime.delete(accepted.oneTimePrekeyId);
  refuses('UNKNOWN_ONE_TIME_PREKEY', () => accept(node, bob.keys, first.opening, NOW));
  const second = contactTo(new Party(), bob.verified(), undefined, { oneTimePrekey });
  refuses('UNKNOWN_ONE_TIME_PREKEY', () => accept(node, bob.keys, second.opening, NOW));
  assert.notEqual(generateOneTimePrekey(node, []).id, 0);
});

test('an opening without the one-time prekey of its invite is another opening', () => {
  const [alice, bob] = [new Party(), new Party()];
  const oneTimePrekey = publicOneTimePrekey(nodeProvider, bob.invite());
  const other = publicOneTimePrekey(nodeProvider, bob.invite());
  const swapped = { id: oneTimePrekey.id, publicKey: other.publicKey };
  const { opening } = contactTo(alice, bob.verified(), undefined, { oneTimePrekey: swapped });
  assert.throws(() => accept(node, bob.keys, opening, NOW), /no header key/);
});
