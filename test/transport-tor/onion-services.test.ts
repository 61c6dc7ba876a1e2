/** Against a scripted control port; real tor: tor/tor.test.ts. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { ed25519 } from '@noble/curves/ed25519.js';
import { type Log, silent } from '../../src/safety/log.ts';
import { base32, expandSeed } from '../../src/transport-tor/onion-command.ts';
import { OnionServices } from '../../src/transport-tor/onion-services.ts';
import { ControlClient } from '../../src/transport-tor/tor/control.ts';
import {
  type OnionServiceErrorCode,
  OnionServiceError,
  TorError,
} from '../../src/transport-tor/tor/errors.ts';
import {
  MAX_CLIENT_KEYS,
  REFRESH_TIMEOUT_MS,
  SET_CLIENTS_INTERVAL_MS,
  UPLOAD_TIMEOUT_MS,
} from '../../src/transport-tor/tor/limits.ts';
import { onionOf } from '../../src/wire/onion.ts';
import { ManualClock } from '../manual-clock.ts';
import { type Answer, FakeControl } from './tor/fake-control.ts';

const SEED = new Uint8Array(32).fill(5);
const HOST = onionOf(ed25519.getPublicKey(SEED)).host;
const OPTIONS = { socketPath: '/s/x' };
const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

class Bench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly services: OnionServices;
  control: ControlClient | null = null;
  expected = true;
  readonly #fakes: FakeControl[] = [];

  constructor(log: Log = silent) {
    this.services = new OnionServices({
      control: () => this.control,
      expected: () => this.expected,
      clock: this.clock,
      log,
    });
  }

  /** A new tor that answers like this. */
  async up(answer: Answer = () => '250 OK\r\n'): Promise<FakeControl> {
    const fake = await FakeControl.start(answer);
    this.#fakes.push(fake);
    this.control = await ControlClient.connect(fake.path, { clock: this.clock });
    await this.services.restore(this.control);
    return fake;
  }

  down(): void {
    this.control?.close();
    this.control = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.down();
    for (const fake of this.#fakes) await fake[Symbol.asyncDispose]();
  }
}

const uploaded = (host = HOST): string => `650 HS_DESC UPLOADED ${host} UNKNOWN $AA\r\n`;
const commands = (fake: FakeControl, word: string): string[] =>
  fake.lines.filter((line) => line.startsWith(word));
const code =
  (expected: OnionServiceErrorCode) =>
  (error: unknown): boolean =>
    error instanceof OnionServiceError && error.code === expected && error.hint !== '';

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

test("the key of ADD_ONION is the clamped SHA-512 expansion, whose public key is the seed's own", () => {
  const blob = Buffer.from(expandSeed(SEED), 'base64');
  const hash = createHash('sha512').update(SEED).digest();
  assert.deepEqual(blob.subarray(32), hash.subarray(32));
  const scalar = BigInt(`0x${Buffer.from(blob.subarray(0, 32)).reverse().toString('hex')}`);
  assert.deepEqual([blob[0]! & 7, blob[31]! & 192], [0, 64]);
  const point = ed25519.Point.BASE.multiply(scalar % ed25519.Point.Fn.ORDER);
  assert.deepEqual(point.toBytes(), ed25519.getPublicKey(SEED));
  assert.throws(() => expandSeed(new Uint8Array(31)), RangeError);
});

test('base32 as in RFC 4648, without padding', () => {
  const encode = (text: string): string => base32(Buffer.from(text));
  assert.deepEqual(['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map(encode), [
    '',
    'my',
    'mzxq',
    'mzxw6',
    'mzxw6yq',
    'mzxw6ytb',
    'mzxw6ytboi',
  ]);
});

test('publish resolves with the first upload of this very service', async () => {
  await using bench = new Bench();
  const fake = await bench.up();
  let done = false;
  const publishing = bench.services.publish(SEED, { ...OPTIONS, port: 7, maxStreams: 5 }).then((onion) => {
    done = true;
    return onion;
  });
  await until(() => commands(fake, 'ADD_ONION').length === 1);
  fake.say(uploaded('x'.repeat(56)) + `650 HS_DESC FAILED ${HOST} UNKNOWN $AA REASON=UPLOAD_REJECTED\r\n`);
  await bench.control?.command('GETINFO', ['x']);
  assert.equal(done, false);
  fake.say(uploaded());
  assert.equal((await publishing).host, HOST);
  assert.deepEqual(commands(fake, 'ADD_ONION'), [
    `ADD_ONION ED25519-V3:${expandSeed(SEED)} Flags=DiscardPK,MaxStreamsCloseCircuit MaxStreams=5 PoWDefensesEnabled=1 Port=7,unix:/s/x`,
  ]);
  await assert.rejects(bench.services.publish(SEED, OPTIONS), code('ONION_IN_USE'));
});

