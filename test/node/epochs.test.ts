import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeInto, epochAt, HANDLE_EPOCHS, until } from '../../src/node/epochs.ts';
import { ManualClock } from '../manual-clock.ts';

const DAY_MS = 86_400_000;

test('an epoch is a UTC day', () => {
  const midnight = Date.parse('2026-03-01T00:00:00Z');
  assert.equal(epochAt(midnight, HANDLE_EPOCHS), midnight / DAY_MS);
  assert.equal(epochAt(midnight - 1, HANDLE_EPOCHS), midnight / DAY_MS - 1);
});

test('a handle comes and goes inside the first two hours, in this order, at moments of their own', () => {
  const start = 20_000 * DAY_MS;
  for (const [first, second] of [
    [0, 0.999_999],
    [0.7, 0.2],
    [0.5, 0.5],
  ] as const) {
    const draws = [first, second];
    const { comesMs, goesMs } = changeInto(20_000, HANDLE_EPOCHS, () => draws.shift() ?? 0);
    assert.ok(start <= comesMs && comesMs <= goesMs && goesMs < start + 7_200_000);
    assert.equal(comesMs, start + Math.min(first, second) * 7_200_000);
    assert.equal(goesMs, start + Math.max(first, second) * 7_200_000);
  }
});

test('a wait for a wall time ends when the clock is set ahead, and goes on when it is set back', async () => {
  const clock = new ManualClock();
  const at = clock.now() + DAY_MS;
  let over = false;
  void until(at, clock, new AbortController().signal).then(() => {
    over = true;
  });
  await clock.advance(DAY_MS - 60_000);
  clock.setWall(clock.now() - 60_000);
  await clock.advance(90_000);
  assert.equal(over, false);
  clock.setWall(at + 1);
  await clock.advance(30_000);
  assert.equal(over, true);
});

test('a wait for a wall time ends with its signal', async () => {
  const stop = new AbortController();
  const waiting = until(Number.MAX_SAFE_INTEGER, new ManualClock(), stop.signal);
  stop.abort(new Error('enough'));
  await assert.rejects(waiting, { message: 'enough' });
});
