import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hedged } from '../../src/transport-tor/hedge.ts';
import { ManualClock } from '../manual-clock.ts';

const AFTER_MS = 100;

interface Try {
  readonly resolve: (value: string) => void;
  readonly reject: (error: Error) => void;
  readonly signal: AbortSignal;
}

/** Two tries under the test's control. */
function race(signal = new AbortController().signal) {
  const clock = new ManualClock();
  const tries: Try[] = [];
  const discarded: string[] = [];
  const result = hedged(
    (_round, running) =>
      new Promise<string>((resolve, reject) => {
        tries.push({ resolve, reject, signal: running });
      }),
    { clock, afterMs: AFTER_MS, signal, discard: (late) => discarded.push(late) },
  );
  result.catch(() => {});
  return { clock, tries, discarded, result };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a fast first try starts no second', async () => {
  const { clock, tries, result } = race();
  tries[0]?.resolve('a');
  assert.deepEqual(await result, { value: 'a', round: 0 });
  await settled();
  assert.equal(clock.sleeping, 0);
  assert.equal(tries.length, 1);
});

test('a first try that fails at once is the failure', async () => {
  const { clock, tries, result } = race();
  tries[0]?.reject(new Error('refused'));
  await assert.rejects(result, /refused/);
  assert.equal(tries.length, 1);
  assert.equal(clock.sleeping, 0);
});

for (const winner of [0, 1] as const) {
  test(`when both run, try ${winner} may win; the other is aborted and its late result discarded`, async () => {
    const { clock, tries, discarded, result } = race();
    await clock.advance(AFTER_MS);
    await settled();
    assert.equal(tries.length, 2);
    tries[winner]?.resolve('won');
    assert.deepEqual(await result, { value: 'won', round: winner });
    const other = tries[1 - winner];
    assert.ok(other?.signal.aborted);
    other.resolve('late');
    await settled();
    assert.deepEqual(discarded, ['late']);
  });
}

test('one failure leaves the other its chance; when both fail the first is told', async () => {
  const one = race();
  await one.clock.advance(AFTER_MS);
  await settled();
  one.tries[0]?.reject(new Error('first'));
  one.tries[1]?.resolve('b');
  assert.deepEqual(await one.result, { value: 'b', round: 1 });

  const both = race();
  await both.clock.advance(AFTER_MS);
  await settled();
  both.tries[1]?.reject(new Error('second'));
  both.tries[0]?.reject(new Error('first'));
  await assert.rejects(both.result, /first/);
});

test('a signal ends both', async () => {
  const stop = new AbortController();
  const { tries, result } = race(stop.signal);
  tries[0]?.signal.addEventListener('abort', () => tries[0]?.reject(tries[0].signal.reason));
  stop.abort(new Error('enough'));
  await assert.rejects(result, /enough/);
});
