/**
 * kad-dht, cut down to what it is used for here: the routing table of a peer that serves, filled by peers that
 * connect, kept fresh by lookups of its own, and never evicting a live old peer for a new one.
 *
 * It runs as a client, so it never answers anybody (that is server.ts), and gets its network through {@link Links}: a
 * peer is dialed at the onion of its key whatever an answer says about it, at most a few at once, and "pinged" with
 * the DHT's own request, so that only peers that serve enter the table. libp2p does not see it as discovery or
 * routing service. Answers reach it bounded in size.
 *
 * Fixed in kad-dht 16.4 and accepted: every 5 minutes the table is refreshed for 30 s, which over slow circuits finds
 * little, but what it dials is bounded here. Our own neighbourhood is looked after by neighbourhood.ts.
 */

import type { AbortOptions, PeerId, Startable, Stream } from '@libp2p/interface';
import { kadDHT, type KadDHTComponents } from '@libp2p/kad-dht';
import { Queue } from '@libp2p/utils';
import { KAD_PROTOCOL, MAX_KAD_RESPONSE_BYTES } from '../wire/kad-message.ts';
import { DhtError } from './errors.ts';
import {
  DISJOINT_PATHS,
  FIRST_SELF_LOOKUP_MS,
  KAD_IDLE_MS,
  KAD_PARALLEL,
  KAD_TIMEOUT,
  LENGTH_PREFIX_BYTES,
  LOOKUP_TIMEOUT_MS,
  MAX_TABLE_CANDIDATES,
  REPLICATION,
  TABLE_CANDIDATES_AT_ONCE,
} from './limits.ts';
import { addressOf, type LinkComponents, type Links } from './links.ts';
import type { Routing } from './lookup.ts';
import type { KadRequests } from './requests.ts';

export type KadComponents = Omit<KadDHTComponents, 'ping'> & LinkComponents;

/** What kad-dht's class has and its exported type does not show. Checked when it is made. */
interface Table extends EventTarget {
  closestPeers(kadId: Uint8Array, options: { count: number }): PeerId[];
  add(peer: PeerId, options?: { signal?: AbortSignal }): Promise<void>;
  remove(peer: PeerId): Promise<void>;
}

export class KadTable implements Routing, Startable {
  readonly #kad: Startable & { routingTable: Table };
  readonly #links: Links;
  readonly #own: PeerId;
  /** Dials that kad-dht may have under way: its lookups start dozens at once. */
  readonly #dials = new Queue({ concurrency: KAD_PARALLEL, maxSize: MAX_TABLE_CANDIDATES });

