/** Calls that no message brings about, only a mistake: they are refused where they are made, and leave nothing behind. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encryptUnder } from '../../src/kem/contact-messages.ts';
import { NO_SESSIONS } from '../../src/kem/contact.ts';
import { withAccepted } from '../../src/kem/contact-sessions.ts';
import { requireCurrent } from '../../src/kem/bundle.ts';
import { decodeKx1Header, encodeKx1Header, OPENING_MESSAGE_BYTES } from '../../src/kem/kx1.ts';
import { accept } from '../../src/kem/kx1-responder.ts';
import { generatePrekeys } from '../../src/kem/prekeys.ts';
import {
  decodePrekeys,
  encodePrekeys,
  erasureDue,
  Prekeys,
  type PrekeySecrets,
  rotationDue,
} from '../../src/kem/prekeys.ts';
import { decrypt } from '../../src/kem/ratchet-decrypt.ts';
import { encrypt } from '../../src/kem/ratchet-encrypt.ts';
import { answerFirstEpoch, type Session } from '../../src/kem/session.ts';
import { decodeSession, encodeSession } from '../../src/kem/session-codec.ts';
import { SkippedKeyMap } from '../../src/kem/skipped-keys.ts';
import { utf8 } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import { contactTo, isRefused, NOW, node, Party, refuses } from './parties.ts';

const none = new SkippedKeyMap();
const NO_IDS = [-1, 1.5, 2 ** 32, 2 ** 32 + 5, Number.NaN, Number.POSITIVE_INFINITY];
const NO_TIMES = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 8.64e15 + 1];
/** Latest moment that is one. */
const LAST_TIME = 8.64e15;

test('a one-time prekey whose id has no encoding opens nothing', () => {
  const [alice, bob] = [new Party(), new Party()];
  const { publicKey } = nodeProvider.x25519.keyPair(bob.invite().secret);
  for (const id of [0, ...NO_IDS]) {
    const more = { oneTimePrekey: { id, publicKey } };
    assert.throws(() => contactTo(alice, bob.verified(), undefined, more), RangeError, `${id}`);
  }
  for (const id of [1, 2 ** 32 - 1]) {
    const { opening } = contactTo(alice, bob.verified(), undefined, { oneTimePrekey: { id, publicKey } });
    assert.equal(opening.header.oneTimePrekeyId, id);
  }
});

test('a header with ids that have no encoding is not written', () => {
  const { opening } = contactTo(new Party(), new Party().verified());
  const { header, headerBytes } = opening;
  assert.deepEqual(encodeKx1Header(header), headerBytes);
  for (const id of NO_IDS) {
    assert.throws(() => encodeKx1Header({ ...header, prekeyId: id }), RangeError, `${id}`);
    assert.throws(() => encodeKx1Header({ ...header, oneTimePrekeyId: id }), RangeError, `${id}`);
  }
  assert.throws(() => encodeKx1Header({ ...header, prekeyId: 0 }), RangeError);
  const longest = { ...header, prekeyId: 2 ** 32 - 1, oneTimePrekeyId: 2 ** 32 - 1 };
  assert.deepEqual(decodeKx1Header(encodeKx1Header(longest)), longest);
});

test('erased prekeys give no key pairs, also of keys that were used before', () => {
  for (const used of [false, true]) {
    const { newest } = new Party();
    if (used) for (const pair of [newest.spk, newest.kem, newest.inbox]) assert.ok(pair.publicKey.length > 0);
    newest.erase();
    refuses('WRONG_STATE', () => newest.spk);
    refuses('WRONG_STATE', () => newest.kem);
    refuses('WRONG_STATE', () => newest.inbox);
    assert.equal(newest.isUsable(NOW), false);
  }
});

test('erased prekeys, or any one secret of zeros, have no form on disk', () => {
  const { secrets } = new Party().newest;
  const bytes = encodePrekeys(secrets);
  const places: [keyof PrekeySecrets, number, number][] = [
    ['spkSecret', 1, 32],
    ['kemSeed', 33, 64],
    ['answerSeed', 97, 64],
    ['inboxSeed', 161, 32],
  ];
  for (const [name, at, size] of places) {
    assert.throws(() => encodePrekeys({ ...secrets, [name]: new Uint8Array(size) }), RangeError, name);
    const row = bytes.slice().fill(0, at, at + size);
    assert.throws(() => decodePrekeys(row), MalformedError, name);
    row[at + size - 1] = 1;
    assert.equal(decodePrekeys(row)[name].at(-1), 1, `${name} that is not all zeros`);
  }
  const kept = new Prekeys(nodeProvider, decodePrekeys(bytes));
  kept.erase();
  assert.throws(() => encodePrekeys(kept.secrets), RangeError);
});

