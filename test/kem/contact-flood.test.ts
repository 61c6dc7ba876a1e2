/** A contact's sessions with real keys: openings of a thief beside a genuine one, and what is over. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAIL_TTL_SECONDS } from '../../src/kem/bundle.ts';
import {
  encryptUnder,
  type Received,
  receiveMessage,
  receiveOpening,
} from '../../src/kem/contact-messages.ts';
import {
  type ContactSession,
  type ContactSessions,
  findSession,
  NO_SESSIONS,
} from '../../src/kem/contact.ts';
import { eraseReplacedSessions, sessionsGone } from '../../src/kem/contact-commit.ts';
import { withOpened, withoutExpired } from '../../src/kem/contact-sessions.ts';
import type { Opening } from '../../src/kem/kx1.ts';
import { SkippedKeyMap } from '../../src/kem/skipped-keys.ts';
import { utf8 } from '../../src/safety/bytes.ts';
import { forge } from './kx1-forger.ts';
import { contactTo, DAY, NOW, node, Party } from './parties.ts';

const noneOf = (): SkippedKeyMap => new SkippedKeyMap();

/** Alice, and somebody who has stolen the secret of her signed prekey and writes in Bob's name. */
class Scene {
  readonly alice = new Party();
  readonly bob = new Party();
  contact: ContactSessions = NO_SESSIONS;

  receive(opening: Opening): Received {
    const received = receiveOpening(node, this.alice.keys, this.contact, opening, noneOf, NOW);
    this.contact = received.contact;
    return received;
  }

  receiveForged(): Received {
    const claimed = this.bob.verified();
    const agreed = this.alice.newest.spk.agree(this.bob.identity.device.publicKey);
    const peer = this.alice.verified();
    return this.receive(forge({ claimed, agreed, peer, bundle: this.bob.bundle }).opening);
  }

  /** Of a party, under one of its sessions. */
  write(from: Party, contact: ContactSessions, entry: ContactSession): ReturnType<typeof encryptUnder> {
    const content = utf8('text');
    return encryptUnder(node, contact, entry, {
      content,
      messageBytes: 4_064,
      prekeys: from.prekeys,
      now: NOW,
    });
  }
}

describe("openings in a contact's name", () => {
  test('seven of them do not keep the genuine one, which was answered, from being used', () => {
    const scene = new Scene();
    scene.receiveForged();
    const made = contactTo(scene.bob, scene.alice.verified());
    let bobs = withOpened(NO_SESSIONS, made, NOW);
    const { transcript } = scene.receive(made.opening);
    const candidate = findSession(scene.contact, transcript) as ContactSession;
    const answer = scene.write(scene.alice, scene.contact, candidate);
    scene.contact = answer.contact;
    for (let i = 0; i < 7; i++) scene.receiveForged();
    bobs = receiveMessage(node, bobs, answer.bytes, noneOf, NOW).contact;
    const proof = scene.write(scene.bob, bobs, bobs.live as ContactSession);
    const received = receiveMessage(node, scene.contact, proof.bytes, noneOf, NOW);
    assert.equal(received.proven, true);
    assert.deepEqual(received.contact.live?.session.transcript, transcript);
  });

  test('the eighth makes it go, which is told, and not read in silence', () => {
    const scene = new Scene();
    scene.receiveForged();
    const made = contactTo(scene.bob, scene.alice.verified());
    const { transcript } = scene.receive(made.opening);
    const held = findSession(scene.contact, transcript) as ContactSession;
    for (let i = 0; i < 7; i++) scene.receiveForged();
    const before = scene.contact;
    const { contact } = scene.receiveForged();
    assert.deepEqual(
      sessionsGone(before, contact).map((session) => session.transcript),
      [transcript],
    );
    eraseReplacedSessions(before, contact);
    assert.deepEqual(held.session.rootKey, new Uint8Array(32));
    const kept = contact.candidates[0] as ContactSession;
    assert.notDeepEqual(kept.session.rootKey, new Uint8Array(32));
  });
});

describe('what is over', () => {
  test('an own opening that can no longer be answered', () => {
    const [alice, bob] = [new Party(), new Party()];
    const made = contactTo(alice, bob.verified());
    const { session } = made;
    const contact = withOpened(NO_SESSIONS, made, NOW);
    const end = ((session.opening?.expiry ?? 0) + MAIL_TTL_SECONDS) * 1_000;
    assert.ok(end > NOW + 40 * DAY);
    assert.deepEqual(withoutExpired(contact, end - 1), contact);
    const after = withoutExpired(contact, end);
    assert.deepEqual(after, { ...NO_SESSIONS, peer: bob.identity.fingerprint });
    assert.deepEqual(sessionsGone(contact, after), [session]);
    // the same when a later one has replaced it
    const again = withOpened(contact, contactTo(alice, bob.verified()), NOW);
    assert.equal(sessionsGone(again, withoutExpired(again, end)).length, 2);
  });

  test('a candidate outlives an own opening with older bundles, and the next opening waits behind it', () => {
    const scene = new Scene();
    const own = contactTo(scene.alice, scene.bob.verified());
    scene.contact = withOpened(NO_SESSIONS, { ...own, expiry: NOW / 1000 + 60 }, NOW);
    scene.receiveForged();
    const after = withoutExpired(scene.contact, NOW + 20 * DAY);
    assert.equal(after.live, null);
    assert.deepEqual(after.candidates, scene.contact.candidates);
    scene.contact = after;
    scene.receiveForged();
    assert.deepEqual([scene.contact.live, scene.contact.candidates.length], [null, 2]);
  });

  test('what the peer opened and never proved, in use or waiting', () => {
    const scene = new Scene();
    scene.receiveForged();
    scene.receiveForged();
    const end = ((scene.contact.live?.expiry ?? 0) + MAIL_TTL_SECONDS) * 1_000;
    assert.deepEqual(withoutExpired(scene.contact, end - 1), scene.contact);
    const { live, candidates } = withoutExpired(scene.contact, end);
    assert.deepEqual([live, candidates], [null, []]);
  });

  test('nothing is gone, and all of the old state is erased, when a message is sent', () => {
    const scene = new Scene();
    const made = contactTo(scene.alice, scene.bob.verified());
    const before = withOpened(NO_SESSIONS, made, NOW);
    const { contact } = scene.write(scene.alice, before, before.live as ContactSession);
    assert.deepEqual(sessionsGone(before, contact), []);
    const old = before.live?.session.sending?.chainKey as Uint8Array;
    eraseReplacedSessions(before, contact);
    assert.deepEqual(old, new Uint8Array(32));
    assert.notDeepEqual(contact.live?.session.sending?.chainKey, new Uint8Array(32));
  });
});
