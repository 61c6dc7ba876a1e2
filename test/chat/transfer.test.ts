/** Export and import of histories. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../manual-clock.ts';
import { ALICE, BOB, pair, settle, Side } from './pair.ts';

function talk() {
  const { alice, bob, clock } = pair();
  const one = alice.chat.send(BOB, { text: 'helo' });
  settle(alice, bob);
  bob.chat.send(ALICE, { text: 'hi', replyTo: one.id });
  bob.chat.react(one.id, '👍');
  alice.chat.edit(one.id, 'hello');
  alice.chat.send(BOB, {
    text: 'a file',
    attachment: { name: 'x', type: 'y', bytes: new Uint8Array(20_000).fill(4) },
  });
  alice.chat.send(ALICE, { text: 'a note' });
  settle(alice, bob);
  bob.chat.markRead(ALICE);
  alice.chat.markRead(BOB);
  settle(alice, bob);
  return { alice, bob, clock };
}

const shown = (side: Side, contact: Uint8Array) =>
  side.history(contact).map(({ id, mine, text, at, state, replyTo, reactions, editedAt }) => ({
    id,
    mine,
    text,
    at,
    state,
    replyTo,
    reactions,
    editedAt,
  }));

test('an imported history is as it was, and is not imported twice', () => {
  const { alice } = talk();
  const lines = [...alice.chat.export()];
  const fresh = new Side(ALICE, { clock: new ManualClock() });
  assert.equal(fresh.chat.import(lines), 4);
  assert.deepEqual(shown(fresh, BOB), shown(alice, BOB));
  assert.deepEqual(
    shown(fresh, ALICE).map(({ text }) => text),
    ['a note'],
  );
  const file = fresh.history(BOB).find(({ kind }) => kind === 'attachment');
  assert.equal(fresh.chat.attachment(file?.id as Uint8Array).bytes.length, 20_000);
  assert.equal(fresh.chat.unread(BOB), 0);
  assert.equal(fresh.chat.import(lines), 0);
  assert.equal(alice.chat.import(lines), 0);
  assert.deepEqual([...fresh.chat.export()], lines);
  assert.equal(fresh.chat.search('hello').length, 1);
  assert.equal([...alice.chat.export(BOB)].length, 4);
});

test('a bad line says which, and nothing is imported', () => {
  const { alice } = talk();
  const lines = [...alice.chat.export()];
  const message = JSON.parse(lines[1] as string) as Record<string, unknown>;
  const bad: readonly (readonly [unknown, RegExp])[] = [
    ['{', /no JSON/],
    [{ ...message, kind: 'x' }, /kind/],
    [{ ...message, contact: 'ab' }, /contact/],
    [{ ...message, id: '0'.repeat(32) }, /zero/],
    [{ ...message, at: 'yesterday' }, /no time/],
    [{ ...message, mine: 1 }, /mine/],
    [{ ...message, text: 'x'.repeat(12_001) }, /too long/],
    [{ ...message, text: '' }, /nothing in it/],
    [{ ...message, reactions: [] }, /reactions/],
    [{ ...message, attachment: { name: 'a', type: 'b', data: '*' } }, /base64/],
    [{ ...message, replyTo: { mine: true } }, /replyTo/],
    [{ kind: 'message' }, /no field/],
  ];
  for (const [line, what] of bad) {
    const fresh = new Side(ALICE, { clock: new ManualClock() });
    const text = typeof line === 'string' ? line : JSON.stringify(line);
    assert.throws(
      () => fresh.chat.import([...lines.slice(0, 3), text]),
      (error: Error & { code?: string; data?: { line?: number } }) =>
        error.code === 'IMPORT_BAD_LINE' && error.data?.line === 4 && what.test(error.message),
      String(what),
    );
    assert.deepEqual(fresh.texts(BOB), []);
  }
  const fresh = new Side(ALICE, { clock: new ManualClock() });
  assert.throws(() => fresh.chat.import([]), { code: 'IMPORT_BAD_LINE' });
  assert.throws(() => fresh.chat.import(['{"kind":"kith-history","version":2}']), {
    code: 'IMPORT_BAD_LINE',
  });
});

test('what disappears is not exported', () => {
  const { alice } = pair();
  alice.chat.setTimer(BOB, 60);
  alice.chat.send(BOB, { text: 'short-lived' });
  assert.equal([...alice.chat.export()].length, 1);
});

test('an imported history is nothing to ask for or to send again', () => {
  const { alice, bob } = talk();
  const lines = [...alice.chat.export()];
  const fresh = new Side(ALICE, { clock: new ManualClock() });
  fresh.chat.import(lines);
  const again = fresh.restored();
  again.chat.meet(BOB);
  bob.chat.forget(ALICE, { history: true });
  bob.chat.meet(ALICE);
  settle(again, bob);
  assert.deepEqual(bob.texts(ALICE), []);
  assert.equal(again.history(BOB).length, 3);
});
