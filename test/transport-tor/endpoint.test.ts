import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { x25519 } from '@noble/curves/ed25519.js';
import { Channels, type SecureChannel } from '../../src/net/channel.ts';
import { linkIdentity } from '../../src/net/link-identity.ts';
import { utf8 } from '../../src/safety/bytes.ts';
import { FakeNetwork } from '../../src/testnet/fake-proxy.ts';
import type { FakeTor } from '../../src/testnet/fake-tor.ts';
import { OnionDialer } from '../../src/transport-tor/dialer.ts';
import { OnionEndpoint, type OnionEndpointInit } from '../../src/transport-tor/endpoint.ts';
import { EndpointError, SocksError } from '../../src/transport-tor/errors.ts';
import { onionSocketPath, prepareSocketDir } from '../../src/transport-tor/socket-dir.ts';

const SEED = new Uint8Array(32).fill(3);
const DIALER = linkIdentity(new Uint8Array(32).fill(4));

let dir: string;
let sockets: string;
let network: FakeNetwork;
let tor: FakeTor;
let channels: Channels;
const endpoints: OnionEndpoint[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kith-e-'));
  sockets = join(dir, 's');
  network = new FakeNetwork({ dir });
  tor = network.tor();
  await tor.start();
  const dialer = new OnionDialer({ socksPath: () => tor.socksPath, secret: new Uint8Array(32) });
  channels = new Channels({ open: dialer.open });
});

afterEach(async () => {
  await Promise.all(endpoints.splice(0).map((endpoint) => endpoint.stop()));
  await network.stop();
  await rm(dir, { recursive: true, force: true });
});

function endpointOf(init: Partial<OnionEndpointInit> = {}): OnionEndpoint {
  const endpoint = new OnionEndpoint({ seed: SEED, socketDir: sockets, services: tor.services, ...init });
  endpoints.push(endpoint);
  return endpoint;
}

function dial(endpoint: OnionEndpoint, protocol = '/test/echo'): Promise<SecureChannel> {
  const as = DIALER;
  return channels.dial(endpoint.onion, { as, protocol, purpose: 'test', isolation: '', urgent: true });
}

async function echo(channel: SecureChannel): Promise<void> {
  for (let bytes = await channel.read(); bytes !== null; bytes = await channel.read())
    await channel.write(bytes);
}

async function asked(channel: SecureChannel, text: string): Promise<string> {
  await channel.write(utf8(text));
  await channel.close();
  let answer = '';
  for (let bytes = await channel.read(); bytes !== null; bytes = await channel.read())
    answer += Buffer.from(bytes);
  return answer;
}

const isCode = (code: string) => (error: unknown) => error instanceof EndpointError && error.code === code;

