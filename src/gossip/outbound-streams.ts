/**
 * Opens the stream to each gossip peer, in gossipsub's place. gossipsub 17.1.1 opens them one after the other, so a
 * single peer that does not answer (30 s each time) keeps all others waiting; and it opens none again when one is
 * lost while the connection lives, which happens when one of two connections to a peer is closed as superfluous.
 *
 * It stands between gossipsub and libp2p's registrar: gossipsub learns of connections at once, but is given a
 * stream only when it is open.
 */

import type { Connection, PeerId, Stream, Topology } from '@libp2p/interface';
import type { GossipSubComponents } from '@libp2p/gossipsub';
import { MAX_STREAMS, STREAM_TRIES } from './limits.ts';
import { PROTOCOL } from './options.ts';

type Registrar = GossipSubComponents['registrar'];

export interface OutboundStreamsInit {
  readonly registrar: Registrar;
  readonly connectionManager: GossipSubComponents['connectionManager'];
  /** Whether gossipsub has a stream to the peer. */
  readonly has: (peer: string) => boolean;
  /** Makes gossipsub forget a stream that broke before it could notice. */
  readonly forget: (peer: string) => void;
  /** gossipsub has been given a stream. */
  readonly onOpen: () => void;
}

export class OutboundStreams {
  /** For gossipsub, in place of libp2p's: what it uses of it. */
  readonly registrar: Registrar;
  readonly #init: OutboundStreamsInit;
  readonly #opening = new Set<string>();
  readonly #tries = new Map<string, number>();
  readonly #given = new Map<string, Stream>();
  #stopped = new AbortController();
  #topology: Topology | undefined;

  constructor(init: OutboundStreamsInit) {
    this.#init = init;
    const { registrar } = init;
    const ours: Partial<Registrar> = {
      handle: (protocol, handler, options) =>
        registrar.handle(
          protocol,
          (stream, connection) => {
            void handler(stream, offering(connection));
            this.#begin(connection);
          },
          options,
        ),
      unhandle: (protocol, options) => registrar.unhandle(protocol, options),
      register: (protocol, topology) => registrar.register(protocol, this.#watch(topology)),
      unregister: (id) => registrar.unregister(id),
    };
    this.registrar = ours as Registrar;
  }

  start(): void {
    this.#stopped = new AbortController();
  }

  stop(): void {
    this.#stopped.abort();
    this.#tries.clear();
    this.#given.clear();
  }

  /** Tries again for a peer that has a connection but no stream; a few times per peer that is connected. */
  open(peer: PeerId): void {
    for (const connection of this.#init.connectionManager.getConnections(peer)) this.#begin(connection);
  }

  #watch(topology: Topology): Topology {
    this.#topology = topology;
    return {
      ...topology,
      onConnect: (peer, connection) => {
        void topology.onConnect?.(peer, offering(connection));
        this.#begin(connection);
      },
      onDisconnect: (peer) => {
        this.#tries.delete(peer.toString());
        this.#given.delete(peer.toString());
        void topology.onDisconnect?.(peer);
      },
    };
  }

  #begin(connection: Connection): void {
    const peer = connection.remotePeer.toString();
    const tries = this.#tries.get(peer) ?? 0;
    if (connection.status !== 'open' || this.#opening.has(peer) || this.#works(peer)) return;
    if (tries >= STREAM_TRIES) return;
    this.#init.forget(peer);
    this.#tries.set(peer, tries + 1);
    this.#opening.add(peer);
    // a failure is no matter: the next heartbeat tries again
    void this.#open(connection)
      .catch(() => {})
      .finally(() => this.#opening.delete(peer));
  }

  #works(peer: string): boolean {
    return this.#init.has(peer) && this.#given.get(peer)?.status === 'open';
  }

  async #open(connection: Connection): Promise<void> {
    const { signal } = this.#stopped;
    const stream = await connection.newStream(PROTOCOL, { signal, maxOutboundStreams: MAX_STREAMS });
    this.#given.set(connection.remotePeer.toString(), stream);
    void this.#topology?.onConnect?.(connection.remotePeer, offering(connection, stream));
    // gossipsub takes it within the promises that are now ready to run
    setImmediate(() => {
      if (this.#init.has(connection.remotePeer.toString())) this.#init.onOpen();
      else stream.abort(new Error('gossipsub did not take the stream'));
    });
  }
}

/** What gossipsub looks at in a connection, and as its new stream the one given. */
function offering(connection: Connection, stream?: Stream): Connection {
  const { remotePeer, remoteAddr, direction, status } = connection;
  const newStream = async (): Promise<Stream> => {
    if (stream === undefined) throw new Error('not open yet');
    return stream;
  };
  const part: Partial<Connection> = { remotePeer, remoteAddr, direction, status, newStream };
  return part as Connection;
}
