/**
 * One identity on the network: a libp2p node whose PeerId is the key of its onion. A process may have several; they
 * share the tor below and nothing else, and nothing here knows of more than one.
 *
 * What it adds to libp2p is refusal: addresses other than a peer's own onion are neither kept nor dialed, names are
 * not resolved, identify tells protocols and nothing else, and nobody is looked up, because a PeerId is an address.
 * Values: `connection-defaults.ts`. A persona that does not listen is a client: no onion, nothing announced.
 *
 * Protocols have to be registered by services (before the start): peers learn them when a connection opens, once.
 * Not covered: what services themselves put into messages, and that two personas of one process are up at the same
 * times. Owner: whoever created it; the datastore stays the caller's.
 */

import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import { type Connection, type PeerId, type PeerRouting, peerRoutingSymbol } from '@libp2p/interface';
import { ping } from '@libp2p/ping';
import type { Datastore } from 'interface-datastore';
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p';
import { concat } from '../../safety/bytes.ts';
import { type Clock, systemClock } from '../../safety/clock.ts';
import { nodeProvider } from '../../safety/crypto/node.ts';
import { type Log, silent } from '../../safety/log.ts';
import { type RandomBytes, systemRandom } from '../../safety/random.ts';
import { type OnionAddress, onionOf } from '../../wire/onion.ts';
import { torAddresses, torConnectionDefaults } from './connection-defaults.ts';
import { duplicateConnections } from './duplicate-connections.ts';
import { PersonaError } from './errors.ts';
import { Gater } from './gater.ts';
import { PROTOCOL_PREFIX, protocolsOnly } from './identify.ts';
import { ANSWER_TIMEOUT_MS, PEER_AGE_MS } from './limits.ts';
import { noLogging } from './no-logging.ts';
import { dialAddress, onionOfPeer, ownAddress } from './own-address.ts';
import { room } from './room.ts';

/** Makes the transport of one libp2p node: what `tor({ … })` returns. */
export type TransportFactory = NonNullable<Libp2pOptions['transports']>[number];

type Components = Parameters<TransportFactory>[0];

export interface PersonaInit {
  /** Ed25519 seed, 32 bytes: the key of PeerId, link and onion. Copied; the caller may wipe it. */
  readonly seed: Uint8Array;
  /** Handed in, so that this folder needs to know no transport. Its dialer must be this persona's alone. */
  readonly transport: TransportFactory;
  /** Whether it publishes its onion and takes connections. */
  readonly listen: boolean;
  /** Where the peer store lies; of this persona alone. Default: in memory without a bound, for one that ends soon. */
  readonly datastore?: Datastore;
  /** Beside identify and ping; none may look up peers (PersonaError SERVICE_ROUTES). */
  readonly services?: NonNullable<Libp2pOptions['services']>;
  /** Default: that of `connection-defaults.ts`. */
  readonly maxConnections?: number;
  readonly clock?: Clock;
  readonly random?: RandomBytes;
  readonly log?: Log;
}

export interface ConnectOptions {
  readonly signal?: AbortSignal | undefined;
  /** A person is waiting. */
  readonly urgent?: boolean | undefined;
}

/** Dials above libp2p's default priority are user actions for the transport. */
const ORDINARY_PRIORITY = 50;
const URGENT_PRIORITY = 75;

/** Where a peer is follows from its id, so libp2p never has to ask anybody. */
const computedRoutes: PeerRouting = {
  findPeer: async (id) => {
    const onion = onionOfPeer(id);
    return { id, multiaddrs: onion === null ? [] : [ownAddress(onion)] };
  },
  // oxlint-disable-next-line require-yield -- nobody is close to anything without a routing table
  async *getClosestPeers() {},
};

/** Makes a persona that is not started. Throws {@link PersonaError} SERVICE_ROUTES. */
export async function createPersona(init: PersonaInit): Promise<Persona> {
  const { seed, listen, maxConnections, clock = systemClock, random = systemRandom, log = silent } = init;
  const publicKey = nodeProvider.ed25519.publicKey(seed);
  const onion = onionOf(publicKey);
  const gater = new Gater();
  let components: Components | undefined;
  const libp2p = await createLibp2p({
    ...torConnectionDefaults,
    connectionManager: {
      ...torConnectionDefaults.connectionManager,
      ...(maxConnections === undefined ? {} : { maxConnections }),
    },
    connectionMonitor: { ...torConnectionDefaults.connectionMonitor, protocolPrefix: PROTOCOL_PREFIX },
    connectionGater: gater.connectionGater(),
    peerStore: { maxAddressAge: PEER_AGE_MS, maxPeerAge: PEER_AGE_MS },
    privateKey: privateKeyFromRaw(concat(seed, publicKey)),
    ...(init.datastore === undefined ? {} : { datastore: init.datastore }),
    logger: noLogging,
    addresses: listen ? { ...torAddresses(ownAddress(onion)), listen: [] } : { announceFilter: () => [] },
    transports: [(given) => init.transport((components = given))],
    peerRouters: [() => computedRoutes],
    services: {
      identify: protocolsOnly(),
      ping: ping({ protocolPrefix: PROTOCOL_PREFIX, timeout: ANSWER_TIMEOUT_MS }),
      duplicates: duplicateConnections({ clock }),
      room: room({ clock, random }),
      ...init.services,
    },
    start: false,
  });
  if (Object.values(libp2p.services).some(looksUpPeers)) throw serviceRoutes();
  // libp2p calls the factory of every transport while it is made
  const { transportManager: transports } = components as unknown as Components;
  return new Persona(libp2p, { onion, gater, listen, transports, log });
}

