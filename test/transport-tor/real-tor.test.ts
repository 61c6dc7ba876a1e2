/** The transport over a real tor: what the fake network cannot prove. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { type Ping, ping } from '@libp2p/ping';
import { x25519 } from '@noble/curves/ed25519.js';
import { createLibp2p, type Libp2p } from 'libp2p';
import { Channels, type SecureChannel } from '../../src/net/channel.ts';
import { linkIdentity } from '../../src/net/link-identity.ts';
import { utf8 } from '../../src/safety/bytes.ts';
import {
  OnionDialer,
  OnionEndpoint,
  onionMultiaddr,
  SocksError,
  Tor,
  tor,
  torAddresses,
  torConnectionDefaults,
} from '../../src/transport-tor/index.ts';
import { socksConnect } from '../../src/transport-tor/socks5.ts';
import { type OnionAddress, onionOf } from '../../src/wire/onion.ts';
import { useTestnet } from '../testnet.ts';

describe('over a real tor', { timeout: 180_000 }, () => {
  let dir: string;
  let client: Tor;
  let server: Tor;
  let dialer: OnionDialer;
  let endpoint: OnionEndpoint;

  before(async () => {
    const { clientConfig } = await useTestnet();
    dir = await mkdtemp(join(tmpdir(), 'kith-r-'));
    client = new Tor({ dataDir: join(dir, 'c'), config: clientConfig });
    server = new Tor({ dataDir: join(dir, 's'), config: clientConfig });
    await Promise.all([client.start(), server.start()]);
    dialer = new OnionDialer({
      socksPath: () => client.socksPath,
      secret: randomBytes(32),
      ready: () => client.ready(),
    });
    const socketDir = join(dir, 'e');
    endpoint = new OnionEndpoint({ seed: randomBytes(32), socketDir, services: server.services, pow: false });
    endpoint.handle('/test/echo', echo);
    await endpoint.start();
  });

  after(async () => {
    await endpoint?.stop();
    await Promise.all([client?.stop(), server?.stop()]);
    await rm(dir, { recursive: true, force: true });
  });

  function dial(onion: OnionAddress, isolation: string): Promise<SecureChannel> {
    const channels = new Channels({ open: dialer.open });
    const as = linkIdentity(randomBytes(32));
    return channels.dial(onion, { as, protocol: '/test/echo', purpose: 'test', isolation, urgent: true });
  }

  it('answers every dial that carries the handshake as early data, on fresh circuits and on used ones', async () => {
    for (let i = 0; i < 14; i++) {
      const channel = await dial(endpoint.onion, i % 2 === 0 ? 'used' : `fresh ${i}`);
      await channel.write(utf8(`dial ${i}`));
      await channel.close();
      let answer = '';
      for (let bytes = await channel.read(); bytes !== null; bytes = await channel.read())
        answer += Buffer.from(bytes);
      assert.equal(answer, `dial ${i}`);
    }
  });

  it('names what is wrong as tor does', async () => {
    const refused = async (onion: OnionAddress, code: string): Promise<void> => {
      await assert.rejects(
        dial(onion, 'errors'),
        (error) => error instanceof SocksError && error.code === code,
        code,
      );
    };
    const nobody = onionOf((await generateKeyPair('Ed25519')).publicKey.raw);
    await refused(nobody, 'ONION_DESCRIPTOR_NOT_FOUND');
    await refused({ ...endpoint.onion, port: 99 }, 'CONNECTION_REFUSED');
    const host = `${endpoint.onion.host.slice(0, 54)}aa`;
    await refused({ ...endpoint.onion, host }, 'ONION_BAD_ADDRESS');
    await assert.rejects(
      socksConnect({ socksPath: client.socksPath, host: 'example', port: 80, username: 'a', password: 'b' }),
      (error) => error instanceof SocksError && error.aboutOnion,
    );
  });

  it('is let in by client key, or told that it is not', async () => {
    const friend = randomBytes(32);
    const clientAuth = [x25519.getPublicKey(friend)];
    const seed = randomBytes(32);
    const guarded = new OnionEndpoint({
      seed,
      socketDir: join(dir, 'g'),
      services: server.services,
      clientAuth,
      pow: false,
    });
    guarded.handle('/test/echo', echo);
    await guarded.start();
    try {
      const refused = (code: string) => (error: unknown) =>
        error instanceof SocksError && error.code === code;
      await assert.rejects(dial(guarded.onion, 'a'), refused('ONION_AUTH_MISSING'));
      await client.services.addClientKey(guarded.onion.host, randomBytes(32));
      await assert.rejects(dial(guarded.onion, 'b'), refused('ONION_AUTH_WRONG'));
      await client.services.addClientKey(guarded.onion.host, friend);
      (await dial(guarded.onion, 'c')).abort(new Error('done'));
    } finally {
      await guarded.stop();
    }
  });

  it('carries libp2p on a tor that somebody else runs', async () => {
    const node = async (host: Tor): Promise<Libp2p<{ ping: Ping }>> => {
      const privateKey = await generateKeyPair('Ed25519');
      return createLibp2p({
        ...torConnectionDefaults,
        privateKey,
        addresses: torAddresses(onionMultiaddr(privateKey)),
        transports: [tor({ tor: host, socketDir: join(dir, 'l'), pow: false })],
        services: { ping: ping() },
      });
    };
    const [alice, bob] = await Promise.all([node(client), node(server)]);
    try {
      const connection = await alice.dial(bob.getMultiaddrs());
      assert.ok(connection.remotePeer.equals(bob.peerId));
      assert.ok((await alice.services.ping.ping(bob.peerId)) > 0);
    } finally {
      await Promise.all([alice.stop(), bob.stop()]);
    }
    assert.equal(client.status().state, 'ready');
  });
});

async function echo(channel: SecureChannel): Promise<void> {
  for (let bytes = await channel.read(); bytes !== null; bytes = await channel.read())
    await channel.write(bytes);
}
