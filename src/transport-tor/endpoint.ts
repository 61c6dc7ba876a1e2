/**
 * Everything that one onion serves: the published service, the handshake under load, and the raw protocols that
 * dialers may name. The accepting end of the one primitive.
 *
 * May be started again after a stop; handlers stay registered across that.
 */

import { Acceptor, type AcceptorInit, type AcceptorStats, type ChannelHandler } from '../net/acceptor.ts';
import { type LinkIdentity, linkIdentity } from '../net/link-identity.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import { ONION_PORT, type OnionAddress, onionOf } from '../wire/onion.ts';
import { type OnionPublisher, OnionServer, type ServiceOptions } from './onion-server.ts';

export interface OnionEndpointInit
  extends ServiceOptions,
    Pick<AcceptorInit, 'provider' | 'random' | 'clock' | 'log' | 'limits'> {
  /** Ed25519 seed of the onion, 32 bytes. */
  readonly seed: Uint8Array;
  /** Who answers on it; default: the key of the onion itself. */
  readonly identity?: LinkIdentity;
  /** Short directory for the unix socket, created with mode 0700. */
  readonly socketDir: string;
  readonly services: OnionPublisher;
  /** Virtual port, default 1000. */
  readonly port?: number;
}

export class OnionEndpoint {
  readonly onion: OnionAddress;
  readonly #init: OnionEndpointInit;
  readonly #server: OnionServer;
  readonly #handlers = new Map<string, ChannelHandler>();
  #acceptor: Acceptor;

  constructor(init: OnionEndpointInit) {
    const { seed, port = ONION_PORT, provider = nodeProvider, socketDir, services, log } = init;
    this.#init = init;
    this.onion = onionOf(provider.ed25519.publicKey(seed), port);
    this.#acceptor = this.#newAcceptor();
    this.#server = new OnionServer({
      seed,
      onion: this.onion,
      socketDir,
      services,
      service: init,
      onSocket: (socket) => this.#acceptor.accept(socket),
      log,
    });
  }

  /** Serves a raw protocol; the channel is the handler's until its promise settles. See {@link Acceptor.handle}. */
  handle(protocol: string, handler: ChannelHandler): void {
    this.#acceptor.handle(protocol, handler);
    this.#handlers.set(protocol, handler);
  }

  /** Serves a protocol no more; open channels go on. */
  unhandle(protocol: string): void {
    this.#acceptor.unhandle(protocol);
    this.#handlers.delete(protocol);
  }

  /** Resolves when others can reach the onion. */
  start(signal?: AbortSignal): Promise<void> {
    return this.#server.start(signal);
  }

  /** Unpublishes, drops all channels and waits for their handlers, removes the socket. Never rejects. */
  async stop(): Promise<void> {
    await this.#server.unpublish();
    const acceptor = this.#acceptor;
    this.#acceptor = this.#newAcceptor();
    for (const [protocol, handler] of this.#handlers) this.#acceptor.handle(protocol, handler);
    // a connection that arrives meanwhile goes to the new acceptor and ends with the server
    await acceptor.close();
    await this.#server.stop();
  }

  /** Replaces the client keys: who may connect at all. At most one change per ten seconds reaches tor. */
  setClients(keys: readonly Uint8Array[], signal?: AbortSignal): Promise<void> {
    return this.#server.setClients(keys, signal);
  }

  stats(): AcceptorStats {
    return this.#acceptor.stats();
  }

  #newAcceptor(): Acceptor {
    const { seed, identity, provider, random, clock, log, limits } = this.#init;
    return new Acceptor({
      identity: identity ?? linkIdentity(seed, provider),
      ...(provider === undefined ? {} : { provider }),
      ...(random === undefined ? {} : { random }),
      ...(clock === undefined ? {} : { clock }),
      ...(log === undefined ? {} : { log }),
      ...(limits === undefined ? {} : { limits }),
    });
  }
}
