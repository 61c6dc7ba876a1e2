/** Failures that nobody waits for: what the log says of them, and that they end nothing. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientKeys } from '../../src/node/client-keys.ts';
import { guarded, reasonOf } from '../../src/node/failures.ts';
import { tell } from '../../src/node/tell.ts';
import { Upkeep } from '../../src/node/upkeep.ts';
import { KithError } from '../../src/safety/errors.ts';
import type { Log } from '../../src/safety/log.ts';
import { ManualClock } from '../manual-clock.ts';

const SECRET = 'friendsonion.onion';
const failing = (): never => {
  throw new Error(`cannot reach ${SECRET}`);
};

function lines(): { readonly log: Log; readonly said: string[] } {
  const said: string[] = [];
  return { said, log: (...line) => void said.push(JSON.stringify(line)) };
}

test('of a failure the log says the code or the class', () => {
  const typed = new KithError('SOME_CODE', `about ${SECRET}`, { hint: 'none' });
  assert.deepEqual([typed, new TypeError(SECRET), SECRET, undefined].map(reasonOf), [
    'SOME_CODE',
    'TypeError',
    'string',
    'undefined',
  ]);
});

test('what is guarded fails for nobody', () => {
  const { log, said } = lines();
  const seen: number[] = [];
  const listen = guarded(log, 'it failed', (value: number) => {
    seen.push(value);
    if (value > 1) failing();
  });
  listen(1);
  listen(2);
  assert.deepEqual(seen, [1, 2]);
  assert.deepEqual(said, ['["error","it failed",{"reason":"Error"}]']);
});

test('no message of a failure is logged by upkeep, listeners and client keys', async () => {
  const { log, said } = lines();
  const clock = new ManualClock();
  const upkeep = new Upkeep([{ next: () => 0, run: failing }], clock, log);
  upkeep.start();
  await upkeep.stop();
  tell({ onEvent: failing, log }, { kind: 'refused', status: 'full' } as never);
  const keys = new ClientKeys({ addClientKey: async () => failing() }, log);
  keys.sync([{ onionKey: new Uint8Array(32), clientSecret: new Uint8Array(32) }]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(said.length, 3);
  assert.ok(said.every((line) => line.includes('"reason":"Error"') && !line.includes(SECRET)));
});
