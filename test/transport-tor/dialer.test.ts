import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { utf8 } from '../../src/safety/bytes.ts';
import { FakeNetwork } from '../../src/testnet/fake-proxy.ts';
import type { SocksRequest } from '../../src/testnet/fake-socks.ts';
import type { FakeTor } from '../../src/testnet/fake-tor.ts';
import { OnionDialer, type OnionDialerInit } from '../../src/transport-tor/dialer.ts';
import { DialError, SocksError } from '../../src/transport-tor/errors.ts';
import { RETRY_PAUSE_MS } from '../../src/transport-tor/limits.ts';
import { decodeOnion, type OnionAddress } from '../../src/wire/onion.ts';
import { ManualClock } from '../manual-clock.ts';

const SECRET = new Uint8Array(32).fill(2);

/** Of a dial whose first try was refused: its time limit, its hedge, the pause before its second try. */
const SLEEPERS = 3;

let dir: string;
let network: FakeNetwork;
let tor: FakeTor;
let service: Server;
let onion: OnionAddress;
let dials: SocksRequest[];
const sockets = new Set<Socket>();

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kith-d-'));
  dials = [];
  network = new FakeNetwork({ dir, onDial: (dial) => dials.push(dial) });
  tor = network.tor();
  await tor.start();
  service = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.pipe(socket);
  });
  service.listen(join(dir, 'svc'));
  await once(service, 'listening');
  const published = await tor.services.publish(new Uint8Array(32).fill(1), { socketPath: join(dir, 'svc') });
  onion = decodeOnion(published.host);
});

afterEach(async () => {
  await network.stop();
  for (const socket of sockets) socket.destroy();
  service.close();
  await rm(dir, { recursive: true });
});

function dialerOf(init: Partial<OnionDialerInit> = {}): OnionDialer {
  return new OnionDialer({ socksPath: () => tor.socksPath, secret: SECRET, ...init });
}

const ordinary = { purpose: 'test', isolation: 'me', early: new Uint8Array(0) };

