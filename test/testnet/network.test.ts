/** The private network itself: usable by several clients, and gone without a trace however its owner ends. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { joinTestnet, startTestnet, testnetStatus } from '../../src/testnet/index.ts';

const INDEX = new URL('../../src/testnet/index.ts', import.meta.url).href;

/** Processes that have `dir` on their command line: tors, tor-gencert's folder aside, and the reaper. */
function processesOf(dir: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(dir); // empty for a zombie
    } catch {
      return false;
    }
  });
}

async function untilGone(dir: string): Promise<void> {
  while (existsSync(dir) || processesOf(dir).length > 0) await delay(20);
}

/** A process that starts a network in `dir` and says how far it is, one JSON object a line. */
function owner(dir: string): { child: ChildProcess; phase: (name: string, ready: number) => Promise<void> } {
  const script = `
    const { startTestnet } = await import(${JSON.stringify(INDEX)});
    const network = await startTestnet({ dir: process.env.KITH_TEST_DIR, onProgress: (p) => console.log(JSON.stringify(p)) });
    await network.closed;
    console.log(JSON.stringify({ phase: 'closed', ready: 0 }));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, KITH_TEST_DIR: dir }, // not on its command line, where processesOf() looks
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const seen: { phase: string; ready: number }[] = [];
  const listeners = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    seen.push(JSON.parse(line));
    for (const listener of listeners) listener();
  });
  const phase = (name: string, ready: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (seen.some((one) => one.phase === name && one.ready >= ready)) resolve();
      };
      listeners.add(look);
      child.once('exit', () => reject(new Error(`ended before ${name}`)));
      look();
    });
  return { child, phase };
}

const onLinux = { skip: process.platform === 'linux' ? false : 'looks into /proc' };

for (const [when, phase] of [
  ['while keys are made', 'keys'],
  ['while the tors bootstrap', 'bootstrap'],
] as const) {
  test(`kill -9 of the owner ${when} leaves no process and no directory`, onLinux, async () => {
    const dir = join(await mkdtemp(join(tmpdir(), 'kn-')), 'net');
    const { child, phase: reached } = owner(dir);
    await reached(phase, 0);
    assert.ok(existsSync(dir));
    if (phase === 'bootstrap') assert.equal(processesOf(dir).length, 8, 'seven tors and the reaper');
    child.kill('SIGKILL');
    await untilGone(dir);
    await rm(join(dir, '..'), { recursive: true });
  });
}

test('an aborted start cleans up and rejects with the reason', onLinux, async () => {
  const dir = join(await mkdtemp(join(tmpdir(), 'kn-')), 'net');
  await mkdir(dir);
  await chmod(dir, 0o775);
  const abort = new AbortController();
  const reason = new Error('changed my mind');
  const started = startTestnet({
    dir,
    signal: abort.signal,
    onProgress: ({ phase }) => {
      assert.equal(statSync(dir).mode & 0o777, 0o700, 'nobody else writes to a directory that was there');
      if (phase === 'bootstrap') abort.abort(reason);
    },
  });
  await assert.rejects(started, reason);
  assert.equal(existsSync(dir), false);
  assert.deepEqual(processesOf(dir), []);
  await rm(join(dir, '..'), { recursive: true });
});

test('a tor that cannot run its relays is a typed error, and nothing stays', async () => {
  const dir = join(await mkdtemp(join(tmpdir(), 'kn-')), 'net');
  await assert.rejects(startTestnet({ dir, binary: '/bin/false' }), { code: 'TOR_UNSUITABLE' });
  assert.equal(existsSync(dir), false);
  await rm(join(dir, '..'), { recursive: true });
});

test('a network that is ready runs all its tors, and tells others how to join', async (t) => {
  const shared = process.env['KITH_TESTNET'];
  const own = shared === undefined || shared === '' ? await startTestnet() : null;
  const dir = own?.dir ?? shared ?? '';
  const status = await testnetStatus(dir);
  assert.ok(status !== null);
  t.diagnostic(`ready after ${status.tookMs} ms`);
  assert.equal(status.processes.length, 7);
  assert.ok(status.processes.every(({ alive }) => alive));
  const { clientConfig } = await joinTestnet(dir);
  assert.equal(clientConfig.filter((line) => line.startsWith('DirAuthority')).length, 3);
  await own?.stop();
  if (own !== null) {
    await own.closed;
    assert.equal(existsSync(dir), false);
    assert.deepEqual(processesOf(dir), []);
  }
});
