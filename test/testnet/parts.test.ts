/** The parts of the private network that need no tor. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MalformedError } from '../../src/safety/errors.ts';
import { systemRandom } from '../../src/safety/random.ts';
import {
  joinTestnet,
  startTestnet,
  stopTestnet,
  TestnetError,
  testnetStatus,
} from '../../src/testnet/index.ts';
import { PORTS, TRAFFIC_INTERVAL_MS } from '../../src/testnet/limits.ts';
import { planNetwork } from '../../src/testnet/plan.ts';
import { identifyProcess, isRunning } from '../../src/testnet/process-identity.ts';
import { Reaper } from '../../src/testnet/reaper.ts';
import { writeRecord } from '../../src/testnet/record.ts';
import { circuitFrom, keepBusy } from '../../src/testnet/traffic.ts';
import { ManualClock } from '../manual-clock.ts';
import { RECORD } from './record.ts';

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

test('a plan has addresses of its own on loopback and no port twice', () => {
  for (let i = 0; i < 50; i++) {
    const plans = planNetwork(systemRandom, { authorities: 3, relays: 4 }, 'linux');
    assert.deepEqual(
      plans.map(({ name, authority }) => [name, authority]),
      [0, 1, 2].map((n) => [`auth${n}`, true]).concat([0, 1, 2, 3].map((n) => [`relay${n}`, false])),
    );
    const ports = plans.flatMap(({ orPort, dirPort }) => [orPort, dirPort]).filter((port) => port !== 0);
    assert.equal(new Set(ports).size, 10);
    assert.ok(ports.every((port) => port >= PORTS.from && port < PORTS.to));
    assert.equal(new Set(plans.map(({ address }) => address)).size, 7);
    assert.ok(plans.every(({ address }) => /^127\.(?!0\.)\d+\.\d+\.[1-7]$/.test(address)));
  }
  const elsewhere = planNetwork(systemRandom, { authorities: 1, relays: 1 }, 'darwin');
  assert.deepEqual(new Set(elsewhere.map(({ address }) => address)), new Set(['127.0.0.1']));
});

test('the background circuits of all relays use every pair of relays, each circuit no relay twice', () => {
  for (const count of [2, 3, 5, 7]) {
    const pairs = new Set<string>();
    for (let from = 0; from < count; from++) {
      const hops = [from, ...circuitFrom(from, count)];
      assert.equal(new Set(hops).size, hops.length);
      for (let i = 1; i < hops.length; i++) {
        const [a, b] = [hops[i - 1] as number, hops[i] as number];
        pairs.add(`${Math.min(a, b)} ${Math.max(a, b)}`);
      }
    }
    assert.equal(pairs.size, (count * (count - 1)) / 2, `${count} relays`);
  }
});

test('traffic goes on without a relay that is gone, and ends when told', async () => {
  const clock = new ManualClock();
  const abort = new AbortController();
  const used: string[] = [];
  const relay = (name: string) => ({
    fingerprint: async () => name,
    useCircuit: async (path: readonly string[]) => {
      used.push(`${name}:${path.join()}`);
    },
  });
  const gone = {
    fingerprint: () => Promise.reject(new Error('gone')),
    useCircuit: () => Promise.reject(new Error('gone')),
  };
  const busy = keepBusy([relay('a'), gone, relay('c')], clock, abort.signal);
  for (const rounds of [1, 2, 3]) {
    while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(used, Array.from({ length: rounds }, () => ['a:', 'c:a']).flat());
    await clock.advance(TRAFFIC_INTERVAL_MS);
  }
  abort.abort();
  await busy;
});

test('a network that is recorded but gone counts as none, and nothing is signalled for it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'kn-'));
  const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
  const pid = stranger.pid as number;
  for (const record of [RECORD, { ...RECORD, reaper: { pid, started: 'at another time' } }]) {
    await writeRecord(dir, record);
    assert.equal(await testnetStatus(dir), null);
    assert.equal(await stopTestnet(dir), false);
    await assert.rejects(joinTestnet(dir), (error: TestnetError) => error.code === 'TESTNET_NOT_FOUND');
  }
  const identity = await identifyProcess(pid);
  assert.ok(identity !== null && (await isRunning(identity)), 'the stranger lives');
  assert.equal(await isRunning({ ...identity, started: 'before' }), false);
  await assert.rejects(
    joinTestnet(join(dir, 'none')),
    (error: TestnetError) => error.code === 'TESTNET_NOT_FOUND',
  );
  await writeFile(join(dir, 'testnet.json'), '{');
  await assert.rejects(testnetStatus(dir), MalformedError);
  stranger.kill();
  await rm(dir, { recursive: true });
});

test('the reaper kills what it watches and nothing else, and removes the directory', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'kn-'));
  const reaper = new Reaper(dir);
  const sleeper = (mark: string) =>
    spawn('/bin/sh', ['-c', 'echo; read line', mark], { stdio: ['pipe', 'pipe', 'ignore'] });
  const [watched, forgotten, stranger] = [sleeper(dir), sleeper(dir), sleeper('elsewhere')];
  await Promise.all(
    [watched, forgotten, stranger].map(
      (child) => new Promise((resolve) => child.stdout.once('data', resolve)),
    ),
  );
  reaper.watch(watched.pid as number);
  reaper.watch(forgotten.pid as number)();
  reaper.watch(stranger.pid as number); // as if its pid had been used again by somebody else
  await mkdir(join(dir, 'deep', 'er'), { recursive: true });
  const died = new Promise((resolve) => watched.once('exit', (_code, signal) => resolve(signal)));
  await reaper.clean();
  assert.equal(await died, 'SIGKILL');
  assert.equal(await exists(dir), false);
  assert.deepEqual(
    [forgotten.exitCode, stranger.exitCode, forgotten.signalCode, stranger.signalCode],
    [null, null, null, null],
  );
  for (const child of [watched, forgotten, stranger]) child.kill();
});

test('whoever knows the directory sees a running network and can stop it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'kn-'));
  const reaper = new Reaper(dir);
  const [owner, cleaner] = [await identifyProcess(process.pid), await identifyProcess(reaper.pid)];
  assert.ok(owner !== null && cleaner !== null);
  const processes = [
    { name: 'auth0', pid: process.pid },
    { name: 'relay0', pid: 99_999_998 },
  ];
  await writeRecord(dir, { ...RECORD, owner, reaper: cleaner, processes });
  assert.deepEqual(await testnetStatus(dir), {
    pid: process.pid,
    processes: [
      { name: 'auth0', pid: process.pid, alive: true },
      { name: 'relay0', pid: 99_999_998, alive: false },
    ],
    startedAt: RECORD.startedAt,
    tookMs: RECORD.tookMs,
  });
  assert.deepEqual(await joinTestnet(dir), { clientConfig: RECORD.clientConfig });
  assert.equal(await stopTestnet(dir), true);
  await reaper.done;
  assert.equal(await exists(dir), false);
  assert.equal(await stopTestnet(dir), false);
});

test('a directory with something in it is left alone', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'kn-'));
  await writeFile(join(dir, 'mine'), '');
  await assert.rejects(startTestnet({ dir }), (error: TestnetError) => error.code === 'TESTNET_DIR_IN_USE');
  assert.equal(await exists(join(dir, 'mine')), true);
  await rm(dir, { recursive: true });
});
