/**
 * One onion service on one unix socket: listens, publishes, hands over each connection unread. Knows nothing about
 * what is spoken on it.
 *
 * Order of start: directory, socket, publication; a failure undoes what was done. Order of stop: publication first,
 * so that tor sends nobody any more, then the connections that were never taken over to their end, then the socket.
 */

import { chmod } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { type Log, silent } from '../safety/log.ts';
import type { OnionAddress } from '../wire/onion.ts';
import { EndpointError } from './errors.ts';
import { ENDPOINT_BACKLOG, ENDPOINT_SOCKETS, SOCKET_READ_BYTES } from './limits.ts';
import type { PublishedOnion, PublishOptions } from './onion-services.ts';
import { onionSocketPath, prepareSocketDir, removeStaleSocket } from './socket-dir.ts';

/** What publishes onions: the `services` of a Tor, or of the fake network. */
export interface OnionPublisher {
  publish(seed: Uint8Array, options: PublishOptions): Promise<PublishedOnion>;
  /** See {@link OnionServices.refresh}; a network without descriptors has none. */
  refresh?(host: string, signal?: AbortSignal): Promise<boolean>;
}

/** How tor serves the onion; see {@link PublishOptions}. */
export interface ServiceOptions {
  readonly clientAuth?: readonly Uint8Array[] | undefined;
  readonly pow?: boolean | undefined;
  readonly maxStreams?: number | undefined;
}

export interface OnionServerInit {
  readonly seed: Uint8Array;
  readonly onion: OnionAddress;
  /** Short directory for the socket; created with mode 0700. */
  readonly socketDir: string;
  readonly services: OnionPublisher;
  readonly service?: ServiceOptions;
  /** Takes ownership of a connection, its errors included. */
  readonly onSocket: (socket: Socket) => void;
  readonly log?: Log | undefined;
}

export class OnionServer {
  readonly #init: OnionServerInit;
  readonly #log: Log;
  /** Open connections, whoever owns them: none may outlive `stop`. */
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #published: PublishedOnion | undefined;

  constructor(init: OnionServerInit) {
    this.#init = init;
    this.#log = init.log ?? silent;
  }

  /** Connections now open. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Resolves when the onion can be reached. Throws EndpointError, what publishing throws, or the signal's reason. */
  async start(signal?: AbortSignal): Promise<void> {
    if (this.#server !== undefined) throw wrongState('is started already');
    const { seed, onion, socketDir, services, service } = this.#init;
    const socketPath = onionSocketPath(socketDir, onion.host, onion.port);
    const server = createServer({ pauseOnConnect: true, highWaterMark: SOCKET_READ_BYTES }, (socket) =>
      this.#take(socket),
    );
    this.#server = server;
    try {
      await prepareSocketDir(socketDir);
      await removeStaleSocket(socketPath);
      await listen(server, socketPath);
      if (this.#server !== server) throw wrongState('was stopped while it started');
      await chmod(socketPath, 0o600);
      server.on('error', (error) => this.#log('error', 'onion socket', { reason: error.name }));
      this.#published = await services.publish(seed, {
        ...defined(service),
        socketPath,
        port: onion.port,
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (this.#server !== server && server.listening) server.close(); // a stop that came before it listened missed it
      await this.stop();
      throw error;
    }
  }

  /** Replaces the client keys of a running service. */
  async setClients(keys: readonly Uint8Array[], signal?: AbortSignal): Promise<void> {
    if (this.#published === undefined) throw wrongState('is not started');
    await this.#published.setClients(keys, signal);
  }

  /** Unpublishes. The first half of a stop: connections go on until {@link stop}. */
  async unpublish(): Promise<void> {
    const published = this.#published;
    this.#published = undefined;
    try {
      await published?.close();
    } catch (error) {
      // a tor that is gone serves nothing either
      this.#log('debug', 'unpublish', { reason: error instanceof Error ? error.name : 'unknown' });
    }
  }

  /** Leaves no socket, neither open nor in the directory. Never rejects. */
  async stop(): Promise<void> {
    await this.unpublish();
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    if (server?.listening === true) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #take(socket: Socket): void {
    socket.on('error', () => {});
    if (this.#sockets.size >= ENDPOINT_SOCKETS) return void socket.destroy();
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    this.#init.onSocket(socket);
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path, backlog: ENDPOINT_BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function defined({ clientAuth, pow, maxStreams }: ServiceOptions = {}): Partial<PublishOptions> {
  return {
    ...(clientAuth === undefined ? {} : { clientAuth }),
    ...(pow === undefined ? {} : { pow }),
    ...(maxStreams === undefined ? {} : { maxStreams }),
  };
}

function wrongState(what: string): EndpointError {
  return new EndpointError('ENDPOINT_STATE', `the onion ${what}`, {
    hint: 'Call start() once, and stop() before starting again.',
  });
}
