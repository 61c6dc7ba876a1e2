import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { concat, utf8 } from '../../src/safety/bytes.ts';
import { DialError, SocksError } from '../../src/transport-tor/errors.ts';
import { FALSE_ERROR_GRACE_MS } from '../../src/transport-tor/limits.ts';
import { type SocksConnectOptions, socksConnect } from '../../src/transport-tor/socks5.ts';
import { ManualClock } from '../manual-clock.ts';

const HOST = '2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid';

let dir: string;
let path: string;
let server: Server;
/** What the proxy does with its next client. */
let serve: (client: Socket) => void;
const clients = new Set<Socket>();

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kith-socks-'));
  path = join(dir, 's');
  server = createServer((client) => {
    clients.add(client);
    client.on('error', () => {});
    client.on('close', () => clients.delete(client));
    serve(client);
  });
  server.listen(path);
  await once(server, 'listening');
});

after(async () => {
  server.close();
  for (const client of clients) client.destroy();
  await rm(dir, { recursive: true });
});

function connect(options: Partial<SocksConnectOptions> = {}): Promise<Socket> {
  return socksConnect({ socksPath: path, host: HOST, port: 1000, username: 'p', password: 'q', ...options });
}

/** Answer to CONNECT. */
function reply(code: number): Uint8Array<ArrayBuffer> {
  return concat(Uint8Array.of(5, code, 0, 4), new Uint8Array(18));
}

/** Gives one answer to each of the three requests, and keeps all that was received. */
function converse(client: Socket, connect: (client: Socket) => void, received: Uint8Array[] = []): void {
  const answers = [Uint8Array.of(5, 2), Uint8Array.of(1, 0)];
  client.on('data', (chunk) => {
    received.push(chunk as Buffer);
    const answer = answers.shift();
    if (answer !== undefined) client.write(answer);
    else if (received.length === 3) connect(client);
  });
}

