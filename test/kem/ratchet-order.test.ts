/** KR1 over a network that loses, repeats and reorders: which messages are still read. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_OLD_CHAINS } from '../../src/kem/session.ts';
import { seededChance } from '../../src/testnet/seeded.ts';
import { opened, type Party, refuses, series, talked } from './ratchet-pair.ts';

test('a chain is read in any order, each message once', () => {
  const { a, b } = talked(50, 1);
  const messages = series(a, 12);
  const chance = seededChance(1);
  const order = messages.map((message, i) => ({ message, i, at: chance() })).toSorted((x, y) => x.at - y.at);
  for (const { message, i } of order) assert.equal(b.receive(message), `m${i}`);
  assert.equal(b.skipped.size, 0);
  for (const message of messages) refuses(b, message, 'ALREADY_RECEIVED');
});

test('messages of earlier chains are read after later ones, whatever was lost between', () => {
  const { a, b } = talked(51, 1);
  const late: [string, Uint8Array][] = [];
  for (let chain = 0; chain < MAX_OLD_CHAINS; chain++) {
    const [one, two, three] = series(a, 3, `${chain}-`) as [Uint8Array, Uint8Array, Uint8Array];
    b.receive(two);
    late.push([`${chain}-0`, one], [`${chain}-2`, three]);
    a.receive(b.send('answer'));
  }
  b.receive(a.send('newest'));
  assert.equal(b.session.oldChains.length, MAX_OLD_CHAINS);
  assert.equal(b.skipped.size, 2 * MAX_OLD_CHAINS);
  for (const [content, message] of late.toReversed()) assert.equal(b.receive(message), content);
  assert.equal(b.skipped.size, 0);
  for (const [, message] of late) refuses(b, message, 'ALREADY_RECEIVED');
});

test('five chains are kept: the sixth displaces the first and its keys', () => {
  const { a, b } = talked(52, 1);
  const late: Uint8Array[] = [];
  for (let chain = 0; chain < 7; chain++) {
    const [one, two] = series(a, 2) as [Uint8Array, Uint8Array];
    late.push(one);
    b.receive(two);
    a.receive(b.send('answer'));
  }
  assert.equal(b.session.oldChains.length + 1, 5);
  assert.equal(b.skipped.size, 5);
  for (const message of late.slice(0, 2)) refuses(b, message, 'NOT_FOR_THIS_SESSION');
  for (const message of late.slice(2)) assert.equal(b.receive(message), 'm0');
});

test('a lost chain is of no importance, and neither are lost answers', () => {
  const { a, b } = talked(53, 1);
  for (let i = 0; i < 6; i++) {
    series(a, 2);
    b.receive(a.send('arrives'));
    series(b, 3);
    a.receive(b.send('arrives too'));
  }
  assert.ok(a.session.pq.epoch >= 2);
  assert.ok(b.skipped.size <= 2 * 5);
});

test('the first message that is read may be any of the first', () => {
  const { a, b } = opened(54);
  const [, one] = series(a, 2);
  assert.equal(b.receive(one as Uint8Array), 'm1');
  const other = talked(54, 0);
  series(other.b, 3);
  assert.equal(other.a.receive(other.b.send('fourth')), 'fourth');
});

test('any mixture of loss, repetition and order: nothing wrong is read, and what is refused changes nothing', () => {
  const chance = seededChance(9);
  const { a, b } = opened(61);
  const onTheWay: { to: Party; message: Uint8Array; content: string }[] = [];
  const read = new Set<string>();
  let refused = 0;
  for (let i = 0; i < 900; i++) {
    const [from, to] = chance() < 0.5 ? [a, b] : [b, a];
    const content = `message ${i}`;
    const message = from.send(content);
    if (chance() < 0.7) onTheWay.push({ to, message, content });
    while (onTheWay.length > 30 || (onTheWay.length > 0 && chance() < 0.5)) {
      const [next] = onTheWay.splice(Math.floor(chance() * onTheWay.length), 1);
      if (next === undefined) break;
      if (chance() < 0.1) onTheWay.push(next);
      const before = next.to.saved;
      try {
        assert.equal(next.to.receive(next.message), next.content);
        assert.ok(!read.has(next.content), 'nothing is read twice');
        read.add(next.content);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error) || error.code === 'ERR_ASSERTION') throw error;
        assert.ok(['ALREADY_RECEIVED', 'NOT_FOR_THIS_SESSION'].includes(String(error.code)), String(error));
        assert.equal(next.to.saved, before);
        refused++;
      }
    }
  }
  assert.ok(refused > 20 && read.size > 450, `${refused} refused, ${read.size} read`);
  assert.ok(Math.min(a.session.pq.epoch, b.session.pq.epoch) > 20, `${a.session.pq.epoch}`);
});
