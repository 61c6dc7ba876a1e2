import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { type Distance, SlotIndex } from '../../src/dht/slot-index.ts';

const NOW_S = 1_700_000_000;
const at = (n: number): Distance => String.fromCharCode(n);

/** How many slots were looked at. */
function looks(index: SlotIndex, nowS: number): number {
  const live = mock.method(index, 'live');
  index.expired(nowS * 1000);
  live.mock.restore();
  return live.mock.callCount();
}

test('a slot that was renewed before it expired makes the index look once, not each time', () => {
  const index = new SlotIndex();
  for (let n = 0; n < 50; n++) index.set(at(n), { seq: 0, expiry: NOW_S + 1_000 });
  index.set(at(7), { seq: 1, expiry: NOW_S + 2 });
  index.set(at(7), { seq: 2, expiry: NOW_S + 1_000 });
  assert.deepEqual([looks(index, NOW_S), looks(index, NOW_S + 3), looks(index, NOW_S + 4)], [0, 50, 0]);
  assert.equal(index.expired((NOW_S + 1_000) * 1000).length, 50);
});

test('the same for one that was deleted', () => {
  const index = new SlotIndex();
  for (let n = 0; n < 50; n++) index.set(at(n), { seq: 0, expiry: NOW_S + 1_000 + n });
  index.set(at(99), { seq: 0, expiry: NOW_S + 2 });
  index.delete(at(99));
  assert.deepEqual([looks(index, NOW_S + 3), looks(index, NOW_S + 4)], [50, 0]);
  assert.deepEqual(index.expired((NOW_S + 1_001) * 1000), [at(0), at(1)]);
});
