/** Libp2p nodes on a fake onion network, for the tests of this folder. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { PrivateKey } from '@libp2p/interface';
import { ping } from '@libp2p/ping';
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p';
import { FakeNetwork, type FakeNetworkInit } from '../../src/testnet/fake-proxy.ts';
import type { FakeTor } from '../../src/testnet/fake-tor.ts';
import {
  onionMultiaddr,
  type OnionTransport,
  type TorTransportInit,
  tor,
  torAddresses,
  torConnectionDefaults,
} from '../../src/transport-tor/index.ts';

export interface TestNode {
  readonly libp2p: Libp2p;
  readonly transport: OnionTransport;
  readonly tor: FakeTor;
  readonly privateKey: PrivateKey;
}

/** A network with everything on it, and one call that removes it all. */
export class TestNetwork {
  readonly network: FakeNetwork;
  readonly dir: string;
  readonly #nodes: TestNode[] = [];

  private constructor(network: FakeNetwork, dir: string) {
    this.network = network;
    this.dir = dir;
  }

  static async create(init: Partial<FakeNetworkInit> = {}): Promise<TestNetwork> {
    const dir = await mkdtemp(join(tmpdir(), 'kith-t-'));
    return new TestNetwork(new FakeNetwork({ dir, ...init }), dir);
  }

  /** A started node that listens on its onion. */
  async node(
    init: Partial<TorTransportInit> = {},
    libp2pInit: Partial<Libp2pOptions> = {},
  ): Promise<TestNode> {
    const privateKey = libp2pInit.privateKey ?? (await generateKeyPair('Ed25519'));
    const fake = this.network.tor();
    let transport: OnionTransport | undefined;
    const libp2p = await createLibp2p({
      ...torConnectionDefaults,
      privateKey,
      addresses: torAddresses(onionMultiaddr(init.seed ?? privateKey, init.port)),
      transports: [(components) => (transport = tor({ tor: fake, ...init })(components))],
      services: { ping: ping() },
      ...libp2pInit,
      start: false,
    });
    const node: TestNode = {
      libp2p,
      transport: transport as unknown as OnionTransport,
      tor: fake,
      privateKey,
    };
    this.#nodes.push(node);
    await libp2p.start();
    return node;
  }

  async remove(): Promise<void> {
    await Promise.all(this.#nodes.map(async (node) => node.libp2p.stop()));
    await this.network.stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}
