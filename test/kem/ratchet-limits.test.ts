/** What KR1 keeps for messages that are late, and for how long; how far it bridges, and how long a chain may be. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decrypt } from '../../src/kem/ratchet-decrypt.ts';
import { MAX_JUMP, MAX_UNPROVEN_JUMP, MAX_SKIPPED, SKIPPED_LIFE_MS } from '../../src/kem/ratchet-chains.ts';
import { MAX_CHAIN_MESSAGES } from '../../src/kem/ratchet-message.ts';
import type { Session } from '../../src/kem/session.ts';
import { ENVELOPED, NOW, parties, type Party, refuses, series, talked } from './ratchet-pair.ts';

/** As if `count` messages were sent and lost: takes the step that is due, and moves the chain on. */
function sendLost(party: Party, count: number): void {
  if (party.session.sending === null) {
    party.send('');
    count--;
  }
  const { sending } = party.session;
  if (sending === null) throw new TypeError('a chain');
  let { chainKey } = sending;
  for (let i = 0; i < count; i++) chainKey = party.p.provider.hmacSha256(chainKey, Uint8Array.of(2));
  party.session = { ...party.session, sending: { ...sending, chainKey, n: sending.n + count } };
}

test('2,000 keys of a chain are kept, the newest ones', () => {
  const { a, b } = talked(55, 1);
  const early = series(a, 5);
  sendLost(a, MAX_SKIPPED - 4);
  const [first, second] = series(a, 2) as [Uint8Array, Uint8Array];
  // `first` is number 2,001 after early[0]: the keys of the last 1,999 before it stay
  assert.equal(b.receive(first), 'm0');
  assert.equal(b.skipped.size, MAX_SKIPPED - 1);
  for (const message of early.slice(0, 2)) refuses(b, message, 'ALREADY_RECEIVED');
  assert.equal(b.receive(early[2] as Uint8Array), 'm2');
  // one further on the way, one more goes
  assert.equal(b.receive(second), 'm1');
  refuses(b, early[2] as Uint8Array, 'ALREADY_RECEIVED');
  assert.equal(b.receive(early[3] as Uint8Array), 'm3');
  assert.equal(b.skipped.size, MAX_SKIPPED - 3);
});

test('the keys of a chain fall behind also when its end is first heard of in the next', () => {
  const { a, b } = talked(62, 1);
  const [early] = series(a, 1) as [Uint8Array];
  b.receive(a.send('read'));
  assert.equal(b.skipped.size, 1);
  const pair = [a.restarted(), b.restarted()] as const;
  for (const [end, lost] of [
    ['kept', MAX_SKIPPED - 2],
    ['dropped', MAX_SKIPPED - 1],
  ] as const) {
    const [from, to] = [pair[0].restarted(), pair[1].restarted()];
    sendLost(from, lost);
    from.receive(to.send('answer'));
    to.receive(from.send('the next chain'));
    assert.equal(to.skipped.size, end === 'kept' ? lost + 1 : lost);
    if (end === 'kept') assert.equal(to.receive(early), 'm0');
    else refuses(to, early, 'ALREADY_RECEIVED');
  }
});

test('a key that fell behind is refused even where the rows still have it', () => {
  const { a, b } = talked(56, 1);
  const early = a.send('early');
  sendLost(a, 10);
  const kept = decrypt(b.p, b.session, a.send('x'), b.skipped, NOW);
  assert.equal(kept.skipped.added.length, 11);
  b.session = kept.session;
  b.skipped.apply(kept.skipped);
  sendLost(a, MAX_SKIPPED);
  const later = decrypt(b.p, b.session, a.send('y'), b.skipped, NOW);
  assert.notEqual(later.skipped.droppedBelow, null);
  b.session = later.session; // and the rows are not cleared
  assert.throws(() => decrypt(b.p, b.session, early, b.skipped, NOW), { code: 'ALREADY_RECEIVED' });
});

