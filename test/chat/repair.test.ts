/** Gaps, and histories that were set back by a restore. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ASK_AFTER_MS, LATER_MS, MAX_GAPS, MAX_PLACES } from '../../src/chat/limits.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { copyOf } from '../../src/safety/bytes.ts';
import {
  type ChatContent,
  decodeChatContent,
  encodeChatContent,
  linkHash,
} from '../../src/wire/chat-content.ts';
import { ALICE, BOB, carry, pair, receive, settle, type Side } from './pair.ts';

/** Lets `from` forget that it had these for `to`: as a way that lost them for good. */
function lose(from: Side, to: Side): void {
  from.database.transaction(() => {
    for (const { name } of from.outbox.rows(to.self)) from.outbox.drop(name);
  });
}

function say(from: Side, to: Side, ...texts: string[]): void {
  for (const text of texts) from.chat.send(to.self, { text });
}

/** Until nothing is asked for any more. */
async function repair(a: Side, b: Side): Promise<void> {
  for (let i = 0; i < 5; i++) {
    settle(a, b);
    await a.clock.advance(ASK_AFTER_MS + 1_000);
    for (const side of [a, b]) side.chat.expire(side.clock.now());
  }
  settle(a, b);
}

describe('a gap', () => {
  test('is shown, asked for and filled where it belongs', async () => {
    const { alice, bob, clock } = pair();
    say(alice, bob, 'one');
    settle(alice, bob);
    say(alice, bob, 'two', 'three');
    lose(alice, bob);
    say(alice, bob, 'four');
    settle(alice, bob);
    assert.deepEqual(bob.texts(ALICE), ['<one', '<(2 missing)', '<four']);
    assert.equal(bob.chat.history(ALICE, { limit: 1 })[0]?.text, 'four');
    await repair(alice, bob);
    assert.deepEqual(bob.texts(ALICE), ['<one', '<two', '<three', '<four']);
    assert.ok(bob.history(ALICE).every(({ broken }) => !broken));
    assert.equal(bob.chat.unread(ALICE), 4);
    bob.chat.markRead(ALICE);
    assert.equal(bob.chat.unread(ALICE), 0);
    await clock.advance(3_600_000);
    bob.chat.expire(clock.now());
    assert.equal(bob.chat.nextExpiry(), null);
    assert.equal(bob.outbox.rows(ALICE).length, 1, 'the receipt, and nothing asked for');
  });

  test('is not asked for while it may simply be late', async () => {
    const { alice, bob, clock } = pair();
    say(alice, bob, 'one', 'two');
    carry(alice, bob, { order: (items) => items.reverse() }, 1);
    await clock.advance(60_000);
    bob.chat.expire(clock.now());
    assert.equal(bob.outbox.rows(ALICE).length, 0);
    assert.deepEqual(bob.texts(ALICE), ['<one', '<two']);
  });

  test('stays for good where its sender has nothing left of it', async () => {
    const { alice, bob } = pair();
    const lost = alice.chat.send(BOB, { text: 'lost' });
    lose(alice, bob);
    say(alice, bob, 'kept');
    alice.chat.delete(lost.id, { onlyHere: true });
    await repair(alice, bob);
    assert.deepEqual(bob.texts(ALICE), ['<(1 missing for good)', '<kept']);
    assert.ok(bob.history(ALICE).every(({ broken }) => !broken));
    assert.match(bob.chat.why(bob.history(ALICE)[0]?.id as Uint8Array).hint, /lost/);
  });

  test('of very many messages has one place for the oldest, and each is still shown once', () => {
    const { alice, bob } = pair();
    alice.chat.send(BOB, { text: 'first' });
    const bytes = copyOf(alice.outbox.rows(BOB)[0]?.value as Uint8Array, 1);
    const content = decodeChatContent(bytes);
    const numbered = (number: number) =>
      encodeChatContent({
        ...content,
        id: new Uint8Array(16).fill((number % 251) + 1),
        number,
        text: `${number}`,
      } as ChatContent);
    assert.equal(receive(bob, ALICE, numbered(MAX_PLACES + 3)), 'kept');
    assert.deepEqual(bob.texts(ALICE), [`<(${MAX_PLACES + 3} missing)`, `<${MAX_PLACES + 3}`]);
    for (const number of [1, 3, 1, 0, 0]) assert.equal(receive(bob, ALICE, numbered(number)), 'kept');
    const left = MAX_PLACES + 3 - 3;
    assert.deepEqual(bob.texts(ALICE), [
      '<(1 missing)',
      '<3',
      `<(${left - 1} missing)`,
      `<${MAX_PLACES + 3}`,
      '<1',
      '<0',
    ]);
    assert.equal(receive(bob, ALICE, numbered(2)), 'kept');
    assert.deepEqual(bob.texts(ALICE).slice(0, 2), ['<3', `<(${left - 1} missing)`]);
  });

  test('of which there are too many holds nothing up: all are filled, and nothing that has gone comes back', async () => {
    const { alice, bob, clock } = pair();
    const numbers = Array.from({ length: 2 * MAX_GAPS + 21 }, (_, i) => i);
    alice.database.transaction(() => {
      for (const i of numbers) {
        if (i === 4 || i === 5) alice.chat.setTimer(BOB, i === 4 ? 1 : 0);
        say(alice, bob, `${i}`);
      }
    });
    // every second one does not come; '4', between the first of these, comes and disappears
    alice.database.transaction(() => {
      for (const { name, value } of alice.outbox.rows(BOB)) {
        const content = decodeChatContent(copyOf(value, 1));
        if (content.kind === 'text' && Number(content.text) % 2 === 1) alice.outbox.drop(name);
      }
    });
    settle(alice, bob);
    assert.equal(bob.last(ALICE).text, `${numbers.length - 1}`);
    bob.chat.markRead(ALICE);
    await clock.advance(2_000);
    bob.chat.expire(clock.now());
    for (let i = 0; i < 3; i++) await repair(bob, alice);
    assert.deepEqual(
      bob.texts(ALICE).filter((line) => line !== '<[timer]'),
      numbers.filter((i) => i !== 4).map((i) => `<${i}`),
    );
    assert.ok(bob.history(ALICE).every(({ broken }) => !broken));
  });

  test('a message that does not follow from the one before is marked, whichever came first', () => {
    for (const late of [false, true]) {
      const { alice, bob } = pair();
      say(alice, bob, 'one', 'two');
      const [first, second] = alice.outbox.rows(BOB).map(({ value }) => copyOf(value, 1)) as [
        Uint8Array,
        Uint8Array,
      ];
      const changed = encodeChatContent({ ...decodeChatContent(first), text: 'other' } as ChatContent);
      for (const content of late ? [second, changed] : [changed, second]) receive(bob, ALICE, content);
      assert.deepEqual(
        bob.history(ALICE).map(({ text, broken }) => [text, broken]),
        [
          ['other', false],
          ['two', true],
        ],
      );
    }
  });

  test('a message far ahead is refused, and one id under two numbers shown once', () => {
    const { alice, bob } = pair();
    const one = alice.chat.send(BOB, { text: 'one' });
    const content = decodeChatContent(copyOf(alice.outbox.rows(BOB)[0]?.value as Uint8Array, 1));
    const bytes = encodeChatContent(content);
    assert.equal(receive(bob, ALICE, encodeChatContent({ ...content, number: 2_000_000 })), 'refused');
    assert.equal(receive(bob, ALICE, bytes), 'kept');
    const again = encodeChatContent({ ...content, number: 1, prev: linkHash(nodeProvider, bytes) });
    assert.equal(receive(bob, ALICE, again), 'kept');
    assert.equal(receive(bob, ALICE, bytes), 'kept');
    // the same id in a gap: nothing is missing there any more
    const third = encodeChatContent({ ...content, number: 3, id: new Uint8Array(16).fill(8) });
    assert.equal(receive(bob, ALICE, third), 'kept');
    assert.equal(bob.texts(ALICE)[1], '<(1 missing)');
    assert.equal(receive(bob, ALICE, encodeChatContent({ ...content, number: 2 })), 'kept');
    assert.deepEqual(bob.texts(ALICE), ['<one', '<one']);
    assert.deepEqual(bob.history(ALICE)[0]?.id, one.id);
  });
});

