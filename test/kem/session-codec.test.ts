/** A session as a row: every state there and back, byte for byte; nothing else is read. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeSession, encodeSession, MAX_SESSION_BYTES } from '../../src/kem/session-codec.ts';
import type { Session } from '../../src/kem/session.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import { seededChance } from '../../src/testnet/seeded.ts';
import { bytesOf, ENVELOPED, hex, opened, parties, talked } from './ratchet-pair.ts';

/** Sessions of all kinds, by what is different in them. */
function states(): Map<string, Session> {
  const found = new Map<string, Session>();
  const add = (session: Session): void => {
    const { role, sending, receiving, oldChains, pq, opening } = session;
    const parts = [opening, sending, receiving].map((part) => (part === null ? '-' : '+')).join('');
    found.set(
      `${role} ${parts} ${oldChains.length} ${pq.mode} ${pq.epoch === 0 ? 'first' : 'later'}`,
      session,
    );
  };
  for (let seed = 0; seed < 6; seed++) {
    const start = parties(seed);
    add(start.a.session);
    add(start.b.session);
    start.b.receive(start.a.send('x', ENVELOPED));
    add(start.b.session);
    const { a, b } = opened(seed);
    const chance = seededChance(seed);
    for (let i = 0; i < 60; i++) {
      const [from, to] = chance() < 0.2 + 0.1 * seed ? [a, b] : [b, a];
      const message = from.send('x');
      add(from.restarted().session);
      if (chance() < 0.8) to.receive(message);
      add(to.restarted().session);
    }
  }
  return found;
}

const all = states();

test('every state comes back as it was', () => {
  const modes = new Set([...all.values()].map(({ pq }) => pq.mode));
  assert.equal(modes.size, 5);
  assert.ok(all.size > 30, `${all.size} kinds`);
  for (const [kind, session] of all) {
    const bytes = encodeSession(session);
    assert.equal(hex(encodeSession(decodeSession(bytes))), hex(bytes), kind);
    const [mine, back] = [session, decodeSession(bytes)].map((state) => ({
      ...state,
      ratchetPair: null,
      pq: state.pq.mode === 'propose' ? { ...state.pq, pair: null } : state.pq,
    }));
    assert.deepEqual(back, mine, kind);
  }
});

test('a row is small, in one allocation of its size, and shares nothing', () => {
  const sizes = [...all.values()].map((session) => encodeSession(session).length);
  assert.ok(Math.max(...sizes) <= MAX_SESSION_BYTES && MAX_SESSION_BYTES <= 6 * 1_024);
  assert.equal(Math.max(...sizes), 2_120, 'an initiator whose opening is not answered');
  const session = talked(90, 4).a.session;
  const bytes = encodeSession(session);
  assert.equal(bytes.buffer.byteLength, bytes.length);
  const before = hex(bytes);
  const decoded = decodeSession(bytes);
  decoded.rootKey.fill(0);
  decoded.transcript.fill(0);
  assert.equal(hex(bytes), before);
  assert.equal(hex(encodeSession(session)), before);
});

test('the start of an initiator has the documented bytes', () => {
  const { session } = parties(91).a;
  const { pq, opening, remoteRatchetKey } = session;
  assert.ok(pq.mode === 'propose' && opening !== null && remoteRatchetKey !== null);
  const expected = [
    '0100000100',
    hex(session.transcript),
    hex(session.rootKey),
    hex(session.nextSendingHeaderKey),
    hex(session.nextReceivingHeaderKey),
    '00000000'.repeat(3),
    hex(opening.header),
    opening.expiry.toString(16).padStart(16, '0'),
    hex(remoteRatchetKey),
    hex(pq.seed),
  ];
  assert.equal(hex(encodeSession(session)), expected.join(''));
});

test('any cut, and anything behind, is refused', () => {
  for (const [kind, session] of all) {
    const bytes = encodeSession(session);
    for (let size = 0; size < bytes.length; size += 1 + (size % 7)) {
      assert.throws(() => decodeSession(bytes.subarray(0, size)), MalformedError, `${kind}, ${size} bytes`);
    }
    assert.throws(() => decodeSession(new Uint8Array([...bytes, 0])), MalformedError, kind);
  }
});

