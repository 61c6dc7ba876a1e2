/** KR1 between two honest ends: contents, steps, epochs, sizes, and what the outside of a message shows. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decrypt, recognises } from '../../src/kem/ratchet-decrypt.ts';
import { encrypt } from '../../src/kem/ratchet-encrypt.ts';
import { contentCapacity, MESSAGE_SIZES } from '../../src/kem/ratchet-message.ts';
import { encodeSession } from '../../src/kem/session-codec.ts';
import { answerFirstEpoch, eraseSession, isProven } from '../../src/kem/session.ts';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { seededChance } from '../../src/testnet/seeded.ts';
import { ENVELOPED, hex, NOW, opened, type Party, parties, SMALL, talked } from './ratchet-pair.ts';

test('contents arrive both ways, on either provider and between them', () => {
  for (const [mine, yours] of [
    [nodeProvider, nobleProvider],
    [nobleProvider, nodeProvider],
  ] as const) {
    const { a } = parties(1, mine);
    const { b, answerKey } = parties(1, yours);
    assert.equal(b.receive(a.send('hello', ENVELOPED)), 'hello');
    b.session = answerFirstEpoch(b.p, b.session, answerKey);
    for (let i = 0; i < 6; i++) {
      assert.equal(a.receive(b.send(`b${i}`)), `b${i}`);
      assert.equal(b.receive(a.send(`a${i}`, 8_128)), `a${i}`);
    }
    assert.ok(a.session.pq.epoch >= 2 && b.session.pq.epoch >= 2);
  }
});

test('whatever the turns, contents arrive, epochs advance and both sides get the same stream keys', () => {
  const chance = seededChance(7);
  for (let seed = 0; seed < 8; seed++) {
    const { a, b } = opened(10 + seed);
    const eagerness = 0.2 + seed * 0.08;
    for (let i = 0; i < 120; i++) {
      const [from, to] = chance() < eagerness ? [a, b] : [b, a];
      assert.equal(to.receive(from.send(`message ${i}`)), `message ${i}`);
      assert.ok(Math.abs(a.session.pq.epoch - b.session.pq.epoch) <= 1);
    }
    assert.ok(a.session.pq.epoch > 2, `${a.session.pq.epoch}`);
    const shared = Math.min(a.streams.length, b.streams.length);
    assert.equal(shared, Math.min(a.session.pq.epoch, b.session.pq.epoch));
    for (let i = 0; i < shared; i++) {
      const [mine, yours] = [a.streams[i], b.streams[i]];
      assert.equal(mine?.epoch, i + 1);
      assert.deepEqual(mine?.send, yours?.receive);
      assert.deepEqual(mine?.receive, yours?.send);
      assert.notDeepEqual(mine?.send, mine?.receive);
    }
    assert.equal(
      new Set(a.streams.flatMap(({ send, receive }) => [hex(send), hex(receive)])).size,
      2 * a.streams.length,
    );
  }
});

test('a step is taken by the encryption after a receiving step, and by no other', () => {
  const { a, b } = talked(2, 3);
  const key = (party: Party): string | null =>
    party.session.sending === null ? null : hex(party.session.sending.ratchetKey);
  const used = key(a);
  assert.notEqual(used, null);
  a.send('again');
  assert.equal(key(a), used);
  a.receive(b.send('a step of b'));
  assert.equal(a.session.sending, null);
  assert.equal(a.session.ratchetSecret, null, 'the secret was used for the last time');
  const resting = hex(encodeSession(a.session));
  a.receive(b.send('no step of b'));
  assert.equal(a.session.sending, null, 'reading makes no key');
  assert.notEqual(hex(encodeSession(a.session)), resting);
  a.send('now');
  assert.notEqual(key(a), used);
});

test('the opening goes along until the peer was heard, and each side is proven when it can be', () => {
  const { a, b } = opened(3);
  assert.ok(a.session.opening !== null && !isProven(a.session));
  b.receive(a.send('still opening', ENVELOPED));
  assert.ok(!isProven(b.session), 'whoever has the prekeys could have written that');
  a.receive(b.send('answer'));
  assert.equal(a.session.opening, null);
  assert.ok(isProven(a.session) && !isProven(b.session));
  b.receive(a.send('in epoch 1'));
  assert.equal(b.session.pq.epoch, 1);
  assert.ok(isProven(b.session));
});

test('a responder speaks second, and answers the first epoch once', () => {
  const { a, b, answerKey } = parties(4);
  assert.throws(() => encrypt(b.p, b.session, new Uint8Array(0), SMALL), { code: 'WRONG_STATE' });
  b.receive(a.send('hello', ENVELOPED));
  // the initiator takes no answer that does not answer its key: it would keep the secret of that for ever
  const early = b.restarted().send('before the answer');
  assert.throws(() => a.receive(early), { code: 'WRONG_EPOCH' });
  assert.ok(a.session.pq.mode === 'propose' && a.session.opening !== null);
  const answered = answerFirstEpoch(b.p, b.session, answerKey);
  assert.equal(answered.pq.mode, 'answer');
  assert.equal(answerFirstEpoch(b.p, answered, answerKey), answered);
  assert.equal(answerFirstEpoch(a.p, a.session, answerKey), a.session);
});

test('a message has the size that was asked for and room that never changes', () => {
  assert.deepEqual(
    MESSAGE_SIZES.map((size) => [size, contentCapacity(size)]),
    [
      [4_064, 2_763],
      [8_128, 6_827],
      [16_256, 14_955],
      [13_380, 12_079],
    ],
  );
  const { a, b } = opened(5);
  const modes = new Set<string>();
  for (let i = 0; i < 24; i++) {
    const [from, to] = i % 2 === 0 ? [b, a] : [a, b];
    const size = MESSAGE_SIZES[i % 4] as number;
    const full = new Uint8Array(contentCapacity(size)).fill(0x61);
    const before = from.saved;
    assert.throws(() => from.send(new Uint8Array(full.length + 1), size), { code: 'CONTENT_TOO_LONG' });
    assert.equal(from.saved, before);
    const message = from.send(full, size);
    modes.add(from.session.pq.mode);
    assert.equal(message.length, size);
    assert.equal(to.receive(message).length, full.length);
    assert.equal(to.receive(from.send('', size)), '');
  }
  assert.deepEqual([...modes].toSorted(), ['answer', 'due', 'propose', 'wait'], 'all that messages carry');
  assert.throws(() => a.send('x', 4_096), RangeError);
});

test('nothing on the outside of messages is constant, and bytes are spread as random ones are', () => {
  const { a, b } = opened(6);
  const messages: Uint8Array[] = [];
  for (let i = 0; i < 128; i++) {
    const [from, to] = i % 3 === 0 ? [b, a] : [a, b];
    const message = from.send('the same content');
    to.receive(message);
    messages.push(message);
  }
  const counts = new Array<number>(256).fill(0);
  for (let at = 0; at < SMALL; at++) {
    const column = messages.map((message) => message[at] as number);
    let [ones, zeros] = [0, 0];
    for (const byte of column) [ones, zeros] = [ones | byte, zeros | (byte ^ 0xff)];
    assert.deepEqual([ones, zeros], [0xff, 0xff], `each bit of byte ${at} was 0 and 1`);
    for (const byte of column) counts[byte] = (counts[byte] as number) + 1;
  }
  // chi-squared with 255 degrees of freedom: beyond 360 once in 100,000 times
  const expected = (messages.length * SMALL) / 256;
  const chi = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  assert.ok(chi < 360, `${chi}`);
});

test('a session recognises its messages and no others, before and after they are read', () => {
  const [one, two] = [talked(7, 2), talked(8, 2)];
  const message = one.a.send('for one.b');
  assert.ok(recognises(nodeProvider, one.b.session, message));
  assert.ok(!recognises(nodeProvider, two.b.session, message));
  assert.ok(!recognises(nodeProvider, one.a.session, message), 'nor the sender its own');
  assert.ok(!recognises(nodeProvider, one.b.session, message.subarray(1)));
  one.b.receive(message);
  assert.ok(recognises(nodeProvider, one.b.session, message));
  assert.throws(() => decrypt(two.b.p, two.b.session, message, two.b.skipped, NOW), {
    code: 'NOT_FOR_THIS_SESSION',
  });
});

test('encrypting and decrypting leave the old state as it is', () => {
  const { a, b } = talked(9, 2);
  for (let i = 0; i < 8; i++) {
    const [from, to] = i % 3 === 0 ? [b, a] : [a, b];
    const before = [from.saved, to.saved];
    const { session, message } = encrypt(from.p, from.session, new Uint8Array(5), SMALL);
    const read = decrypt(to.p, to.session, message, to.skipped, NOW);
    assert.deepEqual([from.saved, to.saved], before);
    [from.session, to.session] = [session, read.session];
  }
});

test('a process may start again between any two messages', () => {
  let { a, b } = opened(21);
  for (let i = 0; i < 40; i++) {
    [a, b] = [a.restarted(), b.restarted()];
    const [from, to] = i % 2 === 0 ? [b, a] : [a, b];
    const message = from.send(`${i}`);
    [a, b] = [a.restarted(), b.restarted()];
    const reader = i % 2 === 0 ? a : b;
    assert.equal(reader.receive(message), `${i}`);
    assert.ok(to !== reader);
  }
  assert.ok(a.session.pq.epoch >= 4);
});

test('what a state was replaced in is erased, and what both hold is not', () => {
  const { a, b } = talked(23, 6);
  a.receive(b.send('the answer to its proposal'));
  const isErased = (bytes: Uint8Array | undefined | null): boolean =>
    bytes?.every((byte) => byte === 0) === true;
  const before = b.session;
  assert.ok(before.ratchetSecret !== null && before.pq.mode === 'answer');
  b.receive(a.send('a step')); // a party erases as it commits
  b.receive(a.send('in the same chain'));
  const between = b.session;
  a.receive(b.send('answer'));
  b.receive(a.send('a step'));
  assert.ok(isErased(between.receiving?.chainKey) && isErased(between.rootKey));
  assert.ok(!isErased(between.receiving?.headerKey), 'the old chain still has it');
  assert.ok(!isErased(between.nextReceivingHeaderKey), 'it is the header key of the chain that began');
  for (const name of ['rootKey', 'ratchetSecret', 'nextSendingHeaderKey'] as const) {
    assert.ok(isErased(before[name]), name);
  }
  assert.ok(isErased(before.sending?.chainKey) && isErased(before.sending?.headerKey));
  assert.ok(isErased(before.pq.mode === 'answer' ? before.pq.secret : null));
});

test('what is over can be erased', () => {
  const { a } = talked(22, 1);
  eraseSession(a.session);
  assert.ok(a.session.rootKey.every((byte) => byte === 0));
  assert.ok(a.session.sending?.chainKey.every((byte) => byte === 0));
});