test('nothing is decrypted at a time that is none, and the session stays', () => {
  const [alice, bob] = [new Party(), new Party()];
  const made = contactTo(alice, bob.verified());
  const { session } = accept(node, bob.keys, made.opening, NOW);
  const answer = encrypt(node, session, utf8('answer'), 4_064);
  for (const now of NO_TIMES) {
    assert.throws(() => decrypt(node, made.session, answer.message, none, now), RangeError, `${now}`);
  }
  let [ours, theirs] = [decrypt(node, made.session, answer.message, none, NOW).session, answer.session];
  // old chains and skipped keys carry the time: the latest one still has a form on disk
  for (let i = 0; i < 3; i++) {
    const sent = encrypt(node, ours, utf8('x'), 4_064);
    theirs = decrypt(node, theirs, sent.message, none, LAST_TIME).session;
    const back = encrypt(node, theirs, utf8('y'), 4_064);
    [ours, theirs] = [decrypt(node, sent.session, back.message, none, LAST_TIME).session, back.session];
    for (const state of [ours, theirs]) assert.ok(decodeSession(encodeSession(state)).transcript.length > 0);
  }
});

test('a time that is none is never early or late enough', () => {
  const [alice, bob] = [new Party(), new Party()];
  const { newest } = bob;
  const { opening } = contactTo(alice, bob.verified());
  for (const now of NO_TIMES) {
    assert.throws(() => rotationDue(newest, now), RangeError, `${now}`);
    assert.throws(() => rotationDue(undefined, now), RangeError, `${now}`);
    assert.throws(() => erasureDue(newest, now), RangeError, `${now}`);
    assert.throws(() => newest.isUsable(now), RangeError, `${now}`);
    assert.throws(() => new SkippedKeyMap().dropExpired(now), RangeError, `${now}`);
    assert.throws(() => accept(node, bob.keys, opening, now), RangeError, `${now}`);
    assert.ok(
      isRefused(() => requireCurrent(newest, now)),
      `${now}`,
    );
    assert.ok(
      isRefused(() => contactTo(alice, bob.verified(), undefined, { now })),
      `${now}`,
    );
  }
  assert.throws(() => generatePrekeys(node, bob.identity, [], Number.NaN), RangeError);
});

test('only a responder answers the first epoch, and in epoch 0 alone', () => {
  const [alice, bob] = [new Party(), new Party()];
  const { opening } = contactTo(alice, bob.verified());
  const { answer } = alice.verified();
  const { session } = accept(node, bob.keys, opening, NOW);
  const waiting = (epoch: number, role: Session['role']): Session => ({
    ...session,
    role,
    pq: { mode: 'wait', epoch },
  });
  assert.equal(answerFirstEpoch(node, waiting(0, 'responder'), answer).pq.mode, 'answer');
  for (const other of [waiting(0, 'initiator'), waiting(1, 'responder'), waiting(2, 'responder')]) {
    assert.equal(answerFirstEpoch(node, other, answer), other);
  }
});

test('a session that is open sends no message of the size of openings', () => {
  const [alice, bob] = [new Party(), new Party()];
  const { opening } = contactTo(alice, bob.verified());
  const contact = withAccepted(NO_SESSIONS, accept(node, bob.keys, opening, NOW), true, NOW);
  const { live } = contact;
  assert.ok(live !== null);
  const sending = { content: utf8('x'), prekeys: bob.prekeys, now: NOW };
  for (const messageBytes of [OPENING_MESSAGE_BYTES, 0, 4_065]) {
    assert.throws(() => encryptUnder(node, contact, live, { ...sending, messageBytes }), RangeError);
  }
  assert.equal(encryptUnder(node, contact, live, { ...sending, messageBytes: 4_064 }).form, 'message');
});
