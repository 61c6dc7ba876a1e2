/** The rules that decide alone: which link stays, how long to wait, how often something may happen. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Allowance } from '../../../src/safety/allowance.ts';
import { backoffMs } from '../../../src/friends/link/backoff.ts';
import { BACKOFF_MAX_MS, BACKOFF_RECENT_MS, CROSSING_MS } from '../../../src/friends/link/limits.ts';
import { takesPlace } from '../../../src/friends/link/link-table.ts';
import { Reach } from '../../../src/friends/link/reach.ts';
import { Verdicts } from '../../../src/friends/link/verdicts.ts';
import { ManualClock } from '../../manual-clock.ts';
import { contactOf, keyOf, newDatabase } from './village.ts';

test('of two links dialed across each other the same one stays on both sides, in whatever order they see them', () => {
  const [low, high] = [keyOf(1), keyOf(2)];
  const byLow = (weDialed: boolean, since: number) => ({
    weDialed,
    dialerOnion: low,
    since,
    isFirm: false,
  });
  const byHigh = (weDialed: boolean, since: number) => ({
    weDialed,
    dialerOnion: high,
    since,
    isFirm: false,
  });
  for (const lateMs of [0, 1, CROSSING_MS - 1]) {
    for (const isLow of [true, false]) {
      // one side dialed the one, and accepted the other
      assert.equal(takesPlace(byLow(isLow, lateMs), byHigh(!isLow, 0), lateMs), true);
      assert.equal(takesPlace(byHigh(!isLow, lateMs), byLow(isLow, 0), lateMs), false);
    }
  }
});

test('a friend who dials while an old link of ours stands has lost it: the new one takes its place', () => {
  const old = { weDialed: true, dialerOnion: keyOf(1), since: 0, isFirm: true };
  const next = { weDialed: false, dialerOnion: keyOf(2), since: CROSSING_MS, isFirm: true };
  assert.equal(takesPlace(next, old, CROSSING_MS), true);
  assert.equal(takesPlace({ ...next, weDialed: true }, old, 1), true, 'the same dialer: the newer');
});

test('a link whose other end has shown a pair key gives way to none that has not, and takes the place of such a one', () => {
  for (const weDialed of [true, false]) {
    for (const lateMs of [0, CROSSING_MS]) {
      const firm = { weDialed: true, dialerOnion: keyOf(2), since: 0, isFirm: true };
      const narrow = { weDialed, dialerOnion: keyOf(1), since: lateMs, isFirm: false };
      assert.equal(takesPlace(narrow, firm, lateMs), false);
      assert.equal(takesPlace(firm, narrow, lateMs), true);
    }
  }
});

test('waits double from 5 s, by half at random, and end at 2 minutes for who was there today', () => {
  const DAY_MS = 86_400_000;
  for (const [chance, factor] of [
    [0, 0.5],
    [0.999, 0.9995],
  ] as const) {
    const waits = Array.from({ length: 40 }, (_, i) => backoffMs(i + 1, null, () => chance));
    assert.equal(waits[0], 5_000 * factor);
    assert.equal(waits[3], 40_000 * factor);
    assert.equal(waits[39], BACKOFF_MAX_MS * factor);
    assert.equal(
      backoffMs(40, DAY_MS - 1, () => chance),
      BACKOFF_RECENT_MS * factor,
    );
    assert.equal(
      backoffMs(40, DAY_MS, () => chance),
      BACKOFF_MAX_MS * factor,
    );
  }
});

test('an allowance is a number at once and one more after each interval', async () => {
  const clock = new ManualClock();
  const allowance = new Allowance(clock, 3, 1_000);
  const take = () => [allowance.take(), allowance.take(), allowance.take(), allowance.take()];
  assert.deepEqual(take(), [true, true, true, false]);
  await clock.advance(999);
  assert.equal(allowance.take(), false);
  await clock.advance(1);
  assert.deepEqual([allowance.take(), allowance.take()], [true, false]);
  await clock.advance(1_000_000);
  assert.deepEqual(take(), [true, true, true, false], 'never more than that at once');
});

test('what is known of reaching somebody is there after a restart, by way, and goes when it is to be forgotten', () => {
  const database = newDatabase();
  const bob = contactOf('bob');
  const reach = new Reach(database, 'link');
  assert.deepEqual(reach.of(bob), { lastAt: null, failures: 0, nextTryAt: null });
  reach.save(bob, { lastAt: 1_000, failures: 70_000, nextTryAt: 2_000 });
  assert.deepEqual(new Reach(database, 'link').of(bob), {
    lastAt: 1_000,
    failures: 65_535,
    nextTryAt: 2_000,
  });
  assert.equal(new Reach(database, 'door').of(bob).lastAt, null);
  reach.touch(bob, 5_000);
  assert.equal(reach.of(bob).lastAt, 5_000);
  assert.equal(new Reach(database, 'link').of(bob).lastAt, 1_000, 'not written down each time');
  reach.touch(bob, 1_000_000);
  assert.equal(new Reach(database, 'link').of(bob).lastAt, 1_000_000);
  reach.forget(bob);
  assert.equal(reach.of(bob).lastAt, null);
  assert.equal(new Reach(database, 'link').of(bob).lastAt, null);
  database.close();
});

test('a verdict that nobody waits for is no matter, and an abandoned wait ends with its reason', async () => {
  const verdicts = new Verdicts(new ManualClock());
  verdicts.came(3, 'kept');
  const abandon = new AbortController();
  const refs: number[] = [];
  const first = verdicts.wait((ref) => refs.push(ref), abandon.signal);
  const second = verdicts.wait((ref) => refs.push(ref), new AbortController().signal);
  abandon.abort(new Error('enough'));
  await assert.rejects(first, /enough/);
  verdicts.came(refs[0] as number, 'refused');
  verdicts.came(refs[1] as number, 'kept');
  assert.equal(await second, 'kept');
  const third = verdicts.wait(() => {}, new AbortController().signal);
  verdicts.failAll(new Error('cut'));
  await assert.rejects(third, /cut/);
});

test('messages that get no verdict for three minutes show that the link is of no use', async () => {
  const clock = new ManualClock();
  const verdicts = new Verdicts(clock);
  await clock.advance(400_000);
  assert.equal(verdicts.stuck, false);
  let ref = -1;
  const waiting = verdicts.wait((given) => {
    ref = given;
  }, new AbortController().signal);
  await clock.advance(180_000);
  assert.equal(verdicts.stuck, false);
  await clock.advance(1);
  assert.equal(verdicts.stuck, true);
  verdicts.came(ref, 'kept');
  assert.equal(await waiting, 'kept');
  assert.equal(verdicts.stuck, false);
});
