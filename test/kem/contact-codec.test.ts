/** A saved contact: what is written is read again, in one form only, and nothing else is read. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeContact, encodeContact } from '../../src/kem/contact-codec.ts';
import { receiveOpening } from '../../src/kem/contact-messages.ts';
import { withOpened } from '../../src/kem/contact-sessions.ts';
import { allSessions, type ContactSessions, findSession, NO_SESSIONS } from '../../src/kem/contact.ts';
import type { Session } from '../../src/kem/session.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import { contactTo, NOW, node, Party, refuses } from './parties.ts';

const noneOf = () => ({ get: () => null });

/** A contact with sessions in all places but one, and with all parts. */
function crowded(): { contact: ContactSessions; sessionOf: (transcript: Uint8Array) => Session | null } {
  const people = [new Party(), new Party()];
  const [bob, alice] = people.toSorted((a, b) =>
    Buffer.compare(a.identity.fingerprint, b.identity.fingerprint),
  ) as [Party, Party];
  let contact = NO_SESSIONS;
  for (let i = 0; i < 3; i++) contact = withOpened(contact, contactTo(bob, alice.verified()), NOW + i);
  for (let i = 0; i < 2; i++) {
    const { opening } = contactTo(alice, bob.verified());
    contact = receiveOpening(node, bob.keys, contact, opening, noneOf, NOW + i).contact;
  }
  const whole = { ...contact, aside: contact.replaced[0] ?? null, replaced: contact.replaced.slice(1) };
  return {
    contact: whole,
    sessionOf: (transcript) => findSession(whole, transcript)?.session ?? null,
  };
}

test('all places and parts survive, byte for byte', () => {
  const { contact, sessionOf } = crowded();
  assert.ok(contact.live !== null && contact.aside !== null && contact.replaced.length > 0);
  assert.ok(contact.candidates.every(({ contest, openingId }) => contest !== null && openingId !== null));
  const bytes = encodeContact(contact);
  assert.deepEqual(decodeContact(bytes, sessionOf), contact);
  assert.deepEqual(encodeContact(decodeContact(bytes, sessionOf)), bytes);
  const empty = { ...NO_SESSIONS, peer: new Uint8Array(48).fill(7) };
  assert.deepEqual(
    decodeContact(encodeContact(empty), () => null),
    empty,
  );
  assert.throws(() => encodeContact(NO_SESSIONS), RangeError);
});

test('a cut, a byte more, and a session that is not there are refused', () => {
  const { contact, sessionOf } = crowded();
  const bytes = encodeContact(contact);
  for (let size = 0; size < bytes.length; size++) {
    assert.throws(() => decodeContact(bytes.subarray(0, size), sessionOf), MalformedError);
  }
  const longer = new Uint8Array(bytes.length + 1);
  longer.set(bytes);
  assert.throws(() => decodeContact(longer, sessionOf), /too long/);
  for (const { session } of allSessions(contact)) {
    const without = (transcript: Uint8Array): Session | null =>
      Buffer.compare(transcript, session.transcript) === 0 ? null : sessionOf(transcript);
    assert.throws(() => decodeContact(bytes, without), /missing/);
  }
});

test('places out of order or taken twice, unknown parts, and the same session twice are refused', () => {
  const { contact, sessionOf } = crowded();
  const changed = (change: (bytes: Uint8Array) => void): Uint8Array => {
    const bytes = encodeContact(contact);
    change(bytes);
    return bytes;
  };
  const firstAt = 50;
  const refused: [string, Uint8Array][] = [
    ['version', changed((bytes) => bytes.set([2], 0))],
    ['count', changed((bytes) => bytes.set([200], 49))],
    ['place', changed((bytes) => bytes.set([4], firstAt))],
    ['order', changed((bytes) => bytes.set([3], firstAt))],
    ['parts', changed((bytes) => bytes.set([8], firstAt + 1))],
    ['two live', encodeContact({ ...contact, candidates: [], replaced: [] })],
    ['twice', encodeContact({ ...contact, replaced: [...contact.replaced, ...contact.replaced] })],
  ];
  // the entry after the live one becomes a live one
  (refused[5] as [string, Uint8Array])[1].set([0], firstAt + 50);
  for (const [what, bytes] of refused) {
    assert.throws(() => decodeContact(bytes, sessionOf), MalformedError, what);
  }
});

test("another person's opening is not taken into the sessions of a contact", () => {
  const [alice, bob, carol] = [new Party(), new Party(), new Party()];
  const contact = withOpened(NO_SESSIONS, contactTo(bob, alice.verified()), NOW);
  const { opening } = contactTo(carol, bob.verified());
  refuses('WRONG_CONTACT', () => receiveOpening(node, bob.keys, contact, opening, noneOf, NOW));
  refuses('WRONG_CONTACT', () => withOpened(contact, contactTo(bob, carol.verified()), NOW));
});
