/**
 * What the slot rows are compared with: @libp2p/kad-dht at its own values, servers and a fresh client for each
 * operation, on the same proxy and with the same links. Only what it needs to work there at all is set: the timeouts
 * of `torConnectionDefaults`, and a validator that takes everything.
 */

import { generateKeyPair } from '@libp2p/crypto/keys';
import { identify } from '@libp2p/identify';
import { kadDHT, type KadDHTComponents, type SingleKadDHT } from '@libp2p/kad-dht';
import { ping } from '@libp2p/ping';
import type { Multiaddr } from '@multiformats/multiaddr';
import { createLibp2p, type Libp2p } from 'libp2p';
import { toHex, utf8 } from '../../src/safety/bytes.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { onionMultiaddr, tor, torAddresses, torConnectionDefaults } from '../../src/transport-tor/index.ts';
import { type FakePlace, until } from './fake.ts';

type KadNode = Libp2p<{ dht: SingleKadDHT }>;

const NAMESPACE = 'bench';

/** A key that nobody has used. */
export function kadKey(): Uint8Array {
  return utf8(`/${NAMESPACE}/${toHex(systemRandom(32))}`);
}

export class KadDefault {
  readonly #place: FakePlace;
  readonly #entryPoints: number;
  readonly #servers: KadNode[] = [];

  private constructor(place: FakePlace, entryPoints: number) {
    this.#place = place;
    this.#entryPoints = entryPoints;
  }

  /** Servers that know each other; clients will enter through the first `entryPoints` of them. */
  static async create(place: FakePlace, servers: number, entryPoints: number): Promise<KadDefault> {
    const made = new KadDefault(place, entryPoints);
    for (let i = 0; i < servers; i++) {
      const server = await made.#node(true);
      await Promise.all(made.#entries().map((entry) => server.dial(entry)));
      made.#servers.push(server);
    }
    const enough = Math.ceil((servers - 1) * 0.7);
    for (const { services } of made.#servers) {
      await until(() => services.dht.routingTable.size >= enough, 'routing tables of kad-dht');
    }
    return made;
  }

  async put(key: Uint8Array, value: Uint8Array): Promise<void> {
    await this.#asClient((client, signal) => client.contentRouting.put(key, value, { signal }));
  }

  get(key: Uint8Array): Promise<Uint8Array> {
    return this.#asClient((client, signal) => client.contentRouting.get(key, { signal }));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map(async (server) => server.stop()));
  }

  /** As a scout does it: fresh key, begin when one entry point is there, gone after. */
  async #asClient<T>(work: (client: KadNode, signal: AbortSignal) => Promise<T>): Promise<T> {
    const client = await this.#node(false);
    try {
      const signal = AbortSignal.timeout(150_000);
      await Promise.any(this.#entries().map((entry) => client.dial(entry, { signal })));
      return await work(client, signal);
    } finally {
      await client.stop();
    }
  }

  #entries(): Multiaddr[] {
    return this.#servers.slice(0, this.#entryPoints).flatMap((server) => server.getMultiaddrs());
  }

  async #node(serves: boolean): Promise<KadNode> {
    const privateKey = await generateKeyPair('Ed25519');
    const host = this.#place.network.tor();
    const kad = kadDHT({
      clientMode: !serves,
      validators: { [NAMESPACE]: async () => {} },
      selectors: { [NAMESPACE]: () => 0 },
    });
    return createLibp2p({
      ...torConnectionDefaults,
      privateKey,
      ...(serves ? { addresses: torAddresses(onionMultiaddr(privateKey)) } : {}),
      transports: [tor({ tor: host })],
      services: {
        identify: identify(),
        ping: ping(),
        dht: (components: KadDHTComponents) => kad(components) as SingleKadDHT,
      },
    });
  }
}