test('client keys go as base32; an empty list keeps everybody out instead of letting everybody in', async () => {
  await using bench = new Bench();
  const fake = await bench.up();
  void bench.services.publish(SEED, { ...OPTIONS, clientAuth: [key(1), key(2)], pow: false, maxStreams: 0 });
  void bench.services.publish(key(6), { ...OPTIONS, clientAuth: [] });
  await until(() => commands(fake, 'ADD_ONION').length === 2);
  const [two, none] = commands(fake, 'ADD_ONION');
  assert.match(
    two ?? '',
    new RegExp(
      ` Flags=DiscardPK,V3Auth Port=1000,unix:/s/x ClientAuthV3=${base32(key(1))} ClientAuthV3=${base32(key(2))}$`,
    ),
  );
  assert.match(none ?? '', /Flags=DiscardPK,V3Auth,.* ClientAuthV3=[a-z2-7]{52}$/);
});

test('no upload in time is ONION_NOT_UPLOADED and takes the service back', async () => {
  await using bench = new Bench();
  const fake = await bench.up();
  const failed = assert.rejects(bench.services.publish(SEED, OPTIONS), (error: OnionServiceError) => {
    assert.ok(code('ONION_NOT_UPLOADED')(error));
    assert.equal(error.data['failedUploads'], 1);
    return true;
  });
  await until(() => commands(fake, 'ADD_ONION').length === 1);
  fake.say(`650 HS_DESC FAILED ${HOST} UNKNOWN $AA REASON=UPLOAD_REJECTED\r\n`);
  await bench.control?.command('GETINFO', ['x']);
  await bench.clock.advance(UPLOAD_TIMEOUT_MS);
  await failed;
  await until(() => commands(fake, 'DEL_ONION').length === 1);
  assert.deepEqual(commands(fake, 'DEL_ONION'), [`DEL_ONION ${HOST}`]);
});

test('an abort takes the service back and rejects with the reason', async () => {
  await using bench = new Bench();
  const fake = await bench.up();
  const abort = new AbortController();
  const failed = assert.rejects(bench.services.publish(SEED, { ...OPTIONS, signal: abort.signal }), /enough/);
  await until(() => commands(fake, 'ADD_ONION').length === 1);
  abort.abort(new Error('enough'));
  await failed;
  await until(() => commands(fake, 'DEL_ONION').length === 1);
});

test('a refused service is ONION_REFUSED, and no error or log shows the key or the address', async () => {
  const logged: string[] = [];
  await using bench = new Bench((...line) => logged.push(JSON.stringify(line)));
  const blob = expandSeed(SEED);
  await bench.up((line) => (line.startsWith('ADD_ONION') ? `512 Bad key ${blob} ${HOST}\r\n` : '250 OK\r\n'));
  const error: OnionServiceError = await bench.services.publish(SEED, OPTIONS).then(
    () => assert.fail(),
    (caught) => caught,
  );
  assert.ok(code('ONION_REFUSED')(error));
  const shown =
    JSON.stringify([error.message, error.hint, error.data, error.stack, String(error.cause)]) + logged.join();
  assert.ok(!shown.includes(blob) && !shown.includes(HOST));
});

test('a service that was published while tor was coming, or before it died, is handed to each new tor', async () => {
  await using bench = new Bench();
  const publishing = bench.services.publish(SEED, OPTIONS);
  await bench.services.addClientKey(onionOf(key(9)).host, key(3));
  const first = await bench.up();
  assert.equal(commands(first, 'ADD_ONION').length, 1);
  bench.down(); // before the upload: the caller still waits
  const second = await bench.up();
  assert.deepEqual(commands(second, 'ADD_ONION'), commands(first, 'ADD_ONION'));
  assert.deepEqual(commands(second, 'ONION_CLIENT_AUTH_ADD'), [
    `ONION_CLIENT_AUTH_ADD ${onionOf(key(9)).host} x25519:${Buffer.from(key(3)).toString('base64')}`,
  ]);
  second.say(uploaded());
  const onion = await publishing;
  await onion.close();
  await bench.services.removeClientKey(onionOf(key(9)).host);
  bench.down();
  const third = await bench.up();
  assert.deepEqual([commands(third, 'ADD_ONION'), commands(third, 'ONION_CLIENT_AUTH_ADD')], [[], []]);
});

test('without a tor to come publish is TOR_NOT_READY', async () => {
  await using bench = new Bench();
  bench.expected = false;
  await assert.rejects(
    bench.services.publish(SEED, OPTIONS),
    (error: unknown) => error instanceof TorError && error.code === 'TOR_NOT_READY',
  );
  await assert.rejects(
    bench.services.publish(SEED, { socketPath: `/${'x'.repeat(103)}` }),
    (error: unknown) => error instanceof TorError && error.code === 'TOR_SOCKET_PATH',
  );
});

