import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { x25519 } from '@noble/curves/ed25519.js';
import { FakeNetwork, type FakeNetworkInit } from '../../src/testnet/fake-proxy.ts';
import type { FakeTor } from '../../src/testnet/fake-tor.ts';
import { SocksError } from '../../src/transport-tor/errors.ts';
import { socksConnect } from '../../src/transport-tor/socks5.ts';
import { utf8 } from '../../src/safety/bytes.ts';

const SEED = new Uint8Array(32).fill(5);
const KIB = 1024;

let dir: string;
let network: FakeNetwork;
let tor: FakeTor;
let service: Server;
let host: string;
/** Sockets that the service received, each from the moment it was opened. */
let sockets: Socket[];

async function setUp(init: Partial<FakeNetworkInit> = {}): Promise<void> {
  network = new FakeNetwork({ dir, ...init });
  tor = network.tor();
  await tor.start();
  ({ host } = await tor.services.publish(SEED, { socketPath: join(dir, 'service') }));
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kith-fake-'));
  sockets = [];
  service = createServer((socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
  });
  service.listen(join(dir, 'service'));
  await once(service, 'listening');
});

afterEach(async () => {
  await network.stop();
  for (const socket of sockets) socket.destroy();
  service.close();
  await rm(dir, { recursive: true });
});

function dial(
  options: { early?: Uint8Array; port?: number; host?: string; tor?: FakeTor } = {},
): Promise<Socket> {
  return socksConnect({
    socksPath: (options.tor ?? tor).socksPath,
    host: options.host ?? host,
    port: options.port ?? 1000,
    username: 'test',
    password: 'x',
    ...(options.early === undefined ? {} : { early: options.early }),
  });
}

async function inbound(at = 0): Promise<Socket> {
  while (sockets.length <= at) await once(service, 'connection');
  return sockets[at] as Socket;
}

async function refused(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error) => error instanceof SocksError && error.code === code);
}

/** Reads exactly `bytes` bytes, pausing in between where asked to. */
async function read(socket: Socket, bytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let missing = bytes; missing > 0; ) {
    const part = socket.read(Math.min(missing, socket.readableLength || missing)) as Buffer | null;
    if (part === null) await once(socket, 'readable');
    else {
      parts.push(part);
      missing -= part.length;
    }
  }
  return Buffer.concat(parts);
}

