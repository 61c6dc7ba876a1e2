/**
 * The distributed hash table of the overlay as one libp2p service: reads and writes slots, and on a peer that serves
 * also keeps the routing table and answers others. Spec: libp2p kad-dht under `/kith/kad/1.0.0`, docs/wire.md.
 *
 * ```ts
 * services: { dht: dht({ store }) }        // a handle or public persona: routing table and server
 * services: { dht: dht() }                 // a scout: knows only the entry points it was given
 * ```
 *
 * The service hides kad-dht from libp2p: were it a discovery or routing service of the node, addresses out of
 * strangers' messages would reach the peer store and the dial queue. What it does not do: keep a slot alive past its
 * holders, or hide a read or write from the peers that are asked; scouts are for that.
 */

import { type PeerId, type Startable, serviceDependencies } from '@libp2p/interface';
import type { Clock } from '../safety/clock.ts';
import { systemClock } from '../safety/clock.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { type Log, silent } from '../safety/log.ts';
import { Wakeup } from '../net/wakeup.ts';
import { chanceOf, type RandomBytes, systemRandom } from '../safety/random.ts';
import { KAD_PROTOCOL } from '../wire/kad-message.ts';
import type { OnionAddress } from '../wire/onion.ts';
import { DhtError } from './errors.ts';
import { Entrances } from './entrances.ts';
import { handOn, type HandedOn, type HandOnProgress, neighbours } from './hand-on.ts';
import { KadTable, type KadComponents } from './kad.ts';
import { REPLICATION, SERVER_LIMITS, SWEEP_INTERVAL_MS } from './limits.ts';
import { kadIdOf, Links, peerOf } from './links.ts';
import { Neighbourhood } from './neighbourhood.ts';
import { type Network, readSlot, type SlotRead } from './read.ts';
import { KadRequests } from './requests.ts';
import { KadServer } from './server.ts';
import type { SlotStore } from './slot-store.ts';
import { type SlotWritten, writeSlot } from './write.ts';

export type { HandedOn, HandOnProgress } from './hand-on.ts';
export type { SlotRead } from './read.ts';
export type { SlotWritten } from './write.ts';

export interface DhtInit {
  /** Where the slots of others are kept. Given: this peer keeps a routing table and serves; else it is a client. */
  readonly store?: SlotStore;
  readonly clock?: Clock;
  readonly provider?: Provider;
  readonly random?: RandomBytes;
  readonly log?: Log;
  /** A person waits for what this peer does: its dials go first. */
  readonly urgent?: boolean;
}

export type DhtComponents = KadComponents;

export interface Dht {
  /** The newest slot of a public key that can be found, with what contradicts it. Throws DhtError NO_PEERS. */
  get(pk: Uint8Array, options?: { signal?: AbortSignal }): Promise<SlotRead>;
  /** Puts an encoded slot to the live peers closest to its key. Throws DhtError: SLOT_*, NO_PEERS. */
  put(bytes: Uint8Array, options?: { signal?: AbortSignal }): Promise<SlotWritten>;
  /** Gives the slots held here to the peers that are closest now; before this peer goes away. */
  handOn(options?: { signal?: AbortSignal; onProgress?: HandOnProgress }): Promise<HandedOn>;
  /**
   * Dials an entry point and starts from it; `urgent`: a person waits. Throws DhtError PEER_UNREACHABLE, or, on a
   * peer that serves, NOT_AN_ENTRY.
   */
  enter(onion: OnionAddress, options: { signal: AbortSignal; urgent?: boolean }): Promise<void>;
  /**
   * Peers that lookups start from: the routing table, or the entry points of a client; without those that could not be
   * reached when last tried. None of many: everybody has gone, and it is time to enter again.
   */
  peers(): PeerId[];
  /** Resolves when there is at least one of them. */
  ready(signal: AbortSignal): Promise<void>;
}

/** The service, for `services` of a persona. */
export function dht(init: DhtInit = {}): (components: DhtComponents) => Dht & Startable {
  return (components) => new KithDht(components, init);
}

class KithDht implements Dht, Startable {
  readonly [Symbol.toStringTag] = 'kith/dht';
  /** Peers that serve are recognised by what identify says. */
  readonly [serviceDependencies]: string[] = ['@libp2p/identify'];
  readonly #links: Links;
  readonly #network: Network;
  readonly #store: SlotStore | undefined;
  readonly #entrances = new Entrances();
  /** Only on a peer that serves. */
  readonly #table: KadTable | undefined;
  readonly #server: KadServer | undefined;
  readonly #neighbourhood: Neighbourhood | undefined;
  readonly #random: RandomBytes;
  readonly #log: Log;
  readonly #events: DhtComponents['events'];
  readonly #registrar: DhtComponents['registrar'];
  #running = new AbortController();