describe('OnionDialer', () => {
  it('opens a stream with early data on it', async () => {
    const channel = await dialerOf().open(onion, { ...ordinary, early: utf8('hello ') });
    await channel.write(utf8('world'));
    let echoed = '';
    while (echoed.length < 11) echoed += Buffer.from((await channel.read()) ?? assert.fail('ended'));
    assert.equal(echoed, 'hello world');
    channel.abort(new Error('done'));
  });

  it('names circuits by purpose and by HMAC of isolation, onion and generation', async () => {
    const dialer = dialerOf();
    const other = dialerOf({ secret: new Uint8Array(32).fill(9) });
    for (const [by, isolation, purpose] of [
      [dialer, 'me', 'dht'],
      [dialer, 'me', 'dht'],
      [dialer, 'you', 'dht'],
      [dialer, 'me', 'mail'],
      [other, 'me', 'dht'],
    ] as const) {
      (await by.open(onion, { ...ordinary, isolation, purpose })).abort(new Error('done'));
    }
    const expected = createHmac('sha256', SECRET).update(`me${onion.host}0`).digest('hex');
    assert.equal(dials[0]?.password, expected);
    assert.equal(dials[0]?.username, 'dht');
    const names = dials.map(({ username, password }) => `${username} ${password}`);
    assert.equal(names[0], names[1]);
    assert.equal(new Set(names).size, 4);
  });

  it('refuses purposes that tor could misread, before any network', async () => {
    for (const purpose of ['', '<torS0X>0', 'Upper', 'a b', 'x'.repeat(256), 'ü']) {
      await assert.rejects(
        dialerOf().open(onion, { ...ordinary, purpose }),
        (error) => error instanceof DialError && error.code === 'BAD_ISOLATION',
      );
    }
    assert.deepEqual(dials, []);
  });

  it('waits until tor is ready', async () => {
    const ready = Promise.withResolvers<void>();
    const dialing = dialerOf({ ready: () => ready.promise }).open(onion, ordinary);
    await new Promise(setImmediate);
    assert.deepEqual(dials, []);
    ready.resolve();
    (await dialing).abort(new Error('done'));
    await assert.rejects(
      dialerOf({ ready: () => Promise.reject(new Error('not started')) }).open(onion, ordinary),
      /not started/,
    );
  });

  it('gives up after its own time limit, and holds that against the onion', async () => {
    const clock = new ManualClock();
    const dialer = dialerOf({ clock, random: () => new Uint8Array(4).fill(0), limits: { timeoutMs: 1000 } });
    network.stall();
    const dialing = dialer.open(onion, ordinary);
    const refused = assert.rejects(
      dialing,
      (error) =>
        error instanceof DialError && error.code === 'DIAL_TIMEOUT' && error.data['timeoutMs'] === 1000,
    );
    while (dials.length === 0) await new Promise(setImmediate);
    await clock.advance(1000);
    await refused;
    assert.equal(clock.sleeping, 0);
    assert.equal(dialer.export()[0]?.failures, 1);
    assert.deepEqual(dialer.stats(), { running: 0, waiting: 0 });
    while (network.stats().streams > 0) await new Promise(setImmediate);
  });

  it('is aborted by its caller, with the reason, and leaves no socket', async () => {
    const clock = new ManualClock();
    network.stall();
    const controller = new AbortController();
    const dialing = dialerOf({ clock }).open(onion, { ...ordinary, signal: controller.signal });
    const refused = assert.rejects(dialing, /no longer wanted/);
    while (dials.length === 0) await new Promise(setImmediate);
    controller.abort(new Error('no longer wanted'));
    await refused;
    assert.equal(clock.sleeping, 0);
    network.resume();
    while (network.stats().streams > 0) await new Promise(setImmediate);
    assert.equal(sockets.size, 0);
  });

  it('remembers what failed and what was reached, for itself and for the next process', async () => {
    const clock = new ManualClock();
    network.fail(onion.host, 0xf2);
    const dialer = dialerOf({ clock });
    const failing = assert.rejects(
      dialer.open(onion, ordinary),
      (error) => error instanceof SocksError && error.code === 'ONION_INTRO_FAILED',
    );
    while (clock.sleeping < SLEEPERS) await new Promise(setImmediate);
    await clock.advance(RETRY_PAUSE_MS);
    await failing;
    assert.equal(dials.length, 2);
    network.fail(onion.host, undefined);
    const waiting = dialer.open(onion, ordinary);
    await clock.advance(0);
    assert.equal(dials.length, 2);
    (await dialer.open(onion, { ...ordinary, urgent: true })).abort(new Error('done'));
    await clock.advance(5000);
    (await waiting).abort(new Error('done'));
    const [record] = dialer.export();
    assert.equal(record?.host, onion.host);
    assert.equal(record?.failures, 0);
    assert.ok((record?.reachedAtMs ?? 0) > 0);
    assert.deepEqual(dialerOf({ records: dialer.export() }).export(), dialer.export());
  });

  it('tries once more when a failure is a passing one', async () => {
    for (const code of [0xf0, 0xf2, 0xf3]) {
      const clock = new ManualClock();
      dials.length = 0;
      network.fail(onion.host, code);
      const dialing = dialerOf({ clock }).open(onion, { ...ordinary, early: utf8('again') });
      while (clock.sleeping < SLEEPERS) await new Promise(setImmediate);
      network.fail(onion.host, undefined);
      await clock.advance(RETRY_PAUSE_MS);
      const channel = await dialing;
      assert.equal(Buffer.from((await channel.read()) ?? []).toString(), 'again');
      channel.abort(new Error('done'));
      assert.equal(dials.length, 2);
      assert.equal(clock.sleeping, 0);
    }
    network.fail(onion.host, 0xf6);
    await assert.rejects(dialerOf().open(onion, ordinary));
    assert.equal(dials.length, 3);
  });

  it('does not hold a tor that is down against the onion', async () => {
    await tor.stop();
    const dialer = dialerOf();
    await assert.rejects(
      dialer.open(onion, ordinary),
      (error) => error instanceof SocksError && error.code === 'PROXY_UNREACHABLE',
    );
    assert.deepEqual(dialer.export(), []);
  });
});