describe('FakeNetwork', () => {
  it('carries bytes both ways, early ones first', async () => {
    await setUp();
    const client = await dial({ early: utf8('hello ') });
    client.write('world');
    const server = await inbound();
    assert.equal(String(await read(server, 11)), 'hello world');
    server.write('back');
    assert.equal(String(await read(client, 4)), 'back');
    client.destroy();
  });

  it('costs two round trips to connect, and delivers early data together with the connection', async () => {
    await setUp({ delayMs: 60 });
    let bestGapMs = Infinity;
    // lower bounds are exact; the upper one is for the best of some, since a busy machine adds to single ones
    for (let at = 0; at < 5 && bestGapMs >= 60; at++) {
      const startedAt = performance.now();
      const dialing = dial({ early: utf8('early') });
      const server = await inbound(at);
      assert.ok(performance.now() - startedAt >= 178, 'set-up and BEGIN');
      assert.equal(String(await read(server, 5)), 'early');
      server.write('reply');
      const client = await dialing;
      const connectedAt = performance.now();
      assert.ok(connectedAt - startedAt >= 238, 'CONNECTED');
      await read(client, 5);
      bestGapMs = Math.min(bestGapMs, performance.now() - connectedAt);
      client.destroy();
    }
    // without early data the reply would take a round trip of 120 ms more
    assert.ok(bestGapMs < 60, String(bestGapMs));
  });

  it('keeps the order of bytes under jitter', async () => {
    await setUp({ delayMs: 1, jitterMs: 15, setupMs: 0 });
    const client = await dial();
    const server = await inbound();
    const sent: Buffer[] = [];
    for (let i = 0; i < 60; i++) {
      const chunk = randomBytes(1 + (i % 7) * 50);
      sent.push(chunk);
      client.write(chunk);
      await new Promise(setImmediate);
    }
    const all = Buffer.concat(sent);
    assert.deepEqual(await read(server, all.length), all);
    client.destroy();
  });

  it('stops a fast writer when nobody reads, and holds no more than it may', async () => {
    await setUp({ bufferBytes: 256 * KIB });
    const client = await dial();
    const server = await inbound();
    server.pause();
    let written = 0;
    while (client.write(Buffer.alloc(64 * KIB)) || (await drainedWithin(client, 150))) written += 64 * KIB;
    // kernel and node buffers of four sockets come on top of the line
    assert.ok(network.stats().peakHeldBytes <= 512 * KIB, String(network.stats().peakHeldBytes));
    assert.ok(written < 3 * 1024 * KIB, String(written));
    let received = 0;
    server.on('data', (chunk) => {
      received += chunk.length;
    });
    server.resume();
    client.end();
    await once(server, 'end');
    assert.equal(received, client.bytesWritten - requestBytes());
    assert.equal(network.stats().heldBytes, 0);
  });

  it('ends both directions when one side ends, after what it sent', async () => {
    await setUp({ delayMs: 5 });
    const client = await dial();
    const server = await inbound();
    client.end('last words');
    const chunks: Buffer[] = [];
    for await (const chunk of server) chunks.push(chunk as Buffer);
    assert.equal(String(Buffer.concat(chunks)), 'last words');
    server.end('nobody hears this');
    client.resume();
    if (!client.closed) await once(client, 'close');
    assert.equal(client.bytesRead, 26);
  });

  it('survives both sides ending at once', async () => {
    await setUp({ delayMs: 5 });
    const client = await dial();
    const server = await inbound();
    client.end();
    server.end();
    client.resume();
    server.resume();
    await Promise.all([once(client, 'close'), once(server, 'close')]);
    await streamsGone();
  });

  it('cuts circuits, all or those of one onion or tor', async () => {
    await setUp();
    const other = network.tor();
    await other.start();
    const clients = [await dial(), await dial({ tor: other })];
    for (const client of clients) client.resume();
    await inbound(1);
    assert.equal(network.kill({ host: 'x'.repeat(56) }), 0);
    assert.equal(network.kill({ tor: other }), 1);
    await once(clients[1] as Socket, 'close');
    assert.equal(clients[0]?.destroyed, false);
    assert.equal(network.kill({ host }), 1);
    await once(clients[0] ?? assert.fail(), 'close');
    for (const socket of sockets) if (!socket.destroyed) await once(socket.resume(), 'close');
    await streamsGone();
  });

  it('stalls and goes on without losing anything', async () => {
    await setUp();
    const client = await dial();
    const server = await inbound();
    network.stall();
    client.write('held');
    const later = dial();
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(server.readableLength, 0);
    assert.equal(sockets.length, 1);
    network.resume();
    assert.equal(String(await read(server, 4)), 'held');
    (await later).destroy();
    client.destroy();
  });

  it('answers with the codes of tor', async () => {
    await setUp();
    await refused(dial({ host: 'a'.repeat(56) }), 'ONION_BAD_ADDRESS');
    await refused(dial({ port: 1001 }), 'CONNECTION_REFUSED');
    network.fail(host, 0xf7);
    await refused(dial(), 'ONION_INTRO_TIMEOUT');
    network.fail(host, undefined);
    (await dial()).destroy();
    service.close();
    await once(service, 'close').catch(() => {});
    await refused(dial(), 'CONNECTION_REFUSED');
    const again = await tor.services.publish(SEED, { socketPath: join(dir, 'service') });
    await again.close();
    await refused(dial(), 'ONION_DESCRIPTOR_NOT_FOUND');
  });

  it('admits by client key as tor does', async () => {
    await setUp();
    const secret = new Uint8Array(32).fill(9);
    const clientAuth = [x25519.getPublicKey(secret)];
    const published = await tor.services.publish(SEED, { socketPath: join(dir, 'service'), clientAuth });
    await refused(dial(), 'ONION_AUTH_MISSING');
    await tor.services.addClientKey(host, new Uint8Array(32).fill(8));
    await refused(dial(), 'ONION_AUTH_WRONG');
    await tor.services.addClientKey(host, secret);
    (await dial()).destroy();
    await published.setClients([x25519.getPublicKey(new Uint8Array(32).fill(7))]);
    await refused(dial(), 'ONION_AUTH_WRONG');
    await tor.services.removeClientKey(host);
    await refused(dial(), 'ONION_AUTH_MISSING');
  });

  it('loses the same dials for the same seed', async () => {
    const outcomes: string[] = [];
    for (let run = 0; run < 2; run++) {
      if (run > 0) await network.stop();
      await setUp({ seed: 42, loss: 0.4, lossCodes: [0xf2, 0xf3] });
      const codes: string[] = [];
      for (let i = 0; i < 30; i++) {
        const socket = await dial().catch((error: SocksError) => error.code);
        codes.push(typeof socket === 'string' ? socket : 'open');
        if (typeof socket !== 'string') socket.destroy();
      }
      outcomes.push(codes.join());
    }
    assert.equal(outcomes[0], outcomes[1]);
    for (const code of ['open', 'ONION_INTRO_FAILED', 'ONION_REND_FAILED'])
      assert.match(outcomes[0] ?? '', RegExp(code));
  });

  it('drops a dialer that gives up, or that speaks something else', async () => {
    await setUp({ delayMs: 10_000 });
    await assert.rejects(
      socksConnect({
        socksPath: tor.socksPath,
        host,
        port: 1000,
        username: 'a',
        password: 'b',
        signal: AbortSignal.timeout(20),
      }),
      /timeout/i,
    );
    network.set({ delayMs: 0 });
    const { connect } = await import('node:net');
    const stranger = connect(tor.socksPath);
    stranger.on('error', () => {});
    stranger.write(Buffer.alloc(4 * KIB, 'GET / HTTP/1.1'));
    stranger.resume();
    await once(stranger, 'close');
  });

  it('says where it is in its life, and takes its streams with it', async () => {
    await setUp();
    assert.deepEqual(tor.status(), { state: 'ready' });
    const client = await dial();
    client.resume();
    await tor.stop();
    assert.deepEqual(tor.status(), { state: 'stopped' });
    if (!client.destroyed) await once(client, 'close');
    await refused(dial(), 'PROXY_UNREACHABLE');
    await tor.start();
    (await dial()).destroy();
  });
});

/** Bytes of the SOCKS request in front of the stream. */
function requestBytes(): number {
  return 3 + 2 + 4 + 1 + 1 + 5 + 62 + 2;
}

async function drainedWithin(socket: Socket, ms: number): Promise<boolean> {
  return once(socket, 'drain', { signal: AbortSignal.timeout(ms) }).then(
    () => true,
    () => false,
  );
}

async function streamsGone(): Promise<void> {
  while (network.stats().streams > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(network.stats().heldBytes, 0);
}
