/** `npm run sim` says what came of a simulation: to people in a line, to machines in objects, and by its exit code. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const script = join(resolve(import.meta.dirname, '../..'), 'sim/run.ts');
/** Run before the script: HMACs that are not a function of their input, so that the two sides have different keys. */
const BROKEN = `data:text/javascript,${encodeURIComponent(`
  import crypto from 'node:crypto';
  import { syncBuiltinESMExports } from 'node:module';
  const { createHmac, randomBytes } = crypto;
  crypto.createHmac = (name) => createHmac(name, randomBytes(32));
  syncBuiltinESMExports();
`)}`;

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function sim(args: readonly string[], runtime: readonly string[] = []): Outcome {
  return spawnSync(process.execPath, [...runtime, script, ...args], { encoding: 'utf8', timeout: 60_000 });
}

function lines(text: string): Record<string, unknown>[] {
  const all = text.trimEnd().split('\n');
  return all.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('with --json each line is an object with its event or result first', () => {
  const args = ['sessions', '--messages', '2000', '--seed', '6', '--json'];
  const { status, stdout, stderr } = sim(args);
  assert.deepEqual([status, stderr], [0, '']);
  const [progress, result, ...more] = lines(stdout);
  assert.ok(progress !== undefined && result !== undefined);
  assert.equal(more.length, 0);
  assert.equal(Object.keys(progress)[0], 'event');
  assert.equal(Object.keys(result)[0], 'result');
  for (const line of [progress, result]) {
    assert.ok(Number.isInteger(line['elapsedMs']));
    assert.deepEqual([line['simulation'], line['messages'], line['seed']], ['sessions', 2000, 6]);
  }
  assert.deepEqual([progress['event'], result['result']], ['progress', 'passed']);
});

test('messages and seed repeat the run', () => {
  const args = ['sessions', '--messages', '200', '--seed', '6', '--json'];
  const [first, again] = [1, 2].map(() => ({ ...lines(sim(args).stdout)[0], elapsedMs: 0 }));
  assert.deepEqual(again, first);
});

test('without --json, people read one line, with the seed', () => {
  const { status, stdout, stderr } = sim(['sessions', '--messages', '50']);
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^sessions passed: \d+ messages .* seed \d+, [\d.]+ s\n$/);
});

test('a failure is told with what repeats it, and exit code 1', () => {
  const args = ['sessions', '--messages', '50', '--seed', '4294967295'];
  const forMachines = sim([...args, '--json'], ['--import', BROKEN]);
  assert.deepEqual([forMachines.status, forMachines.stderr], [1, '']);
  const [line, ...more] = lines(forMachines.stdout);
  assert.equal(more.length, 0);
  assert.deepEqual(Object.keys(line ?? {}), [
    'result',
    'simulation',
    'messages',
    'seed',
    'elapsedMs',
    'error',
  ]);
  assert.deepEqual([line?.['result'], line?.['messages'], line?.['seed']], ['failed', 50, 4294967295]);
  const forPeople = sim(args, ['--import', BROKEN]);
  assert.equal(forPeople.status, 1);
  assert.match(forPeople.stdout, /^sessions failed .* sessions --messages 50 --seed 4294967295\n$/);
  assert.match(forPeople.stderr, /Error/);
});

test('wrong options are told in one line, and exit code 2', () => {
  for (const args of [
    [],
    ['epochs'],
    ['sessions', '--message', '5'],
    ['sessions', '--messages', '0'],
    ['sessions', '--seed', '4294967296'],
  ]) {
    const { status, stdout, stderr } = sim(args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /^[^\n]+: npm run sim -- sessions [^\n]*\n$/, args.join(' '));
  }
});