test('changes of the client keys are gathered: at once, then once per ten seconds, always with the newest', async () => {
  await using bench = new Bench();
  const fake = await bench.up();
  const publishing = bench.services.publish(SEED, { ...OPTIONS, clientAuth: [key(1)] });
  await until(() => commands(fake, 'ADD_ONION').length === 1);
  fake.say(uploaded());
  const onion = await publishing;

  const together = [onion.setClients([key(2)]), onion.setClients([key(2), key(3)])];
  await until(() => commands(fake, 'ADD_ONION').length === 2);
  fake.say(uploaded());
  await Promise.all(together);
  assert.match(
    commands(fake, 'ADD_ONION').at(-1) ?? '',
    new RegExp(`${base32(key(2))} ClientAuthV3=${base32(key(3))}$`),
  );

  const later = [onion.setClients([key(4)]), onion.setClients([key(5)])];
  await bench.clock.advance(SET_CLIENTS_INTERVAL_MS - 1);
  assert.equal(commands(fake, 'ADD_ONION').length, 2);
  await bench.clock.advance(1);
  await until(() => commands(fake, 'ADD_ONION').length === 3);
  fake.say(uploaded());
  await Promise.all(later);
  assert.equal(commands(fake, 'DEL_ONION').length, 2);
  assert.match(commands(fake, 'ADD_ONION').at(-1) ?? '', new RegExp(` ClientAuthV3=${base32(key(5))}$`));
});

test('a tor that dies between the two halves of a change gets the newest keys at its return', async () => {
  await using bench = new Bench();
  const fake = await bench.up((line, socket) => {
    if (line.startsWith('DEL_ONION')) socket.destroy();
    return '250 OK\r\n';
  });
  const publishing = bench.services.publish(SEED, { ...OPTIONS, clientAuth: [key(1)] });
  await until(() => commands(fake, 'ADD_ONION').length === 1);
  fake.say(uploaded());
  const changing = (await publishing).setClients([key(2)]);
  await until(() => commands(fake, 'DEL_ONION').length === 1);
  const second = await bench.up();
  assert.match(commands(second, 'ADD_ONION')[0] ?? '', new RegExp(` ClientAuthV3=${base32(key(2))}$`));
  second.say(uploaded());
  await changing;
});

test('too many keys, keys of another size and a closed service are refused', async () => {
  await using bench = new Bench();
  const fake = await bench.up();
  const many = Array.from({ length: MAX_CLIENT_KEYS + 1 }, () => key(1));
  await assert.rejects(
    bench.services.publish(SEED, { ...OPTIONS, clientAuth: many }),
    code('ONION_TOO_MANY_CLIENTS'),
  );
  await assert.rejects(
    bench.services.publish(SEED, { ...OPTIONS, clientAuth: [new Uint8Array(31)] }),
    RangeError,
  );
  const publishing = bench.services.publish(SEED, { ...OPTIONS, clientAuth: many.slice(1) });
  await until(() => commands(fake, 'ADD_ONION').length === 1);
  fake.say(uploaded());
  const onion = await publishing;
  await assert.rejects(onion.setClients(many), code('ONION_TOO_MANY_CLIENTS'));
  const abort = new AbortController();
  const aborted = assert.rejects(onion.setClients([key(1)], abort.signal), /enough/);
  abort.abort(new Error('enough'));
  await aborted;
  const closing = assert.rejects(onion.setClients([key(2)]), code('ONION_CLOSED'));
  await onion.close();
  await closing;
  await assert.rejects(onion.setClients([key(3)]), code('ONION_CLOSED'));
  await onion.close();
});

test('refresh fetches the newest descriptor and says whether one came', async () => {
  await using bench = new Bench();
  assert.equal(await bench.services.refresh(HOST), false, 'no tor');
  let event = `650 HS_DESC RECEIVED ${HOST} NO_AUTH $AA x\r\n`;
  let reply = '250 OK\r\n';
  const fake = await bench.up((line) => (line.startsWith('HSFETCH') ? reply + event : '250 OK\r\n'));
  assert.equal(await bench.services.refresh(HOST), true);
  assert.deepEqual(commands(fake, 'HSFETCH'), [`HSFETCH ${HOST}`]);
  event = `650 HS_DESC FAILED ${HOST} NO_AUTH $AA REASON=NOT_FOUND\r\n`;
  assert.equal(await bench.services.refresh(HOST), false);
  [reply, event] = ['512 no\r\n', ''];
  assert.equal(await bench.services.refresh(HOST), false);
  reply = '250 OK\r\n';
  const late = bench.services.refresh(HOST);
  await until(() => commands(fake, 'HSFETCH').length === 4);
  await bench.control?.command('GETINFO', ['x']);
  await bench.clock.advance(REFRESH_TIMEOUT_MS);
  assert.equal(await late, false);
  await assert.rejects(bench.services.refresh(HOST, AbortSignal.abort(new Error('enough'))), /enough/);
});