test('25,000 missing messages are bridged, and not one more', () => {
  for (const [missing, across] of [
    [MAX_JUMP, 0],
    [MAX_JUMP - 40, 40],
  ] as const) {
    const { a, b } = talked(57, 1);
    sendLost(a, missing);
    if (across > 0) {
      a.receive(b.send('a step'));
      sendLost(a, across);
    }
    const near = a.restarted();
    near.send('one more is lost');
    const before = performance.now();
    refuses(b, near.send('too far'), 'TOO_FAR_AHEAD');
    assert.ok(performance.now() - before < 1_000);
    assert.equal(b.receive(a.send('just near enough')), 'just near enough');
    assert.equal(b.skipped.size, across === 0 ? MAX_SKIPPED - 1 : MAX_SKIPPED + across);
  }
});

test('what was skipped is kept for 30 days', () => {
  const { a, b } = talked(58, 1);
  const [one, two, three] = series(a, 3) as [Uint8Array, Uint8Array, Uint8Array];
  b.receive(three);
  const end = NOW + SKIPPED_LIFE_MS;
  refuses(b, one, 'ALREADY_RECEIVED', end);
  assert.equal(b.receive(one, end - 1), 'm0');
  b.skipped.dropExpired(end - 1);
  assert.equal(b.skipped.size, 1);
  b.skipped.dropExpired(end);
  assert.equal(b.skipped.size, 0);
  refuses(b, two, 'ALREADY_RECEIVED', end - 1);
});

test('an old chain goes 30 days after the one that followed it began', () => {
  const { a, b } = talked(59, 1);
  const [late, lost, read] = series(a, 3) as [Uint8Array, Uint8Array, Uint8Array];
  b.receive(read);
  const [chain] = [b.session.receiving?.id as number];
  a.receive(b.send('answer'));
  b.receive(a.send('next chain'), NOW + 1_000);
  assert.equal(b.session.oldChains.at(-1)?.id, chain);
  assert.equal(b.restarted().receive(late, NOW + SKIPPED_LIFE_MS - 1), 'm0');
  const end = NOW + 1_000 + SKIPPED_LIFE_MS;
  refuses(b, lost, 'ALREADY_RECEIVED', end);
  a.receive(b.send('answer'));
  b.receive(a.send('a step much later'), end);
  assert.ok(b.session.oldChains.every(({ id }) => id > chain));
  assert.equal(b.skipped.size, 0);
  refuses(b, lost, 'NOT_FOR_THIS_SESSION', end);
});

test('a chain ends at its last number, and another begins after an answer', () => {
  const { a, b } = talked(60, 1);
  const at = (n: number): Session => {
    const { sending } = a.session;
    if (sending === null) throw new TypeError('a chain');
    return { ...a.session, sending: { ...sending, n } };
  };
  a.session = at(MAX_CHAIN_MESSAGES - 1);
  a.send('the last');
  const before = a.saved;
  assert.throws(() => a.send('none'), { code: 'CHAIN_EXHAUSTED' });
  assert.equal(a.saved, before);
  a.receive(b.send('answer'));
  const next = a.send('in a new chain');
  assert.equal(a.session.previousLength, MAX_CHAIN_MESSAGES);
  // b would have to bridge the million that never came
  refuses(b, next, 'TOO_FAR_AHEAD');
});

test('a stranger makes nobody bridge more than 256 messages by the first of a session', () => {
  for (const lost of [MAX_UNPROVEN_JUMP, MAX_UNPROVEN_JUMP + 1]) {
    const { a, b } = parties(63);
    sendLost(a, lost);
    const message = a.send('at last', ENVELOPED);
    if (lost > MAX_UNPROVEN_JUMP) refuses(b, message, 'TOO_FAR_AHEAD');
    else assert.equal(b.receive(message), 'at last');
    assert.equal(b.skipped.size, lost > MAX_UNPROVEN_JUMP ? 0 : lost);
  }
});
