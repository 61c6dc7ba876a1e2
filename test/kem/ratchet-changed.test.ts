/** KR1 against who can change messages and has no keys: each byte of a message of each kind. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KithError } from '../../src/safety/errors.ts';
import { seededChance } from '../../src/testnet/seeded.ts';
import { opened, type Party, talked } from './ratchet-pair.ts';

interface Case {
  readonly to: Party;
  readonly message: Uint8Array;
}

/** The first message of a chain whose sender is in `mode`, to a receiver that has skipped keys. */
function stepIn(mode: string): Case {
  const { a, b } = opened(70);
  for (let i = 0; i < 40; i++) {
    const [from, to] = i % 2 === 0 ? [b, a] : [a, b];
    const message = from.send('under test');
    if (i > 8 && from.session.pq.mode === mode && to.skipped.size > 0) return { to, message };
    to.receive(from.send('read'));
  }
  throw new Error(`nobody sends in mode ${mode}`);
}

/** A message that was skipped, of a chain that is over. */
function skipped(): Case {
  const { a, b } = talked(72, 3);
  const message = a.send('under test');
  b.receive(a.send('read'));
  a.receive(b.send('answer'));
  b.receive(a.send('a step'));
  return { to: b, message };
}

const CASES: readonly [string, () => Case][] = [
  ['a proposal', () => stepIn('propose')],
  ['an answer', () => stepIn('answer')],
  ['the first of an epoch', () => stepIn('wait')],
  ['a skipped one', skipped],
];

for (const [name, make] of CASES) {
  test(`any byte of a message changed (${name}): a typed error, and nothing else`, () => {
    const { to, message } = make();
    const chance = seededChance(name.length);
    const before = to.saved;
    for (let at = 0; at < message.length; at++) {
      const changed = message.slice();
      changed[at] = (message[at] as number) ^ (1 + Math.floor(chance() * 255));
      assert.throws(() => to.receive(changed), KithError, `byte ${at}`);
      if (to.saved !== before) assert.fail(`byte ${at} changed the state`);
    }
    assert.equal(to.receive(message), 'under test');
  });
}

test('other lengths are refused', () => {
  const { a, b } = talked(73, 1);
  const message = a.send('x');
  const before = b.saved;
  for (const size of [0, 1, 91, 92, 107, 108, 4_063, 4_065, 8_128, 13_380, 16_256]) {
    const other = new Uint8Array(size);
    other.set(message.subarray(0, size));
    assert.throws(() => b.receive(other), KithError, `${size} bytes`);
  }
  assert.equal(b.saved, before);
});
