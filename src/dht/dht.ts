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
import { Wakeup } from '../net/wakeup.ts';
import { KAD_PROTOCOL } from '../wire/kad-message.ts';
import type { OnionAddress } from '../wire/onion.ts';
import { DhtError } from './errors.ts';
import { Entrances } from './entrances.ts';
import { handOn, type HandedOn, type HandOnProgress } from './hand-on.ts';
import { KadTable, type KadComponents } from './kad.ts';
import { kadIdOf, Links, peerOf } from './links.ts';
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
  /** Dials an entry point and starts from it. Throws DhtError PEER_UNREACHABLE. */
  enter(onion: OnionAddress, options: { signal: AbortSignal }): Promise<void>;
  /** Peers that lookups start from: the routing table, or the entry points of a client. */
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
  readonly #registrar: DhtComponents['registrar'];
  #running = new AbortController();

  constructor(components: DhtComponents, init: DhtInit) {
    const { store, clock = systemClock, provider = nodeProvider, urgent = false } = init;
    this.#links = new Links(components);
    const requests = new KadRequests(this.#links, { clock, urgent });
    this.#store = store;
    this.#table = store === undefined ? undefined : new KadTable(components, this.#links, requests);
    const routing = this.#table ?? this.#entrances;
    this.#network = { own: components.peerId, routing, requests, clock, provider };
    this.#registrar = components.registrar;
    this.#server = store === undefined ? undefined : new KadServer({ store, routing, clock, provider });
    this.#links.onGone = async (peer) => {
      this.#entrances.remove(peer);
      await this.#table?.remove(peer);
    };
  }

  async start(): Promise<void> {
    this.#running = new AbortController();
    // before anything listens: peers learn our protocols when a connection opens, once
    if (this.#server !== undefined) await this.#registrar.handle(KAD_PROTOCOL, this.#server.handle);
    await this.#table?.start();
  }

  async stop(): Promise<void> {
    this.#running.abort(new Error('the dht was stopped'));
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
    return handOn(this.#network, { slots, bytesOf, signal: this.#until(signal), onProgress });
  }

  async enter(onion: OnionAddress, { signal }: { signal: AbortSignal }): Promise<void> {
    const peer = peerOf(onion);
    await this.#links.connect(peer, { signal: this.#until(signal), urgent: this.#network.requests.urgent });
    if (this.#table === undefined) this.#entrances.add(peer);
    else await this.#table.add(peer, this.#until(signal));
  }

  peers(): PeerId[] {
    return this.#network.routing.closest(kadIdOf(this.#network.own), Number.MAX_SAFE_INTEGER);
  }

  async ready(signal: AbortSignal): Promise<void> {
    const joined = new Wakeup();
    const end = this.#network.routing.onPeer(() => joined.wake());
    try {
      while (this.peers().length === 0) await joined.wait(this.#until(signal));
    } finally {
      end();
    }
  }

  #needPeers(): void {
    if (this.peers().length === 0) throw new DhtError('NO_PEERS');
  }

  #until(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#running.signal : AbortSignal.any([signal, this.#running.signal]);
  }
}