describe('OnionEndpoint', () => {
  it('serves raw protocols on a private socket, and again after a stop', async () => {
    const endpoint = endpointOf();
    endpoint.handle('/test/echo', echo);
    const path = onionSocketPath(sockets, endpoint.onion.host, endpoint.onion.port);
    for (let run = 0; run < 3; run++) {
      await endpoint.start();
      assert.equal((await stat(sockets)).mode & 0o777, 0o700);
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      const channel = await dial(endpoint);
      assert.deepEqual(channel.remoteKey, endpoint.onion.publicKey);
      assert.equal(await asked(channel, `run ${run}`), `run ${run}`);
      await endpoint.stop();
      assert.deepEqual(await readdir(sockets), []);
      await assert.rejects(
        dial(endpoint),
        (error) => error instanceof SocksError && error.code === 'ONION_DESCRIPTOR_NOT_FOUND',
      );
    }
  });

  it('waits for handlers when it stops, and leaves no socket', async () => {
    const endpoint = endpointOf();
    const seen: string[] = [];
    endpoint.handle('/test/hold', async (channel) => {
      seen.push('open');
      await channel.read().catch(() => seen.push('aborted'));
      seen.push('done');
    });
    await endpoint.start();
    const channel = await dial(endpoint, '/test/hold');
    await channel.write(new Uint8Array(0));
    while (endpoint.stats().open === 0) await new Promise(setImmediate);
    await endpoint.stop();
    assert.deepEqual(seen, ['open', 'aborted', 'done']);
    await assert.rejects(channel.read(), /lost/);
    while (network.stats().streams > 0) await new Promise(setImmediate);
  });

  it('drops connections that never spoke when it stops', async () => {
    const endpoint = endpointOf();
    await endpoint.start();
    const path = onionSocketPath(sockets, endpoint.onion.host, endpoint.onion.port);
    const strangers = Array.from({ length: 50 }, () =>
      connect(path)
        .on('error', () => {})
        .resume(),
    );
    await Promise.all(strangers.map((socket) => once(socket, 'connect')));
    while (endpoint.stats().pending < 50) await new Promise(setImmediate);
    await endpoint.stop();
    for (const socket of strangers) if (!socket.closed) await once(socket, 'close');
  });

  it('can answer as somebody else than its onion', async () => {
    const identity = linkIdentity(new Uint8Array(32).fill(6));
    const endpoint = endpointOf({ identity });
    endpoint.handle('/test/echo', echo);
    await endpoint.start();
    await assert.rejects(dial(endpoint), /another key/);
    const channel = await channels.dial(endpoint.onion, {
      as: DIALER,
      protocol: '/test/echo',
      purpose: 'test',
      isolation: '',
      urgent: true,
      expectedKey: identity.publicKey,
    });
    assert.equal(await asked(channel, 'hello'), 'hello');
  });

  it('hands its options to tor, and changes who may connect', async () => {
    const secret = new Uint8Array(32).fill(1);
    const endpoint = endpointOf({ clientAuth: [x25519.getPublicKey(secret)], port: 4711 });
    endpoint.handle('/test/echo', echo);
    assert.equal(endpoint.onion.port, 4711);
    await assert.rejects(endpoint.setClients([]), isCode('ENDPOINT_STATE'));
    await endpoint.start();
    await assert.rejects(dial(endpoint), /known clients/);
    await tor.services.addClientKey(endpoint.onion.host, secret);
    assert.equal(await asked(await dial(endpoint), 'a friend'), 'a friend');
    await endpoint.setClients([]);
    await assert.rejects(dial(endpoint), /does not accept/);
  });

  it('finds the socket of a killed process and takes its place, but not that of a living one', async () => {
    const endpoint = endpointOf();
    const path = onionSocketPath(sockets, endpoint.onion.host, endpoint.onion.port);
    await prepareSocketDir(sockets);
    await writeFile(path, 'left behind');
    await endpoint.start();
    await assert.rejects(endpointOf().start(), isCode('SOCKET_IN_USE'));
    await assert.rejects(endpoint.start(), isCode('ENDPOINT_STATE'));
    await endpoint.stop();
    const other = createServer().listen(path);
    await once(other, 'listening');
    await assert.rejects(endpoint.start(), isCode('SOCKET_IN_USE'));
    other.close();
    await once(other, 'close');
    await endpoint.start();
  });

  it('closes a directory that others could enter, and refuses what is no directory or too deep', async () => {
    await mkdir(sockets);
    await chmod(sockets, 0o755);
    const endpoint = endpointOf();
    await endpoint.start();
    assert.equal((await stat(sockets)).mode & 0o777, 0o700);
    const file = join(dir, 'file');
    await writeFile(file, '');
    await assert.rejects(endpointOf({ socketDir: file }).start());
    await assert.rejects(
      endpointOf({ socketDir: join(dir, 'x'.repeat(100)) }).start(),
      isCode('SOCKET_PATH'),
    );
  });

  it('undoes everything when publishing fails or is given up', async () => {
    const failing = endpointOf({ services: { publish: () => Promise.reject(new Error('tor is down')) } });
    await assert.rejects(failing.start(), /tor is down/);
    assert.deepEqual(await readdir(sockets), []);
    const slow = endpointOf({
      services: {
        publish: (_seed, { signal }) =>
          new Promise((_resolve, reject) => {
            // the busier the machine, the sooner in the start the time is up
            if (signal?.aborted === true) reject(signal.reason);
            signal?.addEventListener('abort', () => reject(signal.reason));
          }),
      },
    });
    await assert.rejects(slow.start(AbortSignal.timeout(20)), /timeout/i);
    assert.deepEqual(await readdir(sockets), []);
    // a stop that finds tor gone is a stop all the same
    const endpoint = endpointOf({
      services: {
        publish: async () => ({
          host: '',
          setClients: async () => {},
          close: () => Promise.reject(new Error('tor is gone')),
        }),
      },
    });
    await endpoint.start();
    await endpoint.stop();
    assert.deepEqual(await readdir(sockets), []);
  });

  it('forgets a protocol', async () => {
    const endpoint = endpointOf();
    endpoint.handle('/test/echo', echo);
    assert.throws(() => endpoint.handle('/test/echo', echo), RangeError);
    endpoint.unhandle('/test/echo');
    await endpoint.start();
    const channel = await dial(endpoint);
    await assert.rejects(channel.read(), /does not serve/);
  });
});
