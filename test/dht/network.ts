/**
 * A whole overlay in one process: personas with their DHT servers on a fake onion network, some of them public, some
 * of them lying if a test asks for it, and scouts that read and write through it. Keys come from a seed.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Dht, dht } from '../../src/dht/dht.ts';
import { SLOT_ROWS, SLOT_ROWS_BYTES, type SlotStoreLimits } from '../../src/dht/limits.ts';
import { kadIdOf, peerOf } from '../../src/dht/links.ts';
import { Scouts } from '../../src/dht/scouts.ts';
import { SlotStore } from '../../src/dht/slot-store.ts';
import { createPersona, type Persona } from '../../src/net/persona/persona.ts';
import { type Clock, systemClock } from '../../src/safety/clock.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import type { RandomBytes } from '../../src/safety/random.ts';
import { SealedDatastore } from '../../src/store/datastore.ts';
import { SealedRows } from '../../src/store/sealed-rows.ts';
import { type FakeConditions, FakeNetwork } from '../../src/testnet/fake-proxy.ts';
import type { FakeTor } from '../../src/testnet/fake-tor.ts';
import { tor } from '../../src/transport-tor/index.ts';
import { type OnionAddress, onionOf } from '../../src/wire/onion.ts';
import { signSlot } from '../../src/wire/slot.ts';
import { type Lie, lie } from './liars.ts';
import { seededRandom } from './seeded-random.ts';

export interface DhtNetworkInit extends Partial<FakeConditions> {
  readonly n: number;
  /** The first so many are entry points. Default 3. */
  readonly publics?: number;
  /** What the node of an index does wrong. */
  readonly liar?: (index: number) => Lie | undefined;
  readonly clock?: Clock;
  /** Of the DHT alone. Default: the same. */
  readonly dhtClock?: Clock;
  readonly seed?: number;
  readonly storeLimits?: SlotStoreLimits;
  /** Dials of the nodes neither wait after failures nor behind others. */
  readonly urgent?: boolean;
  /** Where the node of an index keeps its slots. Default: in memory. */
  readonly slotFile?: (index: number) => string;
  /** Called for each dial that reaches the network. */
  readonly onDial?: (dial: { readonly host: string }) => void;
  /** More services of each node, for example gossip. */
  readonly services?: NonNullable<Parameters<typeof createPersona>[0]['services']>;
}

interface NodeOptions {
  readonly lie?: Lie | undefined;
  /** Default: the public ones. */
  readonly entries?: readonly OnionAddress[];
}

/** Nodes that start together. */
const MADE_AT_ONCE = 7;

export interface DhtNode {
  readonly persona: Persona;
  readonly dht: Dht;
  readonly store: SlotStore;
  readonly tor: FakeTor;
  stop(): Promise<void>;
}

/** Key, signer and slots of somebody who writes. */
export interface Writer {
  readonly pk: Uint8Array;
  slot(seq: number, options?: { fill?: number; expiry?: number }): Uint8Array;
}

export class DhtNetwork {
  readonly fake: FakeNetwork;
  readonly random: RandomBytes;
  readonly nodes: DhtNode[] = [];
  readonly clock: Clock;
  readonly #init: DhtNetworkInit;
  readonly #dir: string;
  readonly #scoutTor: FakeTor;
  #made = 0;

  private constructor(init: DhtNetworkInit, dir: string) {
    const { clock = systemClock, onDial, seed = 1 } = init;
    this.#init = init;
    this.#dir = dir;
    this.clock = clock;
    this.random = seededRandom(seed);
    this.fake = new FakeNetwork({ dir, seed, clock, ...(onDial === undefined ? {} : { onDial }) });
    this.#scoutTor = this.fake.tor();
  }

  /** All nodes up and acquainted; the conditions of `init` hold from then on. */
  static async create(init: DhtNetworkInit): Promise<DhtNetwork> {
    const network = new DhtNetwork(init, await mkdtemp(join(tmpdir(), 'kith-dht-')));
    await network.#scoutTor.start();
    const { n, publics = 3, liar } = init;
    for (let i = 0; i < Math.min(n, publics); i++) await network.node({ lie: liar?.(i) });
    const make = (i: number): Promise<DhtNode> => network.#make({ lie: liar?.(i) });
    for (let i = publics; i < n; i += MADE_AT_ONCE) {
      const indices = Array.from({ length: Math.min(MADE_AT_ONCE, n - i) }, (_, j) => i + j);
      network.nodes.push(...(await Promise.all(indices.map(make))));
    }
    await Promise.all(network.nodes.map((node) => network.acquainted(node)));
    const { delayMs = 0, jitterMs = 0, setupMs, loss = 0 } = init;
    network.fake.set({ delayMs, jitterMs, setupMs, loss });
    return network;
  }

