/** Personas and plain libp2p nodes on a fake onion network, for the tests of this folder. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p';
import { createPersona, type Persona, type PersonaInit } from '../../../src/net/persona/persona.ts';
import { concat } from '../../../src/safety/bytes.ts';
import { nodeProvider } from '../../../src/safety/crypto/node.ts';
import { SealedDatastore } from '../../../src/store/datastore.ts';
import { SealedRows } from '../../../src/store/sealed-rows.ts';
import { FakeNetwork } from '../../../src/testnet/fake-proxy.ts';
import type { SocksRequest } from '../../../src/testnet/fake-socks.ts';
import type { FakeTor } from '../../../src/testnet/fake-tor.ts';
import {
  OnionDialer,
  onionMultiaddr,
  type TorTransportInit,
  tor,
  torAddresses,
  torConnectionDefaults,
} from '../../../src/transport-tor/index.ts';

/** A seed, told apart by one byte. */
export const seedOf = (n: number): Uint8Array => new Uint8Array(32).fill(n);

export interface TestPersona {
  readonly persona: Persona;
  readonly datastore: SealedDatastore;
}

export class PersonaNetwork {
  /** All CONNECTs that the proxy saw. */
  readonly dials: SocksRequest[] = [];
  readonly network: FakeNetwork;
  /** The one tor of all personas. */
  readonly tor: FakeTor;
  readonly #dir: string;
  readonly #ends: (() => Promise<void>)[] = [];

  private constructor(dir: string) {
    this.#dir = dir;
    this.network = new FakeNetwork({ dir, onDial: (dial) => this.dials.push(dial) });
    this.tor = this.network.tor();
  }

  static async create(): Promise<PersonaNetwork> {
    const net = new PersonaNetwork(await mkdtemp(join(tmpdir(), 'kith-p-')));
    await net.tor.start();
    return net;
  }

  /** One for a peer store, in memory. */
  datastore(): SealedDatastore {
    const init = { path: ':memory:', key: seedOf(7), maxRows: 1_000, maxBytes: 1 << 20 };
    return new SealedDatastore(SealedRows.open(init));
  }

  /** A started persona with an in-memory peer store. */
  async persona(n: number, init: Partial<PersonaInit> = {}): Promise<TestPersona> {
    const datastore = this.datastore();
    const dialer = new OnionDialer({ socksPath: () => this.tor.socksPath, secret: seedOf(100 + n) });
    const persona = await createPersona({
      seed: seedOf(n),
      transport: tor({ tor: this.tor, dialer }),
      listen: true,
      datastore,
      ...init,
    });
    this.#ends.push(() => persona.stop());
    await persona.start();
    return { persona, datastore };
  }

  /** A started libp2p node of somebody else, with whatever options. */
  async plain(n: number, options: Libp2pOptions = {}, init: Partial<TorTransportInit> = {}): Promise<Libp2p> {
    const seed = seedOf(n);
    const privateKey = privateKeyFromRaw(concat(seed, nodeProvider.ed25519.publicKey(seed)));
    const libp2p = await createLibp2p({
      ...torConnectionDefaults,
      privateKey,
      transports: [tor({ tor: this.network.tor(), ...init })],
      ...options,
      addresses: { ...torAddresses(onionMultiaddr(privateKey)), ...options.addresses },
    });
    this.#ends.push(async () => libp2p.stop());
    return libp2p;
  }

  async remove(): Promise<void> {
    await Promise.all(this.#ends.map((end) => end()));
    await this.network.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }
}

/** Waits for what the test is sure to come; the test's time limit ends it otherwise. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}
