import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoundedMap } from '../../src/gossip/bounded-map.ts';

test('a bounded map lets go of what was longest not asked for', () => {
  const map = new BoundedMap<number>(2);
  const made: string[] = [];
  const of = (key: string): number => map.of(key, () => made.push(key));
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) of(key);
  assert.deepEqual(made, ['a', 'b', 'c', 'b']);
  assert.equal(map.size, 2);
});
