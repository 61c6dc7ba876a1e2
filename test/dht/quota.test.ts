import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DhtError } from '../../src/dht/errors.ts';
import { Allowance, Quota } from '../../src/dht/quota.ts';
import { startedClock } from './made-slots.ts';

const LIMITS = { fresh: 2, updates: 3, peers: 4, epochMs: 1_000 };
const over = (error: unknown): boolean => error instanceof DhtError && error.code === 'QUOTA';

test('a peer has so many puts of each kind, others are not touched', () => {
  const quota = new Quota(startedClock(), LIMITS);
  quota.charge('a', 'fresh');
  quota.charge('a', 'fresh');
  assert.throws(() => quota.charge('a', 'fresh'), over);
  for (let i = 0; i < 3; i++) quota.charge('a', 'updates');
  assert.throws(() => quota.charge('a', 'updates'), over);
  quota.charge('b', 'fresh');
});

test('a new epoch begins by elapsed time, not by the wall clock', async () => {
  const clock = startedClock();
  const quota = new Quota(clock, { ...LIMITS, fresh: 1 });
  quota.charge('a', 'fresh');
  clock.setWall(clock.now() + 10_000_000);
  assert.throws(() => quota.charge('a', 'fresh'), over);
  clock.setWall(clock.now() - 20_000_000);
  assert.throws(() => quota.charge('a', 'fresh'), over);
  await clock.advance(999);
  assert.throws(() => quota.charge('a', 'fresh'), over);
  await clock.advance(1);
  quota.charge('a', 'fresh');
});

test('however many peers come, only so many are counted, the recent ones', () => {
  const quota = new Quota(startedClock(), { ...LIMITS, fresh: 1 });
  for (let i = 0; i < 1_000; i++) {
    quota.charge(`peer ${i}`, 'fresh');
    assert.ok(quota.peers <= LIMITS.peers);
  }
  for (let i = 999; i > 999 - LIMITS.peers; i--)
    assert.throws(() => quota.charge(`peer ${i}`, 'fresh'), over);
});

test('a refused peer stays counted', () => {
  const quota = new Quota(startedClock(), { ...LIMITS, fresh: 1 });
  quota.charge('greedy', 'fresh');
  for (let i = 0; i < 20; i++) {
    quota.charge(`peer ${i}`, 'fresh');
    assert.throws(() => quota.charge('greedy', 'fresh'), over);
  }
});

test('an allowance is a burst, then a rate; what is taken beyond is waited for', async () => {
  const clock = startedClock();
  const allowance = new Allowance(clock, 10, 2);
  allowance.take(10);
  assert.equal(allowance.waitMs(), 0);
  allowance.take(3);
  assert.equal(allowance.waitMs(), 1_500);
  await clock.advance(1_500);
  assert.equal(allowance.waitMs(), 0);
  await clock.advance(3_600_000);
  allowance.take(11);
  assert.equal(allowance.waitMs(), 500, 'no more than the burst was saved up');
});
