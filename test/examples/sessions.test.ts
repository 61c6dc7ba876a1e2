/** examples/sessions.ts works as it stands, and does what it says about refusals. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Person } from '../../examples/sessions.ts';

test('two people write to each other through somebody who only carries bytes', () => {
  const [alice, bob] = [new Person(), new Person()];
  alice.meet(bob.bundle);
  const hello = alice.write('hello');
  assert.equal(bob.read(hello), 'hello');
  assert.deepEqual([alice.contactIsProven, bob.contactIsProven], [false, false]);
  assert.equal(alice.read(bob.write('who is there?')), 'who is there?');
  const [first, second] = [alice.write('Alice'), alice.write('and it is proven')];
  assert.equal(bob.read(second), 'and it is proven');
  assert.equal(bob.read(first), 'Alice');
  assert.deepEqual([alice.contactIsProven, bob.contactIsProven], [true, true]);
  for (const repeated of [hello, first, second]) assert.throws(() => bob.read(repeated), /ALREADY|used/);
});

test('a stranger reads nothing of it', () => {
  const [alice, bob, carol] = [new Person(), new Person(), new Person()];
  alice.meet(bob.bundle);
  assert.throws(() => carol.read(alice.write('hello')), /refused/);
  const forged = bob.bundle.slice();
  forged[3] = (forged[3] as number) ^ 1;
  assert.throws(() => carol.meet(forged), /signature/);
});

test('both meet at once, and end on one session that is proven on both sides', () => {
  const [alice, bob] = [new Person(), new Person()];
  alice.meet(bob.bundle);
  bob.meet(alice.bundle);
  const [hello, hi] = [alice.write('hello'), bob.write('hi')];
  assert.deepEqual([alice.read(hi), bob.read(hello)], ['hi', 'hello']);
  for (let round = 0; round < 12; round++) {
    for (const reply of alice.replies()) assert.equal(bob.read(reply), '');
    for (const reply of bob.replies()) assert.equal(alice.read(reply), '');
  }
  assert.deepEqual([...alice.replies(), ...bob.replies()], [], 'and they come to rest');
  assert.deepEqual([alice.contactIsProven, bob.contactIsProven], [true, true]);
  const live = [alice, bob].map(({ sessions }) => sessions.live?.session.transcript);
  assert.deepEqual(live[0], live[1]);
});

test("a stranger does not get into a contact's place", () => {
  const [alice, bob, carol] = [new Person(), new Person(), new Person()];
  alice.meet(bob.bundle);
  bob.read(alice.write('hello'));
  carol.meet(bob.bundle);
  assert.throws(() => bob.read(carol.write('I am Alice')), { code: 'WRONG_CONTACT' });
  assert.equal(alice.read(bob.write('still you')), 'still you');
});
