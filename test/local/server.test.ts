import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { RpcClient } from '../../src/local/client.ts';
import { type NodeFace, nodeMethods } from '../../src/local/methods.ts';
import { RpcServer } from '../../src/local/server.ts';
import { refusal } from '../../src/say/errors.ts';
import { decodeOnion } from '../../src/wire/onion.ts';

const ONION = 'duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion';

let dir: string;
let path: string;
let stop: (() => Promise<void>)[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kith-local-'));
  path = join(dir, 's');
  stop = [() => rm(dir, { recursive: true, force: true })];
});
afterEach(async () => {
  for (const step of stop.toReversed()) await step();
});

/** A node that keeps what is said to it, or refuses it after `refuseAfter` bytes. */
function node(refuseAfter = Number.POSITIVE_INFINITY) {
  const said: Buffer[] = [];
  const face: NodeFace & { said: Buffer[]; ended?: unknown } = {
    said,
    status: () => ({
      state: 'reachable',
      onion: ONION,
      startedAt: '2026-01-01T00:00:00.000Z',
      tor: { state: 'ready', progress: 100, summary: 'Done', restarts: 0 },
      overlay: {
        state: 'joined',
        role: 'ordinary',
        onion: ONION,
        epoch: 20_000,
        changing: false,
        peers: 1,
        slots: 0,
        entryPoints: 1,
        cause: null,
      },
      people: { friends: 0, requests: 0, links: 0, waiting: 0, bytes: { sent: 0, received: 0 } },
      pid: 1,
      rssBytes: 1,
    }),
    peers: () => ({ peers: [ONION], entryPoints: [{ onion: ONION, source: 'config', reachedAtMs: null }] }),
    addPeer: async () => {},
    backup: async (at, passphrase) => ({ rows: at.length + passphrase.length }),
    putSlot: async (content) => ({
      reference: `kith-slot:${content.length}`,
      expiry: 1,
      holders: 1,
      tookMs: 1,
    }),
    getSlot: async () => ({ content: new Uint8Array(3), expiry: 1, answers: 1, conflicts: 0, tookMs: 1 }),
    onAnnounced: (listener) => {
      listener({ onion: decodeOnion(ONION), expiry: 1 });
      return () => {};
    },
    say: async (_onion, content, options) => {
      options?.onRetry?.(refusal('failed', 0));
      options?.onConnected?.();
      const signal = options?.signal;
      signal?.addEventListener('abort', () => {
        face.ended = signal.reason;
      });
      let sizeBytes = 0;
      for await (const chunk of content) {
        sizeBytes += chunk.length;
        if (sizeBytes > refuseAfter) throw refusal('too-large', sizeBytes);
        said.push(Buffer.from(chunk));
      }
      const digest = createHash('sha256').update(Buffer.concat(said)).digest();
      return { sizeBytes, digest, tookMs: 1 };
    },
  };
  return face;
}

async function served(face: NodeFace): Promise<RpcClient> {
  const server = new RpcServer({ path, methods: nodeMethods(face) });
  await server.start();
  stop.push(() => server.stop());
  const client = await RpcClient.connect(path);
  stop.push(async () => client.close());
  return client;
}