function answerWith(bytes: Uint8Array, received: Uint8Array[] = []): void {
  serve = (client) => converse(client, () => client.write(bytes), received);
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function refused(promise: Promise<unknown>, code: string): Promise<SocksError> {
  const error = await promise.then(
    () => assert.fail('connected'),
    (failure: unknown) => failure,
  );
  assert.ok(error instanceof SocksError, String(error));
  assert.equal(error.code, code);
  assert.ok(error.message.length > 15 && error.hint.length > 15);
  assert.ok(!JSON.stringify([error.message, error.hint, error.data]).includes(HOST));
  return error;
}

/** Every client of the proxy is gone. */
async function noClientsLeft(): Promise<void> {
  for (const client of clients) await new Promise((resolve) => client.once('close', resolve));
}

describe('socksConnect', () => {
  it('sends greeting, isolation, and CONNECT with early data behind it, each when it is its turn', async () => {
    const received: Uint8Array[] = [];
    answerWith(reply(0), received);
    const socket = await connect({ username: 'dht', password: 'abc', port: 258, early: utf8('hello') });
    const expected = [
      Uint8Array.of(5, 1, 2),
      concat(Uint8Array.of(1, 3), utf8('dht'), Uint8Array.of(3), utf8('abc')),
      concat(Uint8Array.of(5, 1, 0, 3, 62), utf8(`${HOST}.onion`), Uint8Array.of(1, 2), utf8('hello')),
    ];
    assert.deepEqual(
      received,
      expected.map((bytes) => Buffer.from(bytes)),
    );
    socket.destroy();
    await noClientsLeft();
  });

  it('can hold early data back until the reply', async () => {
    const received: Uint8Array[] = [];
    answerWith(reply(0), received);
    const socket = await connect({ early: utf8('hello'), earlyAfterReply: true });
    assert.ok(!Buffer.concat(received).includes('hello'));
    while (!Buffer.concat(received).includes('hello')) await once([...clients][0] as Socket, 'data');
    assert.ok(Buffer.concat(received).toString('latin1').endsWith('hello'));
    socket.destroy();
    await noClientsLeft();
  });

  it('loses no byte behind the reply, however both are cut', async () => {
    const answer = concat(reply(0), utf8('first bytes of the stream'));
    for (let cut = 1; cut < answer.length; cut++) {
      serve = (client) =>
        converse(client, () => {
          client.write(answer.subarray(0, cut));
          // the second part comes in a read of its own
          setImmediate(() => setImmediate(() => client.end(answer.subarray(cut))));
        });
      assert.equal(String(await readAll(await connect())), 'first bytes of the stream');
    }
    await noClientsLeft();
  });

  it('reads nothing from the stream before it is asked to', async () => {
    answerWith(concat(reply(0), utf8('early')));
    const socket = await connect();
    assert.equal(socket.readableFlowing === true, false);
    assert.equal(String(socket.read()), 'early');
    socket.destroy();
    await noClientsLeft();
  });

  it('takes an extended error for false while the stream stays open, at once when bytes come behind it', async () => {
    serve = (client) => converse(client, () => client.write(concat(reply(0xf0), utf8('hello'))));
    const spoken = await connect();
    assert.equal(String(spoken.read()), 'hello');
    spoken.destroy();

    const clock = new ManualClock();
    answerWith(reply(0xf0));
    const opening = connect({ clock });
    while (clock.sleeping === 0) await new Promise(setImmediate);
    await clock.advance(FALSE_ERROR_GRACE_MS);
    (await opening).destroy();
    assert.equal(clock.sleeping, 0);
  });

  it('gives each code of RFC 1928 and of tor its own error', async () => {
    const codes: readonly (readonly [number, string, boolean])[] = [
      [1, 'GENERAL_FAILURE', false],
      [2, 'NOT_ALLOWED', false],
      [3, 'NETWORK_UNREACHABLE', false],
      [4, 'HOST_UNREACHABLE', true],
      [5, 'CONNECTION_REFUSED', true],
      [6, 'TTL_EXPIRED', true],
      [7, 'COMMAND_UNSUPPORTED', false],
      [8, 'ADDRESS_UNSUPPORTED', false],
      [0xf0, 'ONION_DESCRIPTOR_NOT_FOUND', true],
      [0xf1, 'ONION_DESCRIPTOR_INVALID', true],
      [0xf2, 'ONION_INTRO_FAILED', true],
      [0xf3, 'ONION_REND_FAILED', true],
      [0xf4, 'ONION_AUTH_MISSING', true],
      [0xf5, 'ONION_AUTH_WRONG', true],
      [0xf6, 'ONION_BAD_ADDRESS', true],
      [0xf7, 'ONION_INTRO_TIMEOUT', true],
      [0x77, 'UNKNOWN_REPLY', false],
    ];
    const messages = new Set<string>();
    for (const [code, name, aboutOnion] of codes) {
      serve = (client) => converse(client, () => client.end(reply(code)));
      const error = await refused(connect(), name);
      assert.equal(error.reply, code);
      assert.equal(error.aboutOnion, aboutOnion, name);
      messages.add(error.message);
    }
    assert.equal(messages.size, codes.length);
    await noClientsLeft();
  });

  it('names what is wrong with the proxy itself', async () => {
    const greetedWith = (bytes: Uint8Array): void => {
      serve = (client) => client.once('data', () => client.write(bytes));
    };
    greetedWith(Uint8Array.of(5, 0xff));
    await refused(connect(), 'NO_METHOD');
    greetedWith(utf8('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await refused(connect(), 'BAD_REPLY');
    serve = (client) => {
      client.once('data', () => client.write(Uint8Array.of(5, 2)));
      client.on('data', (chunk) => chunk[0] === 1 && client.write(Uint8Array.of(1, 1)));
    };
    await refused(connect(), 'AUTH_REFUSED');
    // answers to questions that were not asked
    for (const early of [Uint8Array.of(5, 2, 1, 0), concat(Uint8Array.of(5, 2, 1, 0), reply(0))]) {
      greetedWith(early);
      await refused(connect(), 'BAD_REPLY');
    }
    await refused(connect({ socksPath: join(dir, 'nobody') }), 'PROXY_UNREACHABLE');
    for (let bytes = 0; bytes < 22; bytes++) {
      serve = (client) => converse(client, () => client.end(reply(0).subarray(0, bytes)));
      await refused(connect(), 'PROXY_CLOSED');
    }
    await noClientsLeft();
  });

  it('gives up at once with the reason of the signal, at every stage', async () => {
    await assert.rejects(connect({ signal: AbortSignal.abort(new Error('before')) }), /before/);
    for (let bytes = 0; bytes < 22; bytes += 5) {
      const controller = new AbortController();
      serve = (client) =>
        converse(client, () => {
          client.write(reply(0).subarray(0, bytes));
          setImmediate(() => controller.abort(new Error('no longer wanted')));
        });
      await assert.rejects(connect({ signal: controller.signal }), /no longer wanted/);
    }
    await noClientsLeft();
  });

  it('leaves the signal alone once it is connected', async () => {
    answerWith(reply(0));
    const controller = new AbortController();
    const socket = await connect({ signal: controller.signal });
    controller.abort();
    assert.equal(socket.destroyed, false);
    socket.destroy();
    await noClientsLeft();
  });

  it('refuses isolation names that SOCKS cannot carry', async () => {
    for (const username of ['', 'x'.repeat(256), 'ü'.repeat(128)]) {
      await assert.rejects(
        async () => connect({ username }),
        (error) => error instanceof DialError && error.code === 'BAD_ISOLATION',
      );
    }
  });
});