  constructor(components: DhtComponents, init: DhtInit) {
    const { store, clock = systemClock, provider = nodeProvider, urgent = false, log = silent } = init;
    this.#links = new Links(components);
    const requests = new KadRequests(this.#links, { clock, urgent });
    this.#random = init.random ?? systemRandom;
    this.#store = store;
    this.#table = store === undefined ? undefined : new KadTable(components, this.#links, requests);
    const routing = this.#table ?? this.#entrances;
    this.#network = { own: components.peerId, routing, requests, clock, provider };
    this.#registrar = components.registrar;
    this.#events = components.events;
    this.#log = log;
    this.#server = store === undefined ? undefined : new KadServer({ store, routing, clock, provider, log });
    this.#neighbourhood = this.#table === undefined ? undefined : this.#around(this.#table);
    this.#links.onGone = async (peer) => {
      this.#entrances.remove(peer);
      await this.#table?.remove(peer);
    };
  }

  async start(): Promise<void> {
    this.#running = new AbortController();
    // before anything listens: peers learn our protocols when a connection opens, once
    if (this.#server !== undefined) {
      await this.#registrar.handle(KAD_PROTOCOL, this.#server.handle, {
        maxInboundStreams: SERVER_LIMITS.streams,
      });
    }
    await this.#table?.start();
    this.#events.addEventListener('peer:disconnect', this.#onDisconnect);
    this.#neighbourhood?.start();
    // not awaited: it ends with its signal, and only then
    if (this.#store !== undefined) void this.#sweep(this.#store, this.#running.signal).catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#running.abort(new Error('the dht was stopped'));
    this.#events.removeEventListener('peer:disconnect', this.#onDisconnect);
    this.#neighbourhood?.stop();
    if (this.#server !== undefined) await this.#registrar.unhandle(KAD_PROTOCOL);
    await this.#table?.stop();
  }

  async get(pk: Uint8Array, { signal }: { signal?: AbortSignal } = {}): Promise<SlotRead> {
    this.#needPeers();
    return readSlot(this.#network, pk, this.#until(signal));
  }

  async put(bytes: Uint8Array, { signal }: { signal?: AbortSignal } = {}): Promise<SlotWritten> {
    this.#needPeers();
    return writeSlot(this.#network, bytes, this.#until(signal));
  }

  async handOn({
    signal,
    onProgress,
  }: {
    signal?: AbortSignal;
    onProgress?: HandOnProgress;
  } = {}): Promise<HandedOn> {
    const slots = this.#store === undefined ? [] : [...this.#store.slots()].map(({ key }) => key);
    const bytesOf = (key: Uint8Array): Uint8Array | null => this.#store?.get(key) ?? null;
    return handOn(this.#network, {
      slots,
      bytesOf,
      random: this.#random,
      signal: this.#until(signal),
      onProgress,
    });
  }

  async enter(onion: OnionAddress, options: { signal: AbortSignal; urgent?: boolean }): Promise<void> {
    const peer = peerOf(onion);
    const signal = this.#until(options.signal);
    const { requests } = this.#network;
    await this.#links.connect(peer, { signal, urgent: options.urgent ?? requests.urgent });
    if (this.#table === undefined) return this.#entrances.add(peer); // a scout asks at once, and sees
    try {
      await requests.ping(peer, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw new DhtError('NOT_AN_ENTRY', { cause: error });
    }
    await this.#table.add(peer, signal);
  }

  peers(): PeerId[] {
    return this.#known().filter((peer) => !this.#links.isDoubtful(peer));
  }

  async ready(signal: AbortSignal): Promise<void> {
    const joined = new Wakeup();
    const end = this.#network.routing.onPeer(() => joined.wake());
    try {
      while (this.#known().length === 0) await joined.wait(this.#until(signal));
    } finally {
      end();
    }
  }

  #known(): PeerId[] {
    return this.#network.routing.closest(kadIdOf(this.#network.own), Number.MAX_SAFE_INTEGER);
  }

  readonly #onDisconnect = (): void => this.#neighbourhood?.disconnected();

  #around(table: KadTable): Neighbourhood {
    const { clock, own } = this.#network;
    const look = async (signal: AbortSignal): Promise<PeerId[]> => {
      const live = await neighbours(this.#network, { hurry: false, signal });
      await Promise.all(live.map((peer) => table.add(peer, signal)));
      return live;
    };
    return new Neighbourhood({
      closest: () => table.closest(kadIdOf(own), REPLICATION),
      onPeer: (listener) => table.onPeer(listener),
      isConnected: (peer) => this.#links.isConnected(peer),
      look,
      clock,
      chance: chanceOf(this.#random),
    });
  }

  async #sweep(store: SlotStore, signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#network.clock.sleep(SWEEP_INTERVAL_MS, signal);
      try {
        store.sweep();
      } catch (error) {
        this.#log('error', 'expired slots could not be removed', { reason: (error as Error).name });
      }
    }
  }

  #needPeers(): void {
    if (this.#known().length === 0) throw new DhtError('NO_PEERS');
  }

  #until(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#running.signal : AbortSignal.any([signal, this.#running.signal]);
  }
}