test('only the user may open the socket', async () => {
  await served(node());
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test('status crosses the socket', async () => {
  const face = node();
  const client = await served(face);
  assert.deepEqual(await client.call('status'), face.status());
});

test('a backup is written where the client says, by the node', async () => {
  const client = await served(node());
  assert.deepEqual(await client.call('store.backup', { path: '/b', passphrase: 'long' }), { rows: 6 });
  await assert.rejects(client.call('store.backup', { path: '/b' }), { code: 'PARAMS_WRONG' });
});

test('content crosses in order and the answer has its digest', async () => {
  const face = node();
  const client = await served(face);
  const content = randomBytes(500_000);
  await client.call('say.open', { onion: ONION });
  for (let at = 0; at < content.length; at += 100_000) {
    await client.call('say.write', { data: content.subarray(at, at + 100_000).toString('base64') });
  }
  const sha256 = createHash('sha256').update(content).digest('hex');
  assert.deepEqual(await client.call('say.finish'), { sizeBytes: content.length, sha256, tookMs: 1 });
  assert.deepEqual(Buffer.concat(face.said), content);
});

test('a refusal reaches the client with its code and hint, in the middle of writing', async () => {
  const client = await served(node(150_000));
  await client.call('say.open', { onion: ONION });
  const data = Buffer.alloc(100_000).toString('base64');
  await client.call('say.write', { data });
  await assert.rejects(
    (async () => {
      for (;;) await client.call('say.write', { data });
    })(),
    { code: 'SAY_REFUSED', hint: /Send it in parts/ },
  );
});

test('a retry is told while the client waits', async () => {
  const client = await served(node());
  const told: string[] = [];
  client.onNotification = (method, { code }) => told.push(`${method} ${String(code)}`);
  await client.call('say.open', { onion: ONION });
  assert.deepEqual(told, ['say.retry SAY_REFUSED']);
});

test('a client that goes away ends its message', async () => {
  const face = node();
  const client = await served(face);
  await client.call('say.open', { onion: ONION });
  client.close();
  while (face.ended === undefined) await new Promise(setImmediate);
});

for (const [what, method, params, code] of [
  ['an unknown method', 'nope', {}, 'METHOD_UNKNOWN'],
  ['a write before open', 'say.write', { data: '' }, 'PARAMS_WRONG'],
  ['a missing address', 'say.open', {}, 'PARAMS_WRONG'],
  ['a wrong address', 'say.open', { onion: 'example.com' }, 'MALFORMED'],
] as const) {
  test(`${what} is a typed error`, async () => {
    const client = await served(node());
    await assert.rejects(client.call(method, params), { code });
    assert.ok(await client.call('status'), 'the connection still works');
  });
}

test('a defect in the node does not carry its text to the client', async () => {
  const face = node();
  const client = await served({
    ...face,
    status: () => {
      throw new Error('secret detail');
    },
  });
  await assert.rejects(client.call('status'), (error: Error) => {
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});

test('bytes that are no JSON-RPC end the connection, not the server', async () => {
  const client = await served(node());
  const socket = connect({ path });
  socket.on('error', () => {});
  socket.write(Buffer.alloc(1_000_000, 0x61));
  await new Promise((resolve) => socket.once('close', resolve));
  assert.ok(await client.call('status'));
});

/** A client that asks `requests` times for an answer of `answerBytes` and reads none of them. */
async function deafClient(answerBytes: number, requests: number) {
  let answered = 0;
  const ask = async () => {
    answered++;
    return 'x'.repeat(answerBytes);
  };
  const server = new RpcServer({
    path,
    methods: () =>
      new Map([
        ['ask', ask],
        ['ping', async () => ''],
      ]),
  });
  await server.start();
  stop.push(() => server.stop());
  const socket = connect({ path });
  socket.on('error', () => {});
  stop.push(async () => void socket.destroy());
  const padding = ' '.repeat(70_000); // more than the server reads at once
  for (let i = 0; i < requests; i++) socket.write(`{"jsonrpc":"2.0","id":${i},"method":"ask"${padding}}\n`);
  return { server, socket, answered: () => answered };
}

test('a client that does not read its answers is not read either, until it does', async () => {
  const requests = 200;
  const { socket, answered } = await deafClient(100_000, requests);
  const other = await RpcClient.connect(path);
  stop.push(async () => other.close());
  for (let before = -1; answered() === 0 || answered() > before; ) {
    before = answered();
    for (let i = 0; i < 200; i++) await other.call('ping'); // the server has its turns
  }
  assert.ok(answered() < requests / 2, `${answered()} answers pile up`);
  socket.resume();
  while (answered() < requests) await new Promise(setImmediate);
});

test('a client that does not read its answers does not hold up the stop', { timeout: 20_000 }, async () => {
  const { server, answered } = await deafClient(500_000, 4);
  while (answered() === 0) await new Promise(setImmediate);
  const startedAt = performance.now();
  await server.stop();
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs < 5000, `stopped after ${tookMs} ms`);
});

test('no node: a typed error that says what to do; a node that stops: the same for calls under way', async () => {
  await assert.rejects(RpcClient.connect(path), { code: 'NODE_NOT_RUNNING', hint: /kith up/ });
  const server = new RpcServer({
    path,
    methods: () => new Map([['wait', () => new Promise<never>(() => {})]]),
  });
  await server.start();
  const client = await RpcClient.connect(path);
  const waiting = client.call('wait');
  await server.stop();
  await assert.rejects(waiting, { code: 'NODE_GONE' });
  await assert.rejects(client.call('wait'), { code: 'NODE_GONE' });
});
