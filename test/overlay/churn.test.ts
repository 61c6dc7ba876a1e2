/** "Must hold" of the overlay, measured: a few operations with every test run, hundreds with KITH_LONG=1. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Scenario, scenario } from './scenario.ts';

const isLong = process.env['KITH_LONG'] === '1';

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function times(what: string, values: readonly number[], roundTripMs: number): string {
  const shown = [0.5, 0.95, 1].map((share) => {
    const ms = quantile(values, share);
    return `${(ms / 1000).toFixed(1)} s (${(ms / roundTripMs).toFixed(0)} RTT)`;
  });
  return `${what} p50 ${shown[0]}, p95 ${shown[1]}, max ${shown[2]}`;
}

function summary(done: Scenario, liars: number, roundTripMs: number): string {
  const { found, gets, lost, operations, puts, reached, subscribers } = done;
  return [
    `liars ${liars * 100} %: found ${found} of ${operations}; gossip reached ${reached} of ${subscribers}`,
    times('put', puts, roundTripMs),
    times('get', gets, roundTripMs),
    ...lost,
  ].join('\n');
}

/** Slots found, at least: 99 % without liars, 5 points less with a fifth of them. */
const SHARES = [
  [0, 0.99],
  [0.2, 0.94],
] as const;

for (const [liars, least] of SHARES) {
  test(`a third dies and ${liars * 100} % lie: slots are found, and gossip reaches all`, {
    skip: !isLong,
    timeout: 1_800_000,
  }, async (t) => {
    const roundTripMs = 600;
    const done = await scenario({ nodes: 24, slots: 52, waves: 4, roundTripMs, liars, newcomers: true });
    t.diagnostic(summary(done, liars, roundTripMs));
    assert.ok(done.found >= least * done.operations, `${done.found} of ${done.operations}`);
    assert.equal(done.reached, done.subscribers);
  });
}

// connections between all of 24 nodes alone take the time that a test may take
test('the same with 12 nodes and a few slots, of which none may be lost', {
  skip: isLong,
  timeout: 90_000,
}, async (t) => {
  const roundTripMs = 200;
  const done = await scenario({ nodes: 12, slots: 4, waves: 1, roundTripMs, liars: 0.2, newcomers: false });
  t.diagnostic(summary(done, 0.2, roundTripMs));
  assert.equal(done.found, done.operations);
  assert.equal(done.reached, done.subscribers);
});
