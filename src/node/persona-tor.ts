/**
 * What all personas of one tor share and what they do not: they share the tor and its few places for dials; each has
 * a dialer, and so an isolation secret and a memory of dials, of its own. No two share a circuit.
 */

import type { Transport } from '@libp2p/interface';
import type { Clock } from '../safety/clock.ts';
import type { Log } from '../safety/log.ts';
import type { RandomBytes } from '../safety/random.ts';
import { DialPlaces } from '../transport-tor/dial-places.ts';
import { OnionDialer } from '../transport-tor/dialer.ts';
import type { OnionEndpoint } from '../transport-tor/endpoint.ts';
import { tor as onionTransport, type TorTransportComponents } from '../transport-tor/index.ts';
import type { TorHost } from '../transport-tor/options.ts';

export interface PersonaTorInit {
  readonly host: TorHost;
  /** Short directory for the unix sockets of onions. */
  readonly socketDir: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
}

export class PersonaTor {
  /** The tor as a persona sees it: there, and not its own to start or stop. */
  readonly #host: TorHost;
  readonly #init: PersonaTorInit;
  readonly #places = new DialPlaces();

  constructor(init: PersonaTorInit) {
    const { host } = init;
    this.#init = init;
    this.#host = {
      get socksPath() {
        return host.socksPath;
      },
      services: host.services,
      start: async () => {},
      stop: async () => {},
      ready: (signal) => host.ready(signal),
      status: () => ({ state: 'ready' }),
    };
  }

  /** A dialer for one persona. */
  dialer(): OnionDialer {
    const { clock, random, log } = this.#init;
    const host = this.#host;
    return new OnionDialer({
      socksPath: () => host.socksPath,
      secret: random(32),
      ready: (signal) => host.ready(signal),
      refresh: async (onion, signal) => host.services.refresh?.(onion, signal),
      places: this.#places,
      clock,
      random,
      log,
    });
  }

  /** libp2p's transport of one persona: circuits of `purpose`, and the onion of `endpoint` where it has one already. */
  transport(
    purpose: string,
    own: { readonly dialer?: OnionDialer; readonly endpoint?: OnionEndpoint } = {},
  ): (components: TorTransportComponents) => Transport {
    const { socketDir, clock, random, log } = this.#init;
    const { dialer = this.dialer(), endpoint } = own;
    return onionTransport({
      tor: this.#host,
      socketDir,
      purpose,
      dialer,
      ...(endpoint === undefined ? {} : { endpoint }),
      clock,
      random,
      log,
    });
  }
}