describe('a restore', () => {
  test('of the recipient: what it lacks is sent again, and shown once', async () => {
    const { alice, bob } = pair();
    say(alice, bob, 'a1', 'a2');
    settle(alice, bob);
    const backup = bob.backup();
    say(alice, bob, 'a3', 'a4');
    say(bob, alice, 'b1', 'b2');
    alice.chat.react(alice.last(BOB).id, '!');
    bob.chat.edit(bob.last(ALICE).id, 'b2 edited');
    settle(alice, bob);
    const again = bob.restored(backup);
    assert.deepEqual(again.texts(ALICE), ['<a1', '<a2']);
    again.chat.meet(ALICE);
    say(again, alice, 'b3');
    await repair(alice, again);
    // nothing new to say at the next start
    again.chat.meet(ALICE);
    assert.equal(again.outbox.rows(ALICE).length, 0);
    const [mine, theirs] = [
      again.history(ALICE).filter(({ mine }) => mine),
      again.history(ALICE).filter(({ mine }) => !mine),
    ];
    assert.deepEqual(
      theirs.map(({ text }) => text),
      ['a1', 'a2', 'a3', 'a4'],
    );
    assert.deepEqual(
      mine.map(({ text, restored }) => [text, restored]).toSorted(([a], [b]) => `${a}`.localeCompare(`${b}`)),
      [
        ['b1', true],
        ['b2 edited', true],
        ['b3', false],
      ],
    );
    assert.deepEqual(
      alice.texts(BOB).filter((text) => text.startsWith('<')),
      ['<b1', '<b2 edited', '<b3'],
    );
    assert.equal(alice.history(BOB).length, 7);
    assert.ok([...alice.history(BOB), ...again.history(ALICE)].every(({ broken }) => !broken));
  });

  test('of the sender: it gets back what it wrote, and nothing is shown twice at the other side', async () => {
    const { alice, bob } = pair();
    say(alice, bob, 'a1');
    settle(alice, bob);
    say(alice, bob, 'a2');
    const backup = alice.backup(); // a2 waits in it
    settle(alice, bob);
    say(alice, bob, 'a3', 'a4');
    settle(alice, bob);
    bob.chat.markRead(ALICE);
    const again = alice.restored(backup);
    again.chat.meet(BOB);
    say(again, bob, 'a5');
    await repair(again, bob);
    assert.deepEqual(bob.texts(ALICE), ['<a1', '<a2', '<a3', '<a4', '<a5']);
    assert.deepEqual(again.texts(BOB).toSorted(), ['>a1', '>a2', '>a3', '>a4', '>a5']);
    const a3 = again.history(BOB).find(({ text }) => text === 'a3');
    assert.equal(a3?.restored, true);
    assert.equal(a3?.state, 'read');
    assert.ok([...bob.history(ALICE), ...again.history(BOB)].every(({ broken }) => !broken));
  });

  test('of both: what neither holds is a gap, and nothing is stuck', async () => {
    const { alice, bob } = pair();
    say(alice, bob, 'a1');
    settle(alice, bob);
    const backup = alice.backup();
    say(alice, bob, 'a2', 'a3');
    lose(alice, bob);
    say(alice, bob, 'a4');
    settle(alice, bob);
    const again = alice.restored(backup);
    again.chat.meet(BOB);
    await repair(again, bob);
    say(again, bob, 'a5');
    await repair(again, bob);
    assert.deepEqual(bob.texts(ALICE), ['<a1', '<(2 missing for good)', '<a4', '<a5']);
    assert.deepEqual(again.texts(BOB), ['>a1', '>(2 missing for good)', '>a4', '>a5']);
  });

  test('brings back what was changed since, also of messages from before it', async () => {
    const { alice, bob, clock } = pair();
    say(alice, bob, 'a1', 'a2', 'a3');
    say(bob, alice, 'b1');
    settle(alice, bob);
    const backup = alice.backup();
    await clock.advance(1_000);
    const [one, two] = alice.history(BOB);
    alice.chat.edit(one?.id as Uint8Array, 'a1 edited');
    alice.chat.delete(two?.id as Uint8Array);
    alice.chat.react(alice.last(BOB).id, '!');
    alice.chat.setTimer(BOB, 60);
    settle(alice, bob);
    const again = alice.restored(backup);
    again.chat.meet(BOB);
    await repair(again, bob);
    assert.deepEqual(again.texts(BOB), ['>a1 edited', '>[deleted]', '>a3', '<b1', '>[timer]']);
    assert.deepEqual(again.history(BOB)[3]?.reactions, [{ by: 'me', emoji: '!' }]);
    assert.equal(again.chat.timer(BOB), 60);
  });

  test('a second one of the same backup brings back what was written after the first', async () => {
    const { alice, bob } = pair();
    say(alice, bob, 'a1');
    settle(alice, bob);
    const backup = alice.backup();
    const first = alice.restored(backup);
    first.chat.meet(BOB);
    say(first, bob, 'a2', 'a3');
    settle(first, bob);
    const second = alice.restored(backup);
    second.chat.meet(BOB);
    say(second, bob, 'a4');
    await repair(second, bob);
    assert.deepEqual(second.texts(BOB).toSorted(), ['>a1', '>a2', '>a3', '>a4']);
    assert.deepEqual(bob.texts(ALICE), ['<a1', '<a2', '<a3', '<a4']);
  });

  test('however many of what it lost were deleted since, the rest comes back', () => {
    const { alice, bob } = pair();
    say(alice, bob, 'a');
    settle(alice, bob);
    const backup = alice.backup();
    const sent = Array.from({ length: 140 }, (_, i) => alice.chat.send(BOB, { text: `${i}` }));
    settle(alice, bob);
    for (const [i, { id }] of sent.entries()) if (i % 2 === 0) bob.chat.delete(id, { onlyHere: true });
    const again = alice.restored(backup);
    again.chat.meet(BOB);
    settle(again, bob);
    const texts = again.history(BOB).flatMap(({ kind, text }) => (kind === 'text' ? [text] : []));
    assert.deepEqual(texts, ['a', ...sent.flatMap(({ text }, i) => (i % 2 === 1 ? [text] : []))]);
    say(bob, again, 'and delivery goes on');
    settle(again, bob);
    assert.equal(again.last(BOB).text, 'and delivery goes on');
  });

  test('brings attachments back on both sides', async () => {
    const { alice, bob } = pair();
    say(alice, bob, 'before');
    settle(alice, bob);
    const backups = [alice.backup(), bob.backup()] as const;
    const bytes = new Uint8Array(40_000).map((_, i) => i % 251);
    const sent = alice.chat.send(BOB, {
      attachment: { name: 'a.bin', type: 'application/octet-stream', bytes },
    });
    settle(alice, bob);
    for (const which of [0, 1] as const) {
      const again = (which === 0 ? alice : bob).restored(backups[which]);
      const other = which === 0 ? bob : alice;
      again.chat.meet(other.self);
      settle(again, other, { order: (items) => items.reverse() });
      assert.deepEqual(again.chat.attachment(sent.id).bytes, bytes);
    }
  });

  test('a whole history is sent again in batches', async () => {
    const { alice, bob } = pair();
    say(alice, bob, 'first');
    settle(alice, bob);
    const backup = bob.backup();
    for (let i = 0; i < 150; i++) say(alice, bob, `${i}`);
    settle(alice, bob);
    const again = bob.restored(backup);
    again.chat.meet(ALICE);
    carry(again, alice);
    assert.ok(alice.outbox.rows(BOB).length <= 64);
    settle(alice, again);
    assert.deepEqual(
      again
        .history(ALICE)
        .map(({ text }) => text)
        .slice(-3),
      ['147', '148', '149'],
    );
    assert.equal(again.chat.unread(ALICE), 151);
  });

  test('what cannot be sent again now is sent later, or at the next start, and delivery goes on', async () => {
    for (const how of ['later', 'next start']) {
      const { alice, bob, clock } = pair();
      say(alice, bob, 'first');
      settle(alice, bob);
      const backup = bob.backup();
      for (let i = 0; i < 70; i++) say(alice, bob, `${i}`);
      settle(alice, bob);
      const again = bob.restored(backup);
      again.chat.meet(ALICE);
      carry(again, alice);
      alice.outbox.full = true;
      carry(alice, again);
      assert.equal(again.history(ALICE).length, 65, 'the first batch');
      alice.outbox.full = false;
      if (how === 'next start') alice.chat.meet(BOB);
      else {
        await clock.advance(LATER_MS + 1_000);
        alice.chat.expire(clock.now());
      }
      settle(alice, again);
      assert.equal(again.history(ALICE).length, 71);
    }
  });
});
