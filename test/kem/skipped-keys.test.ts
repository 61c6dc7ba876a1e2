/** The skipped keys of one session in memory: what changes is applied in order, and what goes is wiped. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SkippedChanges, SkippedKeyMap, type SkippedKeyRow } from '../../src/kem/skipped-keys.ts';

const NOTHING: SkippedChanges = { droppedChains: [], droppedBelow: null, used: null, added: [] };
const row = (chain: number, n: number, expiresAt = 1_000): SkippedKeyRow => ({
  chain,
  n,
  key: new Uint8Array(32).fill(16 * chain + n),
  expiresAt,
});
const places = (map: SkippedKeyMap): string =>
  [...map.rows()].map(({ chain, n }) => `${chain}.${n}`).join(' ');

function filled(): { map: SkippedKeyMap; rows: SkippedKeyRow[] } {
  const rows = [row(1, 0), row(1, 1), row(1, 5), row(2, 0), row(2, 3, 2_000)];
  const map = new SkippedKeyMap();
  map.apply({ ...NOTHING, added: rows });
  return { map, rows };
}

test('keys are found by chain and number, and nowhere else', () => {
  const { map, rows } = filled();
  assert.equal(map.size, 5);
  for (const { chain, n, key, expiresAt } of rows) assert.deepEqual(map.get(chain, n), { key, expiresAt });
  for (const [chain, n] of [
    [0, 0],
    [1, 2],
    [2, 1],
    [3, 0],
  ] as const) {
    assert.equal(map.get(chain, n), null);
  }
});

test('each change takes what it names and wipes it', () => {
  for (const [changes, left, gone] of [
    [{ used: { chain: 1, n: 1 } }, '1.0 1.5 2.0 2.3', [1]],
    [{ used: { chain: 7, n: 1 } }, '1.0 1.1 1.5 2.0 2.3', []],
    [{ droppedBelow: { chain: 1, n: 5 } }, '1.5 2.0 2.3', [0, 1]],
    [{ droppedBelow: { chain: 3, n: 5 } }, '1.0 1.1 1.5 2.0 2.3', []],
    [{ droppedChains: [1] }, '2.0 2.3', [0, 1, 2]],
    [{ droppedChains: [2, 1] }, '', [0, 1, 2, 3, 4]],
    [{ droppedBelow: { chain: 1, n: 1 }, used: { chain: 2, n: 3 } }, '1.1 1.5 2.0', [0, 4]],
  ] as const) {
    const { map, rows } = filled();
    map.apply({ ...NOTHING, ...changes });
    assert.equal(places(map), left);
    for (const [i, { key }] of rows.entries()) {
      const wiped = key.every((byte) => byte === 0);
      assert.equal(wiped, gone.some((at) => at === i) && i !== -1, `${i}`);
    }
  }
});

test('what a change adds outlives what it drops', () => {
  const { map } = filled();
  map.apply({ ...NOTHING, droppedChains: [1], added: [row(1, 9)] });
  assert.equal(places(map), '2.0 2.3 1.9');
});

test('what has expired goes when it is asked to', () => {
  const { map } = filled();
  map.dropExpired(999);
  assert.equal(map.size, 5);
  map.dropExpired(1_000);
  assert.equal(places(map), '2.3');
  map.dropExpired(2_000);
  assert.equal(map.size, 0);
});
