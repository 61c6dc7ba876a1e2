/** Conversations over two real databases. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ChatError } from '../../src/chat/errors.ts';
import { seededNumbers } from '../../fuzz/mutate.ts';
import { ALICE, BOB, carry, lineOf, pair, receive, settle } from './pair.ts';

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return error instanceof ChatError ? error.code : String(error);
  }
  return 'nothing thrown';
};

describe('a conversation', () => {
  test('goes both ways, and says where each message is', () => {
    const { alice, bob } = pair();
    const hello = alice.chat.send(BOB, { text: 'hello' });
    assert.equal(hello.state, 'saved');
    carry(alice, bob, { lost: () => true }, 1);
    assert.equal(alice.chat.get(hello.id)?.state, 'sent');
    settle(alice, bob);
    assert.equal(alice.chat.get(hello.id)?.state, 'delivered');
    bob.chat.send(ALICE, { text: 'hi', replyTo: hello.id });
    assert.equal(bob.chat.unread(ALICE), 1);
    bob.chat.markRead(ALICE);
    assert.equal(bob.chat.unread(ALICE), 0);
    settle(alice, bob);
    assert.equal(alice.chat.get(hello.id)?.state, 'read');
    assert.deepEqual(alice.texts(BOB), ['>hello', '<hi']);
    assert.deepEqual(bob.texts(ALICE), ['<hello', '>hi']);
    assert.deepEqual(alice.last(BOB).replyTo, hello.id);
    assert.equal(alice.last(BOB).state, 'received');
  });

  test('tells of each change after it is saved, once for a new message', () => {
    const { alice, bob } = pair();
    alice.chat.send(BOB, { text: 'one' });
    settle(alice, bob);
    const news = bob.events.flatMap((event) => (event.kind === 'message' ? [lineOf(event.message)] : []));
    assert.deepEqual(news, ['<one']);
    const states = alice.events.flatMap((event) =>
      event.kind.startsWith('message') && 'message' in event ? [event.message.state] : [],
    );
    assert.deepEqual(states, ['saved', 'sent', 'delivered']);
  });

  test('shows every message once and in order over a way that loses, doubles and reorders', () => {
    const { alice, bob, clock } = pair();
    const next = seededNumbers(5);
    const chance = (of: number) => () => next() % of === 0;
    const order = <T>(items: T[]): T[] =>
      items
        .map((item) => [next(), item] as const)
        .sort((a, b) => a[0] - b[0])
        .map(([, item]) => item);
    const weather = { order, lost: chance(3), doubled: chance(4) };
    for (let i = 0; i < 60; i++) {
      alice.chat.send(BOB, { text: `a${i}` });
      bob.chat.send(ALICE, { text: `b${i}` });
      if (i % 7 === 0) {
        carry(alice, bob, weather, 1);
        carry(bob, alice, weather, 1);
        void clock.advance(1_000);
      }
    }
    settle(alice, bob, weather);
    for (const [side, contact, letter] of [
      [alice, BOB, 'b'],
      [bob, ALICE, 'a'],
    ] as const) {
      const theirs = side.history(contact).filter(({ mine }) => !mine);
      assert.deepEqual(
        theirs.map(({ text }) => text),
        Array.from({ length: 60 }, (_, i) => `${letter}${i}`),
      );
      assert.ok(theirs.every(({ broken }) => !broken));
    }
  });

  test('marks what came before its sender was proven', () => {
    const { alice, bob } = pair();
    bob.proven = false;
    alice.chat.send(BOB, { text: 'who am I' });
    settle(alice, bob);
    bob.proven = true;
    alice.chat.send(BOB, { text: 'proven' });
    settle(alice, bob);
    assert.deepEqual(
      bob.history(ALICE).map(({ unproven }) => unproven),
      [true, false],
    );
  });

  test('refuses what cannot be sent, and changes nothing then', () => {
    const { alice } = pair();
    assert.equal(
      codeOf(() => alice.chat.send(BOB, { text: '' })),
      'MESSAGE_EMPTY',
    );
    assert.equal(
      codeOf(() => alice.chat.send(BOB, { text: 'ä'.repeat(6_001) })),
      'MESSAGE_TOO_LONG',
    );
    assert.equal(
      codeOf(() => alice.chat.send(BOB, { text: '\ud800' })),
      'MESSAGE_TOO_LONG',
    );
    assert.equal(
      codeOf(() => alice.chat.send(BOB, { text: 'x', replyTo: new Uint8Array(16) })),
      'MESSAGE_UNKNOWN',
    );
    const large = { name: 'a', type: 'b', bytes: new Uint8Array(204_801) };
    assert.equal(
      codeOf(() => alice.chat.send(BOB, { attachment: large })),
      'ATTACHMENT_TOO_LARGE',
    );
    assert.equal(
      codeOf(() => alice.chat.setTimer(BOB, -1)),
      'TIMER_WRONG',
    );
    assert.equal(
      codeOf(() => alice.chat.history(BOB, { limit: 0 })),
      'PAGE_WRONG',
    );
    assert.equal(
      codeOf(() => alice.chat.search(' ')),
      'QUERY_WRONG',
    );
    assert.deepEqual(alice.texts(BOB), []);
    assert.equal(alice.outbox.rows(BOB).length, 0);
    const { id } = alice.chat.send(BOB, { text: 'react to me' });
    for (const prose of ['yes, I think so too', '👍👍', 'ok', '\ud800', '👍'.repeat(17)]) {
      assert.equal(
        codeOf(() => alice.chat.react(id, prose)),
        'REACTION_TOO_LONG',
      );
    }
    for (const emoji of ['👍🏽', '👩‍👩‍👧‍👦', '🇦🇹', '']) alice.chat.react(id, emoji);
    assert.equal(alice.chat.send(BOB, { text: 'ä'.repeat(6_000) }).state, 'saved');
  });

  test('refuses malformed contents', () => {
    const { bob } = pair();
    assert.equal(receive(bob, ALICE, Uint8Array.of(1, 2, 3)), 'refused');
    assert.equal(receive(bob, ALICE, Uint8Array.of(0x21, 9)), 'refused');
    assert.deepEqual(bob.texts(ALICE), []);
  });

  test('keeps notes to oneself here', () => {
    const { alice } = pair();
    const note = alice.chat.send(ALICE, { text: 'remember' });
    alice.chat.edit(note.id, 'remember this');
    assert.equal(alice.last(ALICE).state, 'saved');
    assert.deepEqual(alice.texts(ALICE), ['>remember this']);
    assert.equal(alice.outbox.rows(ALICE).length, 0);
    assert.match(alice.chat.why(note.id).hint, /stay here/);
    alice.chat.delete(note.id);
    assert.deepEqual(alice.texts(ALICE), ['>[deleted]']);
  });
});

describe('changes', () => {
  test('edits, reactions and deletions arrive', () => {
    const { alice, bob } = pair();
    const one = alice.chat.send(BOB, { text: 'helo' });
    const two = alice.chat.send(BOB, { text: 'secret' });
    settle(alice, bob);
    alice.chat.edit(one.id, 'hello');
    bob.chat.react(one.id, '👍');
    alice.chat.react(one.id, '🎉');
    alice.chat.delete(two.id);
    settle(alice, bob);
    for (const [side, contact] of [
      [alice, BOB],
      [bob, ALICE],
    ] as const) {
      const [first, second] = side.history(contact);
      assert.equal(first?.text, 'hello');
      assert.ok(first?.editedAt !== null);
      assert.equal(first?.reactions.length, 2);
      assert.equal(second?.kind, 'deleted');
      assert.equal(second?.text, '');
    }
    bob.chat.react(one.id, '');
    settle(alice, bob);
    assert.deepEqual(alice.chat.get(one.id)?.reactions, [{ by: 'me', emoji: '🎉' }]);
  });

  test('come in any order, also before their target', () => {
    const { alice, bob } = pair();
    const one = alice.chat.send(BOB, { text: 'v1' });
    const two = alice.chat.send(BOB, { text: 'gone soon' });
    alice.chat.edit(one.id, 'v2');
    carry(alice, bob, { lost: () => true }, 1); // encrypted, so a deletion does not withdraw them
    alice.chat.edit(one.id, 'v3');
    alice.chat.delete(two.id);
    carry(alice, bob, { order: (items) => items.reverse() });
    settle(alice, bob);
    assert.deepEqual(bob.texts(ALICE), ['<v3', '<[deleted]']);
    assert.equal(bob.chat.unread(ALICE), 1);
  });

  test('only its author edits or deletes a message for both', () => {
    const { alice, bob } = pair();
    const one = alice.chat.send(BOB, { text: 'mine' });
    settle(alice, bob);
    assert.equal(
      codeOf(() => bob.chat.edit(one.id, 'yours')),
      'MESSAGE_NOT_YOURS',
    );
    assert.equal(
      codeOf(() => bob.chat.delete(one.id)),
      'MESSAGE_NOT_YOURS',
    );
    bob.chat.delete(one.id, { onlyHere: true });
    settle(alice, bob);
    assert.deepEqual(bob.texts(ALICE), []);
    assert.deepEqual(alice.texts(BOB), ['>mine']);
    assert.equal(
      codeOf(() => bob.chat.react(one.id, 'x')),
      'MESSAGE_UNKNOWN',
    );
  });

  test('of a message that was deleted before it was encrypted nothing is ever sent', () => {
    const { alice, bob } = pair();
    const one = alice.chat.send(BOB, { text: 'never mind' });
    alice.chat.send(BOB, { text: 'this one' });
    alice.chat.delete(one.id);
    const sent = alice.outbox.rows(BOB).map(({ value }) => Buffer.from(value).toString('latin1'));
    assert.ok(sent.every((content) => !content.includes('never mind')));
    settle(alice, bob);
    assert.deepEqual(bob.texts(ALICE), ['<[deleted]', '<this one']);
    assert.ok(bob.history(ALICE).every(({ broken }) => !broken));
  });

  test('of a deleted message nothing stays in the database, edits included', () => {
    const { alice, bob } = pair();
    const one = alice.chat.send(BOB, { text: 'first version' });
    alice.chat.edit(one.id, 'second version');
    settle(alice, bob);
    alice.chat.delete(one.id);
    settle(alice, bob);
    for (const side of [alice, bob]) {
      for (const { value } of side.database.table('message').page({ after: 0, limit: 100 })) {
        assert.doesNotMatch(Buffer.from(value).toString('latin1'), /version/);
      }
    }
  });
});

describe('disappearing messages', () => {
  test('go when their time is over: from reading on, and from delivery on', async () => {
    const { alice, bob, clock } = pair();
    alice.chat.setTimer(BOB, 60);
    settle(alice, bob);
    assert.equal(bob.chat.timer(ALICE), 60);
    const one = alice.chat.send(BOB, { text: 'short-lived' });
    alice.chat.edit(one.id, 'short-lived, edited');
    bob.chat.react(bob.chat.send(ALICE, { text: 'also mine' }).id, 'x');
    assert.equal(alice.chat.nextExpiry(), null);
    settle(alice, bob);
    assert.ok((alice.chat.nextExpiry() ?? 0) >= clock.now() + 60_000);
    await clock.advance(61_000);
    for (const side of [alice, bob]) side.chat.expire(clock.now());
    assert.deepEqual(alice.texts(BOB), ['>[timer]', '<also mine']);
    assert.deepEqual(bob.texts(ALICE), ['<[timer]', '<short-lived, edited']);
    bob.chat.markRead(ALICE);
    alice.chat.markRead(BOB);
    await clock.advance(61_000);
    for (const side of [alice, bob]) side.chat.expire(clock.now());
    assert.deepEqual(alice.texts(BOB), ['>[timer]']);
    assert.deepEqual(bob.texts(ALICE), ['<[timer]']);
    for (const side of [alice, bob]) {
      assert.equal(side.chat.nextExpiry(), null);
      for (const { value } of side.database.table('message').page({ after: 0, limit: 100 })) {
        assert.doesNotMatch(Buffer.from(value).toString('latin1'), /lived|also/);
      }
    }
    settle(alice, bob);
    alice.chat.send(BOB, { text: 'still in order' });
    settle(alice, bob);
    assert.deepEqual(bob.texts(ALICE), ['<[timer]', '<still in order']);
    assert.ok(bob.events.some((event) => event.kind === 'message-removed'));
  });
});

describe('the end of a friendship', () => {
  test('fails what has not arrived, and a new one begins a new chain', () => {
    const { alice, bob } = pair();
    alice.chat.send(BOB, { text: 'one' });
    settle(alice, bob);
    const late = alice.chat.send(BOB, { text: 'too late' });
    for (const { name } of alice.outbox.rows(BOB)) alice.outbox.drop(name);
    alice.chat.forget(BOB, { history: false });
    bob.chat.forget(ALICE, { history: true });
    assert.equal(alice.chat.get(late.id)?.state, 'failed');
    assert.equal(alice.chat.get(late.id)?.cause, 'ended');
    assert.deepEqual(bob.texts(ALICE), []);
    alice.chat.meet(BOB);
    bob.chat.meet(ALICE);
    alice.chat.send(BOB, { text: 'again' });
    bob.chat.send(ALICE, { text: 'welcome back' });
    settle(alice, bob);
    assert.deepEqual(bob.texts(ALICE), ['>welcome back', '<again']);
    assert.deepEqual(alice.texts(BOB), ['>one', '>too late', '>again', '<welcome back']);
    alice.chat.delete(late.id);
    assert.deepEqual(alice.texts(BOB)[1], '>[deleted]');
  });
});
