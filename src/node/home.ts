/**
 * One home onion: where friends reach this node. tor lets nobody in who is not authorized (rend-spec-v3, client
 * authorization), unless the node was told to be open. Which homes a node has is in homes.ts.
 */

import type { ChannelHandler } from '../net/acceptor.ts';
import { type LinkIdentity, linkIdentity } from '../net/link-identity.ts';
import type { Log } from '../safety/log.ts';
import { OnionEndpoint } from '../transport-tor/endpoint.ts';
import type { OnionPublisher } from '../transport-tor/onion-server.ts';
import { OnionServiceError } from '../transport-tor/tor/errors.ts';
import type { OnionAddress } from '../wire/onion.ts';
import { reasonOf } from './failures.ts';

export interface HomeInit {
  /** Ed25519 seed, 32 bytes. */
  readonly seed: Uint8Array;
  readonly services: OnionPublisher;
  readonly socketDir: string;
  /** X25519 keys of those who may connect; null: everybody. */
  readonly clients: readonly Uint8Array[] | null;
  readonly handlers: ReadonlyMap<string, ChannelHandler>;
  /** Whether tor could publish by now; until then a failed upload is tried again. */
  readonly torReady: () => boolean;
  readonly log: Log;
}

export class Home {
  readonly seed: Uint8Array;
  readonly identity: LinkIdentity;
  readonly endpoint: OnionEndpoint;
  readonly #init: HomeInit;
  #clients: readonly Uint8Array[] | null;
  #state: 'new' | 'published' | 'stopping' = 'new';

  constructor(init: HomeInit) {
    const { seed, services, socketDir, clients, handlers, log } = init;
    this.#init = init;
    this.#clients = clients;
    this.seed = seed;
    this.identity = linkIdentity(seed);
    const clientAuth = clients === null ? {} : { clientAuth: clients };
    this.endpoint = new OnionEndpoint({ seed, socketDir, services, ...clientAuth, log });
    for (const [protocol, handler] of handlers) this.endpoint.handle(protocol, handler);
  }

  get onion(): OnionAddress {
    return this.endpoint.onion;
  }

  /** Resolves when friends can reach it; waits out a slow bootstrap, until which no directory takes a descriptor. */
  async start(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.endpoint.start(signal);
        break;
      } catch (error) {
        const early = !this.#init.torReady() && this.#state !== 'stopping';
        if (!(early && error instanceof OnionServiceError && error.code === 'ONION_NOT_UPLOADED'))
          throw error;
      }
    }
    if (this.#state === 'new') this.#state = 'published';
    if (this.#clients !== this.#init.clients && this.#clients !== null) this.#tellClients(this.#clients);
  }

  /**
   * Replaces who may connect, at the next time that tor may be told (ten seconds at most); open streams stay. Does
   * nothing on an open home.
   */
  setClients(keys: readonly Uint8Array[]): void {
    if (this.#clients === null) return;
    this.#clients = keys;
    if (this.#state === 'published') this.#tellClients(keys);
  }

  async stop(): Promise<void> {
    this.#state = 'stopping';
    await this.endpoint.stop();
  }

  #tellClients(keys: readonly Uint8Array[]): void {
    this.endpoint.setClients(keys).catch((error: unknown) => {
      // a tor that is gone gets the new list when it is back
      this.#init.log('debug', 'client keys of the home onion', { reason: reasonOf(error) });
    });
  }
}
