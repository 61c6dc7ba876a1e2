/** First contact: both sides get the same session, the derivation is the documented one, and nothing can be changed. */

import assert from 'node:assert/strict';
import { createHash, hkdfSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { seededNumbers } from '../../fuzz/mutate.ts';
import { receiveOpening } from '../../src/kem/contact-messages.ts';
import { type ContactSessions, NO_SESSIONS } from '../../src/kem/contact.ts';
import {
  decodeKx1Header,
  deriveSecrets,
  encodeKx1Header,
  KX1_HEADER_BYTES,
  OPENING_CONTENT_BYTES,
  OPENING_MESSAGE_BYTES,
  readOpening,
  transcriptOf,
} from '../../src/kem/kx1.ts';
import { encryptOpening, initiate } from '../../src/kem/kx1-initiator.ts';
import { accept, decryptOpening, verifyInitiator } from '../../src/kem/kx1-responder.ts';
import { publicOneTimePrekey } from '../../src/kem/one-time-prekey.ts';
import { decrypt } from '../../src/kem/ratchet-decrypt.ts';
import { encrypt } from '../../src/kem/ratchet-encrypt.ts';
import { openEnvelope, sealEnvelope } from '../../src/kem/sealed-envelope.ts';
import { isProven } from '../../src/kem/session.ts';
import { encodeSession } from '../../src/kem/session-codec.ts';
import { SkippedKeyMap } from '../../src/kem/skipped-keys.ts';
import { concat, toHex, utf8 } from '../../src/safety/bytes.ts';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import { contactTo, DAY, isRefused, NOW, node, Party, refuses } from './parties.ts';

/** Positions from one changed byte to the next: all of them with KITH_LONG. */
const STRIDE = process.env['KITH_LONG'] === undefined ? 7 : 1;
const none = new SkippedKeyMap();
const noneOf = (): SkippedKeyMap => none;

describe('KX1', () => {
  test('has the sizes of the specification', () => {
    assert.deepEqual(
      [KX1_HEADER_BYTES, OPENING_MESSAGE_BYTES, OPENING_CONTENT_BYTES],
      [1_739, 13_380, 2_651],
    );
  });

  for (const withOneTime of [false, true]) {
    test(`goes through the envelope and back ${withOneTime ? 'with' : 'without'} a one-time prekey`, () => {
      const [alice, bob] = [new Party(), new Party()];
      const more = withOneTime ? { oneTimePrekey: publicOneTimePrekey(nodeProvider, bob.invite()) } : {};
      const bundle = bob.verified();
      const made = contactTo(alice, bundle, new Uint8Array(OPENING_CONTENT_BYTES).fill(7), more);
      const { fingerprint } = bob.identity;
      const recipient = { inboxKey: bundle.inbox, fingerprint };
      const envelope = sealEnvelope(nodeProvider, recipient, made.plaintext);
      const plaintext = openEnvelope(nodeProvider, [bob.newest.inbox], fingerprint, envelope);
      const accepted = accept(node, bob.keys, readOpening(nodeProvider, plaintext), NOW);

      assert.deepEqual(accepted.content, new Uint8Array(OPENING_CONTENT_BYTES).fill(7));
      assert.deepEqual(accepted.peer.fingerprint, alice.identity.fingerprint);
      assert.deepEqual(accepted.epochKeys.send, made.epochKeys.receive);
      assert.deepEqual(accepted.epochKeys.receive, made.epochKeys.send);
      assert.notDeepEqual(accepted.epochKeys.receive, accepted.epochKeys.send);
      assert.deepEqual(accepted.session.transcript, made.session.transcript);

      // there and back again, until both are proven
      assert.equal(isProven(accepted.session), false);
      const reply = encrypt(node, accepted.session, utf8('hi'), 4_064);
      const read = decrypt(node, made.session, reply.message, none, NOW);
      assert.deepEqual(read.content, utf8('hi'));
      assert.equal(isProven(read.session), true);
      const next = encrypt(node, read.session, utf8('proof'), 4_064);
      assert.equal(isProven(decrypt(node, reply.session, next.message, none, NOW).session), true);
    });
  }

  test('transcript and secrets are those of the specification', () => {
    const [alice, bob] = [new Party(), new Party()];
    const { opening, session } = contactTo(alice, bob.verified());
    const text = (label: string): Uint8Array => utf8(`kith/1/kx/${label}`);
    const sha256 = (...parts: Uint8Array[]): Uint8Array =>
      Uint8Array.from(
        createHash('sha256')
          .update(concat(...parts))
          .digest(),
      );
    const th = sha256(
      text('transcript'),
      opening.headerBytes,
      alice.identity.fingerprint,
      bob.identity.fingerprint,
      bob.newest.bundleHash,
      new Uint8Array(32),
    );
    assert.deepEqual(session.transcript, th);
    const { header } = opening;
    assert.deepEqual(opening.replayId, sha256(text('replay'), header.ephemeral, header.ciphertext));
    assert.deepEqual(opening.openingId, sha256(text('opening'), opening.headerBytes));

    const agreements = [1, 2, 3, 4].map((byte) => new Uint8Array(32).fill(byte));
    const ikm = concat(...agreements);
    const out = new Uint8Array(hkdfSync('sha256', ikm, new Uint8Array(32), concat(text('secrets'), th), 128));
    const { keys, epochSecret } = deriveSecrets(nodeProvider, th, agreements);
    const { rootKey, initiatorHeaderKey, responderHeaderKey } = keys;
    assert.equal(toHex(concat(rootKey, initiatorHeaderKey, responderHeaderKey, epochSecret)), toHex(out));
    assert.ok(
      agreements.every((secret) => secret.every((byte) => byte === 0)),
      'agreements are wiped',
    );
  });

  test('each agreement is in the secrets, in the order of the specification', () => {
    const [alice, bob] = [new Party(), new Party()];
    const oneTime = bob.invite();
    const oneTimePrekey = publicOneTimePrekey(nodeProvider, oneTime);
    for (const more of [{ oneTimePrekey }, {}]) {
      const { identity, newest: prekeys } = alice;
      const peer = bob.verified();
      const { session } = initiate(node, { identity, prekeys, peer, now: NOW, ...more });
      const { header } = readOpening(
        nodeProvider,
        concat(session.opening?.header as Uint8Array, new Uint8Array(13_380)),
      );
      const agree = (secret: Uint8Array, key: Uint8Array): Uint8Array =>
        nobleProvider.x25519.keyPair(secret).agree(key);
      const ikm = concat(
        agree(bob.newest.secrets.spkSecret, header.device),
        agree(bob.secrets.deviceSecret, header.ephemeral),
        agree(bob.newest.secrets.spkSecret, header.ephemeral),
        'oneTimePrekey' in more ? agree(oneTime.secret, header.ephemeral) : new Uint8Array(0),
        nobleProvider.mlKem1024.keyPair(bob.newest.secrets.kemSeed).decapsulate(header.ciphertext),
      );
      const info = concat(utf8('kith/1/kx/secrets'), session.transcript);
      const out = new Uint8Array(hkdfSync('sha256', ikm, new Uint8Array(32), info, 128));
      const { rootKey, nextSendingHeaderKey, nextReceivingHeaderKey } = session;
      assert.deepEqual(concat(rootKey, nextSendingHeaderKey, nextReceivingHeaderKey), out.slice(0, 96));
    }
  });

  test('every part of the transcript changes it', () => {
    const parties = {
      initiatorFingerprint: new Uint8Array(48).fill(1),
      responderFingerprint: new Uint8Array(48).fill(2),
      responderBundleHash: new Uint8Array(32).fill(3),
      oneTimePrekey: null,
    };
    const header = new Uint8Array(KX1_HEADER_BYTES);
    const all = [
      parties,
      { ...parties, initiatorFingerprint: new Uint8Array(48) },
      { ...parties, responderFingerprint: new Uint8Array(48) },
      { ...parties, responderBundleHash: new Uint8Array(32) },
      { ...parties, oneTimePrekey: new Uint8Array(32).fill(1) },
    ].map((some) => toHex(transcriptOf(nodeProvider, header, some)));
    assert.equal(new Set(all).size, all.length);
  });

  test('any of the openings is enough, in any order, and a repeated one is told so', () => {
    const [alice, bob] = [new Party(), new Party()];
    const first = contactTo(alice, bob.verified(), utf8('0'));
    const second = encryptOpening(node, first.session, alice.prekeys, utf8('1'), NOW);
    const received = receiveOpening(
      node,
      bob.keys,
      NO_SESSIONS,
      readOpening(nodeProvider, second.plaintext),
      noneOf,
      NOW,
    );
    assert.deepEqual(received.content, utf8('1'));
    assert.notEqual(received.accepted, null);
    const skipped = new SkippedKeyMap();
    skipped.apply(received.skipped);
    const late = receiveOpening(node, bob.keys, received.contact, first.opening, () => skipped, NOW);
    assert.deepEqual(late.content, utf8('0'));
    assert.equal(late.accepted, null, 'no new session');
    skipped.apply(late.skipped);
    refuses('ALREADY_RECEIVED', () =>
      receiveOpening(node, bob.keys, late.contact, first.opening, () => skipped, NOW),
    );
  });

  test('any byte of an opening changed is refused, and nothing is changed', () => {
    const [alice, bob] = [new Party(), new Party()];
    const first = contactTo(alice, bob.verified());
    const received = receiveOpening(node, bob.keys, NO_SESSIONS, first.opening, noneOf, NOW);
    const repeated = encryptOpening(node, first.session, alice.prekeys, utf8('1'), NOW).plaintext;
    const before = toHex(encodeSession(received.contact.live?.session as never));
    const next = seededNumbers(2);
    const cases: [string, Uint8Array, ContactSessions][] = [
      ['first', first.plaintext.slice(), NO_SESSIONS],
      ['repeated', repeated.slice(), received.contact],
    ];
    for (const [name, plaintext, contact] of cases) {
      bob.replays.clear();
      if (contact !== NO_SESSIONS) bob.replays.add(toHex(first.opening.replayId));
      for (let at = next() % STRIDE; at < plaintext.length; at += STRIDE) {
        const value = plaintext[at] as number;
        plaintext[at] = value ^ (1 + (next() % 255));
        assert.ok(
          isRefused(() =>
            receiveOpening(node, bob.keys, contact, readOpening(nodeProvider, plaintext), noneOf, NOW),
          ),
          `${name}: position ${at}`,
        );
        plaintext[at] = value;
      }
      const unchanged = readOpening(nodeProvider, plaintext);
      receiveOpening(node, bob.keys, contact, unchanged, noneOf, NOW);
    }
    assert.equal(toHex(encodeSession(received.contact.live?.session as never)), before);
  });

  test('only its own form is read', () => {
    const { opening, plaintext } = contactTo(new Party(), new Party().verified());
    const bytes = opening.headerBytes;
    assert.deepEqual(encodeKx1Header(decodeKx1Header(bytes)), bytes.slice());
    const changed = (at: number, ...values: number[]): Uint8Array => {
      const copy = bytes.slice();
      copy.set(values, at);
      return copy;
    };
    for (const wrong of [bytes.subarray(1), changed(0, 2), changed(2, 2), changed(3, 0, 0, 0, 0)]) {
      assert.throws(() => decodeKx1Header(wrong), MalformedError);
    }
    assert.throws(() => readOpening(nodeProvider, plaintext.subarray(1)), MalformedError);
    assert.throws(() => encodeKx1Header({ ...opening.header, prekeyId: 0 }), RangeError);
    assert.throws(() => encodeKx1Header({ ...opening.header, ephemeral: new Uint8Array(31) }), RangeError);
  });

  test('neither side starts from keys that are out of date', () => {
    const [alice, bob] = [new Party(), new Party()];
    const fresh = new Party(bob.secrets, NOW + 30 * DAY);
    refuses('BUNDLE_EXPIRED', () => contactTo(fresh, alice.verified(), undefined, { now: NOW + 30 * DAY }));
    refuses('BUNDLE_EXPIRED', () =>
      contactTo(alice, fresh.verified(NOW + 30 * DAY), undefined, { now: NOW + 30 * DAY }),
    );
  });

  test('an opening after the answer, or with another bundle, is a mistake that is told', () => {
    const [alice, bob] = [new Party(), new Party()];
    const made = contactTo(alice, bob.verified());
    refuses('BUNDLE_MISMATCH', () => encryptOpening(node, made.session, bob.prekeys, utf8('x'), NOW));
    refuses('CONTENT_TOO_LONG', () =>
      encryptOpening(node, made.session, alice.prekeys, new Uint8Array(OPENING_CONTENT_BYTES + 1), NOW),
    );
    const accepted = accept(node, bob.keys, made.opening, NOW);
    const reply = encrypt(node, accepted.session, utf8('hi'), 4_064);
    const { session } = decrypt(node, made.session, reply.message, none, NOW);
    refuses('WRONG_STATE', () => encryptOpening(node, session, alice.prekeys, utf8('x'), NOW));
  });

  test('the two halves of accepting are the whole', () => {
    const [alice, bob] = [new Party(), new Party()];
    const { opening } = contactTo(alice, bob.verified());
    const half = decryptOpening(node, bob.keys, opening, NOW);
    const whole = verifyInitiator(node, half, NOW);
    assert.deepEqual(whole.content, utf8('hello'));
    assert.equal(half.session.pq.mode, 'wait', 'nothing is answered before the bundle is verified');
    assert.equal(whole.session.pq.mode, 'answer');
  });
});
