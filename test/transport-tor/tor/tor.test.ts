/** Our tor on the private network: start, services, death, freeze, and everything that can keep it from starting. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { systemRandom } from '../../../src/safety/random.ts';
import { OnionServiceError, TorError } from '../../../src/transport-tor/tor/errors.ts';
import { CONTROL_TIMEOUT_MS, TERMINATE_GRACE_MS } from '../../../src/transport-tor/tor/limits.ts';
import type { TorStatus } from '../../../src/transport-tor/tor/status.ts';
import { Tor } from '../../../src/transport-tor/tor/tor.ts';
import { nodeProvider } from '../../../src/safety/crypto/node.ts';
import { useTestnet } from '../../testnet.ts';
import { EchoServer, echoThrough, eventualEcho, SocksStatus, temporaryDir, TestTor } from './real-tor.ts';

let config: readonly string[] = [];
before(async () => {
  config = (await useTestnet()).clientConfig;
});

/** For waits that a busy machine may stretch. */
const patience = (): AbortSignal => AbortSignal.timeout(55_000);

const code =
  (expected: string) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof TorError, String(error));
    assert.equal(error.code, expected, `${error.message} ${JSON.stringify(error.data)}`);
    assert.notEqual(error.hint, '');
    return true;
  };

function isAlive(pid: number): boolean {
  try {
    return !execFileSync('cat', [`/proc/${pid}/stat`], { encoding: 'latin1', stdio: 'pipe' }).includes(
      ') Z ',
    );
  } catch {
    return false;
  }
}

/** Resolves with the next status that `matches`. */
function nextStatus(tor: Tor, matches: (status: TorStatus) => boolean): Promise<TorStatus> {
  return new Promise((resolve) => {
    const leave = tor.onStatus((status) => {
      if (!matches(status)) return;
      leave();
      resolve(status);
    });
  });
}

test('bootstraps with progress, keeps its directory closed, opens no TCP port, and leaves no process', async () => {
  const seen: TorStatus[] = [];
  await using one = await TestTor.create({ config, onStatus: (status) => seen.push(status) });
  const { tor, dir } = one;
  await assert.rejects(tor.ready(), code('TOR_NOT_READY'));
  assert.throws(() => tor.control(), code('TOR_NOT_READY'));
  await tor.start(patience());
  const { pid, version, state, progress } = tor.status();
  assert.deepEqual([state, progress], ['ready', 100]);
  assert.match(version ?? '', /^0\.4\./);
  const progresses = seen.map((status) => status.progress);
  assert.deepEqual(
    progresses,
    progresses.toSorted((a, b) => a - b),
    'progress never goes back',
  );
  assert.ok(new Set(progresses).size > 3, 'progress is shown on the way');
  assert.equal((await stat(dir)).mode & 0o777, 0o700);
  const listeners = await tor.control().command('GETINFO', ['net/listeners/or', 'net/listeners/socks']);
  assert.deepEqual(
    listeners.lines.map(({ text }) => text),
    ['net/listeners/or=', `net/listeners/socks="unix:${tor.socksPath}"`, 'OK'],
  );
  await tor.stop();
  assert.equal(tor.status().state, 'stopped');
  assert.ok(!isAlive(pid as number));
  await assert.rejects(tor.services.publish(systemRandom(32), { socketPath: '/x' }), code('TOR_NOT_READY'));
});

test('a data directory of any characters will do', async () => {
  const socketDir = await temporaryDir();
  const dir = join(await temporaryDir(), 'dä "ta x');
  await using one = await TestTor.create({ config, dataDir: dir, socketDir });
  await one.tor.start(patience());
  assert.equal(one.tor.status().state, 'ready');
  await one.tor.stop();
  for (const path of [socketDir, join(dir, '..')]) await rm(path, { recursive: true });
});