test('any other byte is refused or is another session', () => {
  const bytes = encodeSession(talked(92, 3).a.session);
  let refused = 0;
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at] = (changed[at] as number) ^ 0x40;
    try {
      assert.equal(hex(encodeSession(decodeSession(changed))), hex(changed));
    } catch (error) {
      assert.ok(error instanceof MalformedError, `byte ${at}`);
      refused++;
    }
  }
  assert.ok(refused >= 5 + 4, `${refused}`);
});

/** A state with something in it changed. */
const broken: [string, (session: Session) => Session][] = [
  ['impossible count', (s) => ({ ...s, previousLength: 2 ** 20 + 1 })],
  ['impossible count', (s) => ({ ...s, sending: s.sending && { ...s.sending, n: 0 } })],
  ['impossible count', (s) => ({ ...s, sending: s.sending && { ...s.sending, n: 2 ** 20 + 1 } })],
  ['impossible count', (s) => ({ ...s, receiving: s.receiving && { ...s.receiving, n: 0 } })],
  ['impossible epoch', (s) => ({ ...s, remoteEpoch: s.pq.epoch + 1 })],
  ['impossible epoch', (s) => ({ ...s, remoteEpoch: s.pq.epoch - 2 })],
  ['out of turn', (s) => ({ ...s, role: s.role === 'initiator' ? 'responder' : 'initiator' })],
  ['old chains out of order', (s) => ({ ...s, receiving: s.receiving && { ...s.receiving, id: 0 } })],
  ['old chains out of order', (s) => ({ ...s, oldChains: s.oldChains.toReversed() })],
  ['old chains out of order', (s) => ({ ...s, oldChains: s.oldChains.flatMap((chain) => [chain, chain]) })],
];

for (const [what, change] of broken) {
  test(`no ratchet comes to this: ${what}`, () => {
    const { session } = talked(93, 3).a;
    assert.ok(session.sending !== null && session.oldChains.length === 2);
    const bytes = encodeSession(change(session));
    assert.throws(() => decodeSession(bytes), { code: 'MALFORMED', message: `session: ${what}` });
  });
}

test('nor to these at the start', () => {
  const { a, b } = parties(94);
  const turned = (session: Session, at: number, value: number): Uint8Array => {
    const bytes = encodeSession(session);
    bytes[at] = value;
    return bytes;
  };
  for (const [at, value] of [
    [0, 2],
    [1, 2],
    [2, 4],
    [3, 5],
    [4, 5],
    [4, 1],
  ] as const) {
    assert.throws(() => decodeSession(turned(a.session, at, value)), MalformedError, `${at}`);
    assert.throws(() => decodeSession(turned(b.session, at, value)), MalformedError, `${at}`);
  }
  const sending = {
    ratchetKey: new Uint8Array(32),
    headerKey: new Uint8Array(32),
    chainKey: new Uint8Array(32),
    n: 1,
  };
  const spoke = encodeSession({ ...b.session, sending });
  assert.throws(() => decodeSession(spoke), { message: 'session: spoke first' });
  const due = encodeSession({ ...a.session, pq: { mode: 'due', epoch: 0 } });
  assert.throws(() => decodeSession(due), { message: 'session: the first proposal is never due' });
  const early = encodeSession({ ...b.session, pq: { mode: 'due', epoch: 1 }, remoteEpoch: 1 });
  assert.throws(() => decodeSession(early), { message: 'session: nothing was received' });
});

test('fields of other sizes are not written', () => {
  const { session } = talked(95, 1).a;
  assert.throws(() => encodeSession({ ...session, rootKey: bytesOf('short') }), RangeError);
  const [chain] = talked(95, 3).a.session.oldChains;
  assert.ok(chain !== undefined);
  for (const expiresAt of [-1, 0.5, 2 ** 53]) {
    assert.throws(() => encodeSession({ ...session, oldChains: [{ ...chain, expiresAt }] }), RangeError);
  }
});
