/**
 * The accepting half of the transport: connections that arrive at our onion become libp2p connections, through
 * kith's handshake or through the app's own encrypters. Refusals and losses before that end here, silently: whoever
 * dialed has proven nothing worth a log line above debug.
 */

import type { Logger, StreamMuxerFactory, Upgrader } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { type ByteChannel, socketChannel } from '../net/byte-channel.ts';
import type { Clock } from '../safety/clock.ts';
import type { OnionAddress } from '../wire/onion.ts';
import { OnionConnection } from './connection.ts';
import type { OnionEndpoint, OnionEndpointInit } from './endpoint.ts';
import { peerIdOfKey } from './keys.ts';
import { STOP_GRACE_MS } from './limits.ts';
import { OnionServer } from './onion-server.ts';

/** The protocol name under which libp2p connections are dialed: yamux follows, without negotiation. */
export const LIBP2P_PROTOCOL = 'libp2p';

/** Connections of one transport that are not over yet. */
export class OpenConnections {
  readonly #open = new Set<OnionConnection>();

  add(connection: OnionConnection): void {
    this.#open.add(connection);
    // never rejects
    void connection.finished.then(() => this.#open.delete(connection));
  }

  /** Waits a little for what is being closed in order: what is cut before that looks like a loss to the peer. */
  async left(clock: Clock): Promise<void> {
    const enough = new AbortController();
    const grace = clock.sleep(STOP_GRACE_MS, enough.signal).catch(() => {});
    const all = Promise.all([...this.#open].map((connection) => connection.finished));
    await Promise.race([grace, all]);
    enough.abort();
  }
}

/** The inbound connections: how many there were, and which are open. */
export class Arrivals extends OpenConnections {
  #count = 0;

  /** A made-up remote address for the next connection. */
  next(): string {
    this.#count++;
    return `/memory/onion-in-${this.#count}`;
  }
}

export interface InboundInit {
  readonly arrivals: Arrivals;
  readonly muxer: StreamMuxerFactory;
  readonly log: Logger;
  readonly clock: Clock;
}

/** What the listener needs, whatever the link. Started and stopped in turns. */
export interface Inbound {
  start(upgrader: Upgrader, signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

/** Through kith's handshake: libp2p is one of the protocols of an endpoint, which is started here if it is `ours`. */
export function channelInbound(endpoint: OnionEndpoint, ours: boolean, init: InboundInit): Inbound {
  let closing = new AbortController();
  return {
    async start(upgrader, signal) {
      closing = new AbortController();
      endpoint.handle(LIBP2P_PROTOCOL, async (channel) => {
        const remotePeer = peerIdOfKey(channel.remoteKey);
        const options = {
          skipProtection: true,
          skipEncryption: true,
          remotePeer,
          muxerFactory: init.muxer,
          signal: closing.signal,
        } as const;
        const connection = arrive(channel, init, (arrived) => upgrader.upgradeInbound(arrived, options));
        // the endpoint ends the channel when its handler is done
        await connection.finished;
      });
      try {
        if (ours) await endpoint.start(signal);
      } catch (error) {
        endpoint.unhandle(LIBP2P_PROTOCOL);
        throw error;
      }
    },
    async stop() {
      closing.abort(new Error('the listener was closed'));
      await init.arrivals.left(init.clock);
      if (ours) await endpoint.stop();
      endpoint.unhandle(LIBP2P_PROTOCOL);
    },
  };
}

/** Straight to the upgrader, which protects, encrypts and muxes as the app is configured. */
export function rawInbound(
  seed: Uint8Array,
  onion: OnionAddress,
  options: Pick<OnionEndpointInit, 'socketDir' | 'services' | 'clientAuth' | 'pow' | 'maxStreams' | 'log'>,
  init: InboundInit,
): Inbound {
  let closing = new AbortController();
  let server: OnionServer | undefined;
  return {
    async start(upgrader, signal) {
      closing = new AbortController();
      const upgradeSignal = closing.signal;
      server = new OnionServer({
        seed,
        onion,
        ...options,
        service: options,
        onSocket: (socket) => {
          arrive(socketChannel(socket), init, (arrived) =>
            upgrader.upgradeInbound(arrived, { signal: upgradeSignal }),
          );
        },
      });
      await server.start(signal);
    },
    async stop() {
      closing.abort(new Error('the listener was closed'));
      await init.arrivals.left(init.clock);
      await server?.stop();
      server = undefined;
    },
  };
}

/**
 * Makes a connection and has it upgraded; one that libp2p refuses is aborted. An onion service does not learn who
 * dials, so the remote address is made up: a new one each time, because libp2p closes a second connection of a peer
 * from the same address, and no place, because peers are shown it.
 */
function arrive(
  channel: ByteChannel,
  { arrivals, log, clock }: InboundInit,
  upgrade: (connection: OnionConnection) => Promise<void>,
): OnionConnection {
  const remoteAddr = multiaddr(arrivals.next());
  const connection = new OnionConnection({ channel, remoteAddr, direction: 'inbound', log, clock });
  arrivals.add(connection);
  // both outcomes are the connection's own
  void upgrade(connection).catch((error: unknown) => connection.abort(error as Error));
  return connection;
}