  constructor(components: KadComponents, links: Links, requests: KadRequests) {
    this.#links = links;
    this.#own = components.peerId;
    const make = kadDHT({
      protocol: KAD_PROTOCOL,
      clientMode: true,
      kBucketSize: REPLICATION,
      alpha: DISJOINT_PATHS,
      disjointPaths: DISJOINT_PATHS,
      validators: { 'kith-slot': unused, pk: unused },
      selectors: { 'kith-slot': () => 0, pk: () => 0 },
      initialQuerySelfInterval: FIRST_SELF_LOOKUP_MS,
      querySelfInterval: KAD_IDLE_MS,
      networkDialTimeout: KAD_TIMEOUT,
      pingNewContactTimeout: KAD_TIMEOUT,
      pingOldContactTimeout: KAD_TIMEOUT,
      // not the number of dials: #dials bounds that
      pingNewContactConcurrency: TABLE_CANDIDATES_AT_ONCE,
      pingOldContactConcurrency: TABLE_CANDIDATES_AT_ONCE,
      routingTableUpdateQueueConcurrency: TABLE_CANDIDATES_AT_ONCE,
      pingNewContactMaxQueueSize: MAX_TABLE_CANDIDATES,
      pingOldContactMaxQueueSize: MAX_TABLE_CANDIDATES,
      routingTableUpdateMaxQueueSize: MAX_TABLE_CANDIDATES,
      onPeerConnectTimeout: LOOKUP_TIMEOUT_MS,
      reprovide: { concurrency: 1, interval: KAD_IDLE_MS },
      // what an answer says about addresses is replaced by what the id says; without one the peer is ignored
      peerInfoMapper: ({ id }) => {
        const address = addressOf(id);
        return { id, multiaddrs: address === undefined ? [] : [address] };
      },
    });
    const { registrar, peerId, privateKey, addressManager, peerStore, datastore, events, logger } =
      components;
    const kad: unknown = make({
      peerId,
      privateKey,
      addressManager,
      peerStore,
      datastore,
      events,
      logger,
      // all that kad-dht calls of these three; without unhandle, which would take away the handler of our server
      registrar: {
        register: registrar.register.bind(registrar),
        unregister: registrar.unregister.bind(registrar),
        unhandle: async () => undefined,
      },
      connectionManager: {
        isDialable: async () => true,
        openStream: (peer: PeerId, _protocol: string, options: AbortOptions) =>
          this.#openStream(peer, options),
      },
      ping: { ping: (peer: PeerId, options: AbortOptions) => this.#ping(requests, peer, options) },
    } as unknown as KadDHTComponents);
    if (!hasTable(kad)) throw new DhtError('KAD_CHANGED');
    this.#kad = kad;
  }

  async start(): Promise<void> {
    await this.#kad.start();
  }

  async stop(): Promise<void> {
    this.#dials.abort();
    await this.#kad.stop();
  }

  /** Puts a peer into the table if it answers. */
  async add(peer: PeerId, signal: AbortSignal): Promise<void> {
    await this.#kad.routingTable.add(peer, { signal });
  }

  /** Never rejects. */
  async remove(peer: PeerId): Promise<void> {
    await this.#kad.routingTable.remove(peer).catch(() => undefined);
  }

  closest(kadId: Uint8Array, count: number): PeerId[] {
    return this.#kad.routingTable.closestPeers(kadId, { count }).filter((peer) => !peer.equals(this.#own));
  }

  onPeer(listener: (peer: PeerId) => void): () => void {
    const onAdd = (event: Event): void => listener((event as CustomEvent<PeerId>).detail);
    this.#kad.routingTable.addEventListener('peer:add', onAdd);
    return () => this.#kad.routingTable.removeEventListener('peer:add', onAdd);
  }

  async #openStream(peer: PeerId, { signal }: AbortOptions): Promise<Stream> {
    const stream = await this.#dialing(peer, signal, (limited) =>
      this.#links.open(peer, { signal: limited }),
    );
    let sizeBytes = 0;
    stream.addEventListener('message', ({ data }) => {
      sizeBytes += data.byteLength;
      if (sizeBytes > MAX_KAD_RESPONSE_BYTES + LENGTH_PREFIX_BYTES) stream.abort(new DhtError('BAD_ANSWER'));
    });
    return stream;
  }

  async #ping(requests: KadRequests, peer: PeerId, { signal }: AbortOptions): Promise<number> {
    await this.#dialing(peer, signal, (limited) => requests.ping(peer, limited));
    return 0;
  }

  /** Waits for a place, unless a connection is open already. */
  #dialing<T>(
    peer: PeerId,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const limited = signal ?? AbortSignal.timeout(LOOKUP_TIMEOUT_MS);
    if (this.#links.isConnected(peer)) return work(limited);
    return this.#dials.add(() => work(limited), { signal: limited }) as Promise<T>;
  }
}

/** Values are read and written by read.ts and write.ts; nothing that reaches kad-dht's own way is taken. */
async function unused(): Promise<never> {
  throw new DhtError('BAD_ANSWER');
}

function hasTable(kad: unknown): kad is Startable & { routingTable: Table } {
  const { routingTable: table } = kad as { routingTable?: Partial<Table> };
  const methods = [table?.closestPeers, table?.add, table?.remove, table?.addEventListener];
  return methods.every((method) => typeof method === 'function');
}
