import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { Libp2p } from 'libp2p';
import { ask, createApp } from '../../examples/embed.ts';
import { FakeNetwork } from '../../src/testnet/fake-proxy.ts';
import type { TorTransportInit } from '../../src/transport-tor/index.ts';
import { useTestnet } from '../testnet.ts';

const dirs: string[] = [];
const apps: Libp2p[] = [];

after(async () => {
  await Promise.all(apps.map(async (app) => app.stop()));
  await Promise.all(dirs.map((dir) => rm(dir, { recursive: true, force: true })));
});

async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'kith-x-'));
  dirs.push(dir);
  return dir;
}

async function app(options: TorTransportInit): Promise<Libp2p> {
  const created = await createApp(await generateKeyPair('Ed25519'), options);
  apps.push(created);
  return created;
}

/** The example does what it says, whatever the network below. */
async function talks(alice: Libp2p, bob: Libp2p): Promise<void> {
  const address = String(bob.getMultiaddrs()[0]);
  assert.match(address, /^\/onion3\/[a-z2-7]{56}:1000\/p2p\/12D3KooW\w+$/);
  assert.equal(await ask(alice, address, 'hello', AbortSignal.timeout(60_000)), 'hello');
  const long = 'a longer text. '.repeat(20_000);
  assert.equal(await ask(alice, address, long, AbortSignal.timeout(60_000)), long);
  assert.match(String(alice.getConnections()[0]?.encryption), /mlkem768/);
}

describe('examples/embed.ts', () => {
  it('works on the fake network', async () => {
    const network = new FakeNetwork({ dir: await tempDir(), delayMs: 5 });
    await talks(await app({ tor: network.tor() }), await app({ tor: network.tor() }));
  });

  it('works on a real Tor network, each app with a tor of its own', { timeout: 120_000 }, async () => {
    const { clientConfig } = await useTestnet();
    const own = async (): Promise<Libp2p> =>
      app({ dataDir: await tempDir(), torInit: { config: clientConfig } });
    const [alice, bob] = await Promise.all([own(), own()]);
    await talks(alice, bob);
  });
});
