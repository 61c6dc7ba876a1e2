/** Faults at every statement and commit, on both sides: what `send` returned arrives once, in order, and nothing is stuck. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../manual-clock.ts';
import { ALICE, BOB, carry, settle, Side } from './pair.ts';

class Fault extends Error {}

/** Throws at the given step, once. */
function faulty() {
  const state = { steps: 0, at: -1 };
  const onStep = (): void => {
    state.steps += 1;
    if (state.steps === state.at) throw new Fault('fault');
  };
  return { state, onStep };
}

function survive<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof Fault) return null;
    throw error;
  }
}

test('a fault anywhere loses nothing that was saved and shows nothing twice', () => {
  const [left, right] = [faulty(), faulty()];
  const clock = new ManualClock();
  const alice = new Side(ALICE, { clock, onStep: left.onStep });
  const bob = new Side(BOB, { clock, onStep: right.onStep });
  const saved: string[] = [];
  let faults = 0;
  for (let i = 0; i < 120; i++) {
    for (const { state } of [left, right]) state.at = state.steps + 1 + ((i * 7) % 40);
    const before = [left, right].map(({ state }) => state.at);
    const sent = survive(() => alice.chat.send(BOB, { text: `${i}` }));
    // a fault after the commit: it is saved although send threw
    if (sent !== null || alice.texts(BOB).at(-1) === `>${i}`) saved.push(`${i}`);
    if (i % 5 === 0 && saved.length > 0)
      survive(() => alice.chat.edit(alice.last(BOB).id, alice.last(BOB).text));
    if (i % 3 === 0) survive(() => carry(alice, bob, {}, 1));
    if (i % 10 === 9) survive(() => bob.chat.markRead(ALICE));
    faults += [left, right].filter(({ state }, which) => state.steps >= (before[which] as number)).length;
  }
  for (const { state } of [left, right]) state.at = -1;
  settle(alice, bob);
  assert.ok(faults > 80, `${faults} faults`);
  assert.ok(saved.length > 60, `${saved.length} saved`);
  assert.deepEqual(
    bob.history(ALICE).map(({ text }) => text),
    saved,
  );
  assert.ok(bob.history(ALICE).every(({ broken, kind }) => !broken && kind === 'text'));
  assert.deepEqual(
    alice.history(BOB).map(({ text }) => text),
    saved,
  );
  assert.ok(alice.history(BOB).every(({ state }) => state === 'delivered' || state === 'read'));
  const unread = bob.history(ALICE).filter((message) => message.unread).length;
  assert.equal(bob.chat.unread(ALICE), unread);
});

test('what is kept in memory is right after a rollback', () => {
  const clock = new ManualClock();
  const alice = new Side(ALICE, { clock });
  alice.chat.send(BOB, { text: 'one' });
  const fail = () => {
    alice.chat.send(BOB, { text: 'two' });
    alice.chat.setTimer(BOB, 60);
    throw new Fault('undone');
  };
  assert.throws(() => alice.database.transaction(fail), Fault);
  assert.equal(alice.chat.timer(BOB), 0);
  alice.database.transaction(() => {
    assert.throws(() => alice.database.transaction(fail), Fault);
    alice.chat.send(BOB, { text: 'three' });
  });
  assert.deepEqual(alice.texts(BOB), ['>one', '>three']);
  const bob = new Side(BOB, { clock });
  settle(alice, bob);
  assert.deepEqual(bob.texts(ALICE), ['<one', '<three']);
  assert.ok(bob.history(ALICE).every(({ broken }) => !broken));
  assert.deepEqual(
    alice.events.flatMap((event) => (event.kind === 'message' ? [event.message.text] : [])),
    ['one', 'three'],
  );
});