interface PersonaParts {
  readonly onion: OnionAddress;
  readonly gater: Gater;
  readonly listen: boolean;
  readonly transports: Components['transportManager'];
  readonly log: Log;
}

export class Persona {
  readonly libp2p: Libp2p;
  readonly peerId: PeerId;
  /** Where others reach it, if it listens. */
  readonly onion: OnionAddress;
  readonly #parts: PersonaParts;
  #starting: Promise<void> = Promise.resolve();
  /** Aborted by stop. */
  #running = new AbortController();

  constructor(libp2p: Libp2p, parts: PersonaParts) {
    this.libp2p = libp2p;
    this.peerId = libp2p.peerId;
    this.onion = parts.onion;
    this.#parts = parts;
    // libp2p notes each failed dial in its peer store, also those that ended here
    libp2p.addEventListener('peer:update', ({ detail }) => {
      if (parts.gater.avoids(detail.peer.id)) this.#forget(detail.peer.id);
    });
  }

  /**
   * Resolves when it can dial and, if it listens, be reached. Rejects with the signal's reason when that is aborted,
   * or as publishing does; it is stopped then.
   */
  start(signal?: AbortSignal): Promise<void> {
    this.#running = new AbortController();
    const ended = this.#running.signal;
    this.#starting = this.#start(signal === undefined ? ended : AbortSignal.any([signal, ended]));
    return this.#starting;
  }

  /** Closes connections in order and takes the onion down; cuts a start short. */
  async stop(): Promise<void> {
    this.#running.abort(new Error('the persona was stopped'));
    await this.#starting.catch(() => {});
    await this.libp2p.stop();
  }

  /**
   * The connection to the peer of an onion, dialed where there is none. Throws {@link PersonaError} REFUSED, and what
   * libp2p and the transport throw.
   */
  async connect(onion: OnionAddress, { signal, urgent = false }: ConnectOptions = {}): Promise<Connection> {
    if (this.#parts.gater.refuses(onion.publicKey)) throw refused();
    const priority = urgent ? URGENT_PRIORITY : ORDINARY_PRIORITY;
    // libp2p hands it on, though its type does not say so
    const options = signal === undefined ? { priority } : { priority, signal };
    return this.libp2p.dial(dialAddress(onion), options);
  }

  /** Another persona of this node: nothing is said to it, and no dial shows that. See {@link Gater.avoid}. */
  avoid(peer: PeerId): void {
    this.#parts.gater.avoid(peer);
    this.#forget(peer);
  }

  /** One that broke rules: cuts its connections, and neither dials nor accepts it any more. */
  refuse(peer: PeerId): void {
    this.#parts.gater.refuse(peer);
    this.#forget(peer);
  }

  #forget(peer: PeerId): void {
    for (const connection of this.libp2p.getConnections(peer).slice()) connection.abort(refused());
    // what a full disk leaves in the peer store is not dialed either
    this.libp2p.peerStore.delete(peer).catch(() => {});
  }

  async #start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    try {
      await this.libp2p.start();
      await this.#listen(signal);
      this.#parts.log('debug', 'persona is up', { onion: this.onion.host });
    } catch (error) {
      await this.libp2p.stop();
      throw signal.aborted ? signal.reason : error;
    }
  }

  /** Not left to libp2p's own start, which nothing can end while tor publishes. */
  async #listen(signal: AbortSignal): Promise<void> {
    const { listen, transports } = this.#parts;
    signal.throwIfAborted();
    if (!listen) return;
    // a listener that is closed while it publishes rejects
    const close = (): void => void Promise.allSettled(transports.getListeners().map((each) => each.close()));
    signal.addEventListener('abort', close, { once: true });
    try {
      await transports.listen([ownAddress(this.onion)]);
      signal.throwIfAborted();
    } finally {
      signal.removeEventListener('abort', close);
    }
  }
}

function looksUpPeers(service: unknown): boolean {
  return (service as { [peerRoutingSymbol]?: unknown })[peerRoutingSymbol] !== undefined;
}

function serviceRoutes(): PersonaError {
  return new PersonaError('SERVICE_ROUTES', 'a service would ask others where peers are', {
    hint: 'Hand libp2p a service without the peer routing symbol: a peer id is an address here.',
  });
}

function refused(): PersonaError {
  return new PersonaError('REFUSED', 'this persona must not meet that peer', {
    hint: 'It is another persona of this node, or it broke the rules; use another peer.',
  });
}