  get publics(): readonly OnionAddress[] {
    return this.nodes.slice(0, this.#init.publics ?? 3).map(({ persona }) => persona.onion);
  }

  /** One more node, up, and told of the entry points. */
  async node(options: NodeOptions = {}): Promise<DhtNode> {
    const node = await this.#make(options);
    this.nodes.push(node);
    return node;
  }

  async #make(options: NodeOptions): Promise<DhtNode> {
    const seed = this.random(32);
    const { clock } = this;
    const { dhtClock = clock } = this.#init;
    const onion = onionOf(nodeProvider.ed25519.publicKey(seed));
    const rows = this.#rows(this.#init.slotFile?.(this.#made++));
    const { storeLimits: limits, urgent = false } = this.#init;
    const ownId = kadIdOf(peerOf(onion));
    const store = SlotStore.open({
      rows,
      clock: dhtClock,
      ownId,
      ...(limits === undefined ? {} : { limits }),
    });
    const fakeTor = this.fake.tor();
    await fakeTor.start();
    const persona = await createPersona({
      seed,
      transport: tor({ tor: fakeTor, clock }),
      listen: true,
      datastore: new SealedDatastore(this.#rows()),
      services: { ...this.#init.services, dht: dht({ store, clock: dhtClock, urgent, random: this.random }) },
      clock,
    });
    await persona.start();
    if (options.lie !== undefined) await lie(persona.libp2p, store, options.lie, this.random);
    const service = (persona.libp2p.services as unknown as { dht: Dht }).dht;
    const entries = (options.entries ?? this.publics).filter(({ host }) => host !== onion.host);
    const enter = (entry: OnionAddress): Promise<void> =>
      service.enter(entry, { signal: AbortSignal.timeout(20_000) });
    // some of them may be dead, or a dial may fail
    await Promise.allSettled(entries.map(enter));
    const stop = async (): Promise<void> => {
      await persona.stop();
      await fakeTor.stop();
    };
    return { persona, dht: service, store, tor: fakeTor, stop };
  }

  /** Resolves when a node knows most of the others, or as many as matter; the rest it may meet much later. */
  async acquainted(node: DhtNode): Promise<void> {
    const enough = Math.min(this.nodes.length - 1, 20);
    while (node.dht.peers().length < enough) await systemClock.sleep(20);
  }

  /** Scouts that start from the public nodes, or from those given. */
  scouts(entries: readonly OnionAddress[] = this.publics): Scouts {
    return new Scouts({
      open: async () => {
        const persona = await createPersona({
          seed: this.random(32),
          transport: tor({ tor: this.#scoutTor, clock: this.clock }),
          listen: false,
          datastore: new SealedDatastore(this.#rows()),
          services: { dht: dht({ clock: this.clock, urgent: true }) },
          clock: this.clock,
        });
        await persona.start();
        const { dht: service } = persona.libp2p.services as unknown as { dht: Dht };
        return { dht: service, stop: () => persona.stop() };
      },
      entryPoints: () => entries,
      clock: this.clock,
      random: this.random,
    });
  }

  writer(): Writer {
    const signer = nodeProvider.ed25519.signer(this.random(32));
    return {
      pk: signer.publicKey,
      slot: (seq, { fill = 0, expiry = Math.floor(this.clock.now() / 1000) + 86_400 } = {}) =>
        signSlot({ seq, expiry, ciphertext: new Uint8Array(512).fill(fill) }, signer),
    };
  }

  /** Nodes die without a word: their connections are cut and their onions gone. */
  async kill(nodes: readonly DhtNode[]): Promise<void> {
    for (const node of nodes) {
      this.fake.fail(node.persona.onion.host, 0xf0);
      this.fake.kill({ host: node.persona.onion.host });
      this.fake.kill({ tor: node.tor });
    }
    await Promise.all(nodes.map((node) => node.stop()));
  }

  async remove(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    await this.fake.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }

  #rows(path = ':memory:'): SealedRows {
    const key = this.random(32);
    return SealedRows.open({ path, key, maxRows: SLOT_ROWS, maxBytes: SLOT_ROWS_BYTES });
  }
}
