/** One fake tor process: the SOCKS socket, the onions published through it and its client keys. */

import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { FakeServices } from './fake-services.ts';
import { readSocksRequest, type SocksRequest } from './fake-socks.ts';

/** What the network gives to each of its processes. */
export interface FakeTorInit {
  readonly socksPath: string;
  readonly services: FakeServices;
  /** Takes over a client whose CONNECT has been read; settles when it is gone. */
  readonly serve: (client: Socket, request: SocksRequest) => Promise<void>;
  /** Cuts all streams of this process. */
  readonly cut: () => void;
}

export type FakeTorServices = Pick<FakeServices, 'publish'> & {
  addClientKey(host: string, secret: Uint8Array): Promise<void>;
  removeClientKey(host: string): Promise<void>;
};

/** Stands in for one tor process: the SOCKS socket, the onions published through it, its client keys. */
export class FakeTor {
  readonly socksPath: string;
  readonly services: FakeTorServices;
  /** Host -> x25519 secret, as loaded with ONION_CLIENT_AUTH_ADD. */
  readonly clientKeys = new Map<string, Uint8Array>();
  readonly #network: FakeTorInit;
  readonly #clients = new Set<Socket>();
  #server: Server | undefined;

  constructor(network: FakeTorInit) {
    this.#network = network;
    this.socksPath = network.socksPath;
    this.services = {
      publish: (seed, options) => network.services.publish(seed, options),
      addClientKey: async (host, secret) => void this.clientKeys.set(host, secret),
      removeClientKey: async (host) => void this.clientKeys.delete(host),
    };
  }

  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    await rm(this.socksPath, { force: true });
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (client) =>
      this.#accept(client),
    );
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: this.socksPath, backlog: 1024 }, resolve);
    });
  }

  /** Dials can begin once it is started. */
  async ready(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#server === undefined) throw new Error('this fake tor is not started');
  }

  status(): { state: 'ready' | 'stopped' } {
    return { state: this.#server === undefined ? 'stopped' : 'ready' };
  }

  /** The process dies: its streams are cut and its socket is gone. Onions stay known, as descriptors would. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    this.#network.cut();
    for (const client of this.#clients) client.destroy();
    await new Promise((resolve) => server.close(resolve));
  }

  #accept(client: Socket): void {
    this.#clients.add(client);
    client.on('error', () => {});
    client.on('close', () => this.#clients.delete(client));
    // the promise settles when the dialer is gone; the client set above owns the socket until then
    void readSocksRequest(client).then(
      (request) => this.#network.serve(client, request),
      () => client.destroy(),
    );
  }
}
