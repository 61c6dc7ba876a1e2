/** What is counted of dials: those of friends, in the time of the clock. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Dials, timedDials } from '../../src/node/timed-dials.ts';
import { onionOf } from '../../src/wire/onion.ts';
import { ManualClock } from '../manual-clock.ts';

const ONION = onionOf(new Uint8Array(32).fill(1));

test('dials of friends are counted as they end; of doors, and those given up, nothing is', async () => {
  const clock = new ManualClock();
  const counted: [string, number][] = [];
  let fails = false;
  const dial = (async () => {
    await clock.advance(1500);
    if (fails) throw new Error('not there');
    return {};
  }) as unknown as Dials['dial'];
  const dials = timedDials({ dial }, clock, (result, tookMs) => counted.push([result, tookMs]));
  const at = (purpose: string, signal?: AbortSignal) =>
    dials.dial(ONION, { purpose, ...(signal === undefined ? {} : { signal }) } as Parameters<
      Dials['dial']
    >[1]);
  await at('friend');
  await at('door');
  fails = true;
  await assert.rejects(at('friend'));
  await assert.rejects(at('door'));
  await assert.rejects(at('friend', AbortSignal.abort()));
  assert.deepEqual(counted, [
    ['reached', 1500],
    ['failed', 1500],
  ]);
});