test('a service is reachable, survives kill -9 of its tor, and peers reconnect within 20 s', async (t) => {
  await using echo = await EchoServer.start();
  await using service = await TestTor.create({ config });
  await using client = await TestTor.create({ config });
  await Promise.all([service.tor.start(patience()), client.tor.start(patience())]);

  const seed = systemRandom(32);
  const onion = await service.tor.services.publish(seed, { socketPath: echo.path, signal: patience() });
  assert.equal(await eventualEcho(client.tor, onion.host, 'hello', patience()), 'hello');
  await assert.rejects(
    service.tor.services.publish(seed, { socketPath: echo.path }),
    (error: OnionServiceError) => error instanceof OnionServiceError && error.code === 'ONION_IN_USE',
  );

  const killedAt = performance.now();
  const again = nextStatus(service.tor, ({ state, restarts }) => state === 'ready' && restarts === 1);
  process.kill(service.tor.status().pid as number, 'SIGKILL');
  await again;
  const readyMs = performance.now() - killedAt;
  assert.equal(await eventualEcho(client.tor, onion.host, 'again', patience()), 'again');
  const reconnectMs = performance.now() - killedAt;
  t.diagnostic(
    `ready again after ${Math.round(readyMs)} ms, reached again after ${Math.round(reconnectMs)} ms`,
  );
  assert.ok(reconnectMs < 20_000);

  await onion.close();
  const { lines } = await service.tor.control().command('GETINFO', ['onions/current']);
  assert.equal(lines[0]?.text, 'onions/current=');
});

test('only holders of a client key get in, and the keys can change', async () => {
  await using echo = await EchoServer.start();
  await using service = await TestTor.create({ config });
  await using client = await TestTor.create({ config });
  await Promise.all([service.tor.start(patience()), client.tor.start(patience())]);
  const [right, wrong] = [systemRandom(32), systemRandom(32)];
  const onion = await service.tor.services.publish(systemRandom(32), {
    socketPath: echo.path,
    clientAuth: [nodeProvider.x25519.keyPair(right).publicKey],
    signal: patience(),
  });
  const refused = async (expected: number): Promise<void> => {
    for (;;) {
      const error: unknown = await echoThrough(client.tor, onion.host, 'x').then(
        () => assert.fail('got in'),
        (caught) => caught,
      );
      // the directories that were asked first may not have the descriptor yet
      if (error instanceof SocksStatus && error.status === 0xf0) continue;
      assert.equal((error as SocksStatus).status, expected);
      return;
    }
  };
  await refused(0xf4); // client authorization missing
  await client.tor.services.addClientKey(onion.host, wrong);
  await refused(0xf5); // client authorization wrong
  await client.tor.services.addClientKey(onion.host, right);
  assert.equal(await eventualEcho(client.tor, onion.host, 'in', patience()), 'in');
  await onion.setClients([nodeProvider.x25519.keyPair(wrong).publicKey], patience());
  await client.tor.services.addClientKey(onion.host, wrong);
  assert.equal(await eventualEcho(client.tor, onion.host, 'in', patience()), 'in');
  await client.tor.services.removeClientKey(onion.host);
});

