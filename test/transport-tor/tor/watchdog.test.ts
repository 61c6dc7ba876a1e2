import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silent } from '../../../src/safety/log.ts';
import { ControlClient } from '../../../src/transport-tor/tor/control.ts';
import type { TorError } from '../../../src/transport-tor/tor/errors.ts';
import { CLOCK_JUMP_MS, LONG_CLOCK_JUMP_MS } from '../../../src/transport-tor/tor/limits.ts';
import { watchTor } from '../../../src/transport-tor/tor/watchdog.ts';
import { ManualClock } from '../../manual-clock.ts';
import { FakeControl } from './fake-control.ts';

const LIMITS = { intervalMs: 1_000, frozenAfterMs: 10_000, noCircuitAfterMs: 5_000 };

/** A watched control port whose answers and time belong to the test. */
class Watched implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly circuits: boolean[] = [];
  readonly verdict: Promise<TorError | null>;
  readonly fake: FakeControl;
  expectsCircuits = true;
  readonly #abort = new AbortController();
  readonly #control: ControlClient;

  private constructor(fake: FakeControl, control: ControlClient, clock: ManualClock) {
    this.fake = fake;
    this.#control = control;
    this.clock = clock;
    this.verdict = watchTor({
      control,
      clock,
      log: silent,
      limits: LIMITS,
      signal: this.#abort.signal,
      expectsCircuits: () => this.expectsCircuits,
      onCircuits: (working) => this.circuits.push(working),
    });
  }

  static async start(answer: (line: string) => string | null): Promise<Watched> {
    const clock = new ManualClock();
    const fake = await FakeControl.start((line) => answer(line));
    return new Watched(fake, await ControlClient.connect(fake.path, { clock }), clock);
  }

  /** The commands of the watchdog so far. */
  get commands(): string[] {
    return this.fake.lines
      .filter((line) => /^(GETINFO|SIGNAL|SETCONF)/.test(line))
      .map((line) => line.split(' ', 2).join(' '));
  }

  count(command: string): number {
    return this.commands.filter((line) => line === command).length;
  }

  /** Lets `ms` pass and waits until the watchdog has all its answers and sleeps again. */
  async beat(ms: number = LIMITS.intervalMs): Promise<void> {
    await this.clock.advance(ms);
    await this.quiet();
  }

  /** Until a command of ours has been answered and none of the watchdog came in between. */
  async quiet(): Promise<void> {
    for (let seen = -1; this.fake.lines.length !== seen + 1; ) {
      seen = this.fake.lines.length;
      await this.#control.command('NOOP');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.verdict;
    this.#control.close();
    await this.fake[Symbol.asyncDispose]();
  }
}

const info = (established: 0 | 1, liveness = 'up'): string =>
  `250-status/circuit-established=${established}\r\n250-network-liveness=${liveness}\r\n250 OK\r\n`;

test('a healthy tor is only asked', async () => {
  await using watched = await Watched.start(() => info(1));
  for (let i = 0; i < 5; i++) await watched.beat();
  assert.deepEqual(watched.commands, Array(5).fill('GETINFO status/circuit-established'));
  assert.deepEqual(watched.circuits, []);
});

test('a tor that stays silent beyond its time is TOR_FROZEN, after a second question', async () => {
  await using watched = await Watched.start((line) => (line.startsWith('GETINFO') ? null : '250 OK\r\n'));
  await watched.clock.advance(LIMITS.intervalMs);
  await watched.until(() => watched.count('GETINFO status/circuit-established') === 1);
  await watched.clock.advance(LIMITS.frozenAfterMs - LIMITS.intervalMs);
  await watched.until(() => watched.count('GETINFO status/circuit-established') === 2);
  const early = await Promise.race([watched.verdict, Promise.resolve('waiting')]);
  assert.equal(early, 'waiting');
  await watched.clock.advance(LIMITS.intervalMs);
  assert.equal((await watched.verdict)?.code, 'TOR_FROZEN');
});

test('an answer to the second question saves it', async () => {
  let silent = true;
  await using watched = await Watched.start((line) => {
    if (!line.startsWith('GETINFO')) return '250 OK\r\n';
    if (!silent) return info(1);
    silent = false;
    return null;
  });
  await watched.clock.advance(LIMITS.intervalMs);
  await watched.until(() => watched.count('GETINFO status/circuit-established') === 1);
  await watched.clock.advance(LIMITS.frozenAfterMs - LIMITS.intervalMs);
  await watched.until(() => watched.count('GETINFO status/circuit-established') === 2);
  watched.fake.say(info(1)); // the late answer to the first, in its place
  await watched.quiet();
  await watched.beat();
  assert.equal(watched.count('GETINFO status/circuit-established'), 3);
});

test('a jump of the clock wakes tor; a long one also makes it connect anew', async () => {
  await using watched = await Watched.start((line) => (line.startsWith('GETINFO') ? info(1) : '250 OK\r\n'));
  await watched.beat();
  watched.clock.setWall(watched.clock.now() + CLOCK_JUMP_MS - 1);
  await watched.beat();
  assert.equal(watched.count('SIGNAL ACTIVE'), 0);
  watched.clock.setWall(watched.clock.now() + CLOCK_JUMP_MS);
  await watched.beat();
  assert.equal(watched.count('SIGNAL ACTIVE'), 1);
  assert.equal(watched.count('SETCONF DisableNetwork=1'), 0);
  watched.clock.setWall(watched.clock.now() + LONG_CLOCK_JUMP_MS);
  await watched.beat();
  assert.deepEqual(watched.commands.slice(-4), [
    'SIGNAL ACTIVE',
    'SETCONF DisableNetwork=1',
    'SETCONF DisableNetwork=0',
    'GETINFO status/circuit-established',
  ]);
  watched.clock.setWall(watched.clock.now() - 10 * LONG_CLOCK_JUMP_MS); // back: nothing to do
  await watched.beat();
  assert.equal(watched.count('SIGNAL ACTIVE'), 2);
});

test('without a circuit for its time tor connects anew, again after each such time, and the status hears of it', async () => {
  let answer = info(1);
  await using watched = await Watched.start((line) => (line.startsWith('GETINFO') ? answer : '250 OK\r\n'));
  await watched.beat();
  answer = info(1, 'down');
  for (let i = 0; i < 4; i++) await watched.beat();
  assert.equal(watched.count('SETCONF DisableNetwork=1'), 0);
  await watched.beat();
  assert.equal(watched.count('SETCONF DisableNetwork=1'), 1);
  answer = info(0);
  for (let i = 0; i < 5; i++) await watched.beat();
  assert.equal(watched.count('SETCONF DisableNetwork=1'), 2);
  answer = info(1);
  for (let i = 0; i < 6; i++) await watched.beat();
  assert.equal(watched.count('SETCONF DisableNetwork=1'), 2);
  assert.deepEqual(watched.circuits, [false, true]);
});

test('during the bootstrap missing circuits are no trouble', async () => {
  await using watched = await Watched.start((line) => (line.startsWith('GETINFO') ? info(0) : '250 OK\r\n'));
  watched.expectsCircuits = false;
  for (let i = 0; i < 10; i++) await watched.beat();
  assert.equal(watched.count('SETCONF DisableNetwork=1'), 0);
  assert.deepEqual(watched.circuits, []);
});

test('the end of the connection is no verdict', async () => {
  await using watched = await Watched.start(() => info(1));
  for (const socket of watched.fake.sockets) socket.destroy();
  await watched.clock.advance(LIMITS.intervalMs);
  assert.equal(await watched.verdict, null);
});
