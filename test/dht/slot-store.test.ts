import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DhtError, type DhtErrorCode } from '../../src/dht/errors.ts';
import { SLOT_STORE_LIMITS, type SlotStoreLimits } from '../../src/dht/limits.ts';
import { SlotStore } from '../../src/dht/slot-store.ts';
import type { Provider } from '../../src/safety/crypto/provider.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import {
  bytesOf,
  DAY_S,
  flipped,
  made,
  rowsIn,
  START_S,
  startedClock,
  trusting,
  unsigned,
} from './made-slots.ts';

const ownId = bytesOf('own id');

function opened(options: { provider?: Provider; limits?: Partial<SlotStoreLimits> } = {}) {
  const clock = startedClock();
  const rows = rowsIn();
  const { provider = nodeProvider } = options;
  const limits = { ...SLOT_STORE_LIMITS, ...options.limits };
  return { clock, rows, store: SlotStore.open({ rows, clock, ownId, provider, limits }) };
}

const is = (code: DhtErrorCode) => (error: unknown) => error instanceof DhtError && error.code === code;

test('a slot that was put is had, and putting it again succeeds', () => {
  const { store } = opened();
  const { key, bytes } = made('alice', { size: 4_096 });
  assert.equal(store.get(key), null);
  assert.equal(store.offer(key, bytes, 'peer'), 'stored');
  assert.equal(store.offer(key, bytes, 'peer'), 'had');
  assert.deepEqual(store.get(key), bytes);
  assert.deepEqual([...store.slots()], [{ key, bytes }]);
});

test('an older slot never replaces a newer one, a newer replaces an older', () => {
  const { store } = opened();
  const [older, newer] = [made('alice', { seq: 8 }), made('alice', { seq: 9 })];
  assert.equal(store.offer(newer.key, newer.bytes, 'peer'), 'stored');
  assert.throws(() => store.offer(older.key, older.bytes, 'other'), is('SLOT_OLDER'));
  assert.deepEqual(store.get(newer.key), newer.bytes);
  const newest = made('alice', { seq: 10, size: 4_096 });
  assert.equal(store.offer(newest.key, newest.bytes, 'other'), 'stored');
  assert.deepEqual(store.get(newest.key), newest.bytes);
  assert.equal(store.stats().slots, 1);
});

test('of two slots with the same seq the first stays, and both are kept as evidence', () => {
  const { store } = opened();
  const [first, second, third] = [
    made('alice'),
    made('alice', { fill: 1, size: 4_096 }),
    made('alice', { fill: 2 }),
  ];
  store.offer(first.key, first.bytes, 'peer');
  const forged = flipped(second, 100);
  assert.throws(() => store.offer(first.key, forged.bytes, 'peer'), is('SLOT_SIGNATURE'));
  assert.deepEqual(store.conflicts(), [], 'a forged slot proves nothing');
  assert.throws(() => store.offer(first.key, second.bytes, 'peer'), is('SLOT_CONFLICT'));
  assert.throws(() => store.offer(first.key, third.bytes, 'peer'), is('SLOT_CONFLICT'));
  assert.deepEqual(store.get(first.key), first.bytes);
  const evidence = { key: first.key, first: first.bytes, second: second.bytes };
  assert.deepEqual(store.conflicts(), [evidence]);
  const newer = made('alice', { seq: 2 });
  store.offer(newer.key, newer.bytes, 'peer');
  assert.deepEqual(store.conflicts(), [evidence], 'a later slot does not wipe it');
});

test('evidence is bounded, and goes when it expires', async () => {
  const { clock, rows, store } = opened({ limits: { conflicts: 3 } });
  for (let i = 0; i < 10; i++) {
    const [first, second] = [made(`signer ${i}`), made(`signer ${i}`, { fill: 1 })];
    store.offer(first.key, first.bytes, null);
    assert.throws(() => store.offer(second.key, second.bytes, 'peer'), is('SLOT_CONFLICT'));
  }
  assert.equal(store.stats().conflicts, 3);
  assert.deepEqual(
    store.conflicts().map(({ key }) => key),
    [7, 8, 9].map((i) => made(`signer ${i}`).key),
  );
  assert.equal(rows.size().rows, 13);
  await clock.advance(DAY_S * 1000);
  store.sweep();
  assert.deepEqual(store.conflicts(), []);
  assert.equal(rows.size().rows, 0);
});

test('an expired slot is neither returned nor handed on, and is gone after a sweep', async () => {
  const { clock, rows, store } = opened();
  const [short, long] = [made('short', { expiry: START_S + 10 }), made('long')];
  for (const { key, bytes } of [short, long]) store.offer(key, bytes, 'peer');
  await clock.advance(10_000);
  assert.equal(store.get(short.key), null);
  assert.deepEqual(
    [...store.slots()].map(({ key }) => key),
    [long.key],
  );
  assert.throws(() => store.offer(short.key, short.bytes, 'peer'), is('SLOT_EXPIRED'));
  store.sweep();
  assert.equal(store.stats().slots, 1);
  assert.equal(rows.size().rows, 1);
  const again = made('short', { seq: 0 });
  assert.equal(store.offer(again.key, again.bytes, 'peer'), 'stored', 'what is forgotten may come again');
});

test('a clock that goes back brings nothing back and loses nothing', async () => {
  const { clock, store } = opened();
  const [short, long] = [
    made('short', { expiry: START_S + 10 }),
    made('long', { expiry: START_S + 15 * DAY_S }),
  ];
  for (const { key, bytes } of [short, long]) store.offer(key, bytes, 'peer');
  await clock.advance(10_000);
  store.sweep();
  clock.setWall((START_S - 100 * DAY_S) * 1000);
  store.sweep();
  assert.equal(store.get(short.key), null);
  assert.deepEqual(store.get(long.key), long.bytes);
  assert.throws(() => store.offer(short.key, short.bytes, 'peer'), is('SLOT_TOO_FAR'));
});

test('signatures are checked last: nothing that is refused anyway costs one', () => {
  const provider = trusting();
  const { store } = opened({ provider, limits: { slots: 1 } });
  const near = unsigned('near', { seq: 5 });
  store.offer(near.key, near.bytes, 'peer');
  assert.equal(provider.checked, 1);
  const names = Array.from({ length: 50 }, (_, i) => `far ${i}`);
  for (const name of names) {
    const { key, bytes } = unsigned(name);
    try {
      store.offer(key, bytes, null);
    } catch (error) {
      assert.ok(is('STORE_FULL')(error));
    }
  }
  const checked = provider.checked;
  assert.ok(checked < 10, `${checked} of 50 were closer than all before`);
  const expired = unsigned('expired', { expiry: START_S });
  const far = unsigned('far', { expiry: START_S + 16 * DAY_S });
  for (const { key, bytes } of [expired, far]) assert.throws(() => store.offer(key, bytes, 'peer'), DhtError);
  assert.throws(() => store.offer(near.key, far.bytes, 'peer'), is('SLOT_KEY'));
  assert.equal(provider.checked, checked);
});

test('a write that fails changes nothing', () => {
  const { rows, store } = opened({ limits: { slots: 1 } });
  const { key, bytes } = made('alice');
  store.offer(key, bytes, 'peer');
  const put = rows.put.bind(rows);
  rows.put = () => {
    throw new Error('disk full');
  };
  const newer = made('alice', { seq: 2 });
  assert.throws(() => store.offer(newer.key, newer.bytes, 'peer'), /disk full/);
  assert.deepEqual(store.get(key), bytes);
  rows.put = put;
  assert.equal(store.offer(newer.key, newer.bytes, 'peer'), 'stored');
});