test('a tor that is stopped for a moment goes on; one that stays frozen is replaced', async () => {
  await using frozen = await TestTor.create({ config, watchdog: { intervalMs: 200, frozenAfterMs: 3_000 } });
  const { tor } = frozen;
  await tor.start(patience());
  const { pid } = tor.status();
  process.kill(pid as number, 'SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 700)); // longer than a heartbeat, shorter than the bound
  process.kill(pid as number, 'SIGCONT');
  await tor.control().command('GETINFO', ['version']);
  assert.equal(tor.status().pid, pid, 'not restarted');

  const restarting = nextStatus(tor, ({ state }) => state === 'restarting');
  const ready = nextStatus(tor, ({ state, restarts }) => state === 'ready' && restarts === 1);
  process.kill(pid as number, 'SIGSTOP');
  assert.match((await restarting).cause ?? '', /stopped answering/);
  assert.notEqual((await ready).pid, pid);
  assert.ok(!isAlive(pid as number));
});

test('abort of start leaves no process, and the next start works', async () => {
  await using one = await TestTor.create({ config });
  const abort = new AbortController();
  const reason = new Error('changed my mind');
  const started = one.tor.start(abort.signal);
  const { pid } = await nextStatus(one.tor, (status) => status.pid !== undefined);
  abort.abort(reason);
  await assert.rejects(started, reason);
  assert.equal(one.tor.status().state, 'stopped');
  assert.ok(!isAlive(pid as number));
  await one.tor.start(patience());
});

test('a refused configuration, a busy directory and unusable places are typed, at once and without retry', async () => {
  const dir = await temporaryDir();
  const file = join(dir, 'file');
  await writeFile(file, '');
  for (const [init, expected] of [
    [{ dataDir: join(dir, 'a'), config: ['NoSuchOption 1'] }, 'TOR_CONFIG'],
    [{ dataDir: join(dir, 'b'), bridges: ['not a bridge'] }, 'TOR_CONFIG'],
    [{ dataDir: join(file, 'c') }, 'TOR_DATA_DIR'],
    [{ dataDir: join(dir, 'd'.repeat(100)) }, 'TOR_SOCKET_PATH'],
    [{ dataDir: join(dir, 'e'), binary: file }, 'TOR_NOT_FOUND'],
  ] as const) {
    const tor = new Tor(init);
    await assert.rejects(tor.start(patience()), code(expected));
    assert.equal(tor.status().state, 'failed');
    assert.equal(tor.status().restarts, 0);
    assert.ok((tor.status().cause ?? '').length > 20, 'the status says why and what to do');
    await assert.rejects(tor.ready(), code(expected));
  }
  await rm(dir, { recursive: true });
});

test('a full disk is TOR_DISK_FULL', async (t) => {
  const dir = await temporaryDir();
  const disk = join(dir, 'd');
  await mkdir(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', disk], { stdio: 'pipe' });
  } catch {
    t.skip('needs the right to mount a small tmpfs');
    await rm(dir, { recursive: true });
    return;
  }
  try {
    await writeFile(join(disk, 'ballast'), Buffer.alloc(12 * 1024));
    await writeFile(join(disk, 'more'), Buffer.alloc(64 * 1024)).catch(() => {});
    await assert.rejects(new Tor({ dataDir: disk, config }).start(patience()), code('TOR_DISK_FULL'));
    // room for the configuration, none for what tor writes
    await rm(join(disk, 'more'), { force: true });
    await rm(join(disk, 'ballast'));
    await mkdir(join(disk, 'keys'), { mode: 0o700 });
    await writeFile(join(disk, 'ballast'), Buffer.alloc(8 * 1024));
    await assert.rejects(
      new Tor({ dataDir: disk, socketDir: dir, config }).start(patience()),
      code('TOR_DISK_FULL'),
    );
  } finally {
    execFileSync('umount', [disk]);
    await rm(dir, { recursive: true, force: true });
  }
});

test('a tor that ends before it listens is retried, and given up with its last words', async () => {
  const dir = await temporaryDir();
  const binary = join(dir, 'tor');
  const body = `case $1 in --version) echo 'Tor version 0.4.9.11.';; --list-modules) echo 'pow: yes';; *) echo '[err] out of luck'; exit 3;; esac`;
  await writeFile(binary, `#!/bin/sh\n${body}\n`);
  await chmod(binary, 0o755);
  const tor = new Tor({
    dataDir: join(dir, 'data'),
    binary,
    clock: {
      now: Date.now,
      monotonic: () => performance.now(),
      // waits pass at once, bounds of a wait (control timeout, grace) never do
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          signal?.throwIfAborted();
          signal?.addEventListener('abort', () => reject(signal.reason as Error));
          if (ms !== CONTROL_TIMEOUT_MS && ms !== TERMINATE_GRACE_MS) setImmediate(resolve);
        }),
    },
  });
  await assert.rejects(tor.start(patience()), (error: TorError) => {
    assert.ok(code('TOR_GAVE_UP')(error));
    assert.ok(String((error.cause as TorError).data['lastLines']).includes('out of luck'));
    return true;
  });
  assert.equal(tor.status().state, 'failed');
  assert.match(await readFile(join(dir, 'data', 'torrc'), 'utf8'), /ClientOnly/);
  await rm(dir, { recursive: true });
});
