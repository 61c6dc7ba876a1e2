import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SecureChannel } from '../../src/net/channel.ts';
import type { Clock } from '../../src/safety/clock.ts';
import { KithError } from '../../src/safety/errors.ts';
import { connectPatiently } from '../../src/say/connect.ts';
import { channelPair } from './channel-pair.ts';

/** A clock whose sleeps take no real time. */
function quickClock(): Clock {
  let nowMs = 0;
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      nowMs += ms;
    },
  };
}

const failure = (code: string) => new KithError(code, 'failed', { hint: 'wait' });

/** A dial that fails with the given errors first. */
function dialFailing(...errors: Error[]): { dial: () => Promise<SecureChannel>; tries: () => number } {
  const [channel] = channelPair();
  let tries = 0;
  const dial = async () => {
    const error = errors[tries++];
    if (error !== undefined) throw error;
    return channel;
  };
  return { dial, tries: () => tries };
}

test('a failure that can pass is tried again, and each retry is told', async () => {
  const { dial, tries } = dialFailing(failure('ONION_INTRO_FAILED'), failure('PROXY_CLOSED'));
  const told: string[] = [];
  await connectPatiently(dial, { clock: quickClock(), onRetry: ({ code }) => told.push(code) });
  assert.equal(tries(), 3);
  assert.deepEqual(told, ['ONION_INTRO_FAILED', 'PROXY_CLOSED']);
});

for (const code of ['WRONG_KEY', 'ONION_BAD_ADDRESS', 'ONION_AUTH_WRONG', 'ONION_AUTH_MISSING']) {
  test(`${code} is final`, async () => {
    const { dial, tries } = dialFailing(failure(code));
    await assert.rejects(connectPatiently(dial, { clock: quickClock() }), { code });
    assert.equal(tries(), 1);
  });
}

test('a defect is not retried', async () => {
  const { dial, tries } = dialFailing(new TypeError('defect'));
  await assert.rejects(connectPatiently(dial, { clock: quickClock() }), TypeError);
  assert.equal(tries(), 1);
});

test('patience ends with the last failure', async () => {
  const errors = Array.from({ length: 1000 }, () => failure('ONION_DESCRIPTOR_NOT_FOUND'));
  const { dial, tries } = dialFailing(...errors);
  await assert.rejects(connectPatiently(dial, { clock: quickClock() }), {
    code: 'ONION_DESCRIPTOR_NOT_FOUND',
  });
  assert.ok(tries() > 10 && tries() < 100, `${tries()} tries`);
});

test('a signal ends the waiting', async () => {
  const stop = new AbortController();
  const { dial } = dialFailing(failure('PROXY_CLOSED'), failure('PROXY_CLOSED'));
  await assert.rejects(
    connectPatiently(dial, {
      clock: quickClock(),
      signal: stop.signal,
      onRetry: () => stop.abort(new Error('enough')),
    }),
    /enough/,
  );
});
