/**
 * The onions of the fake network, published through the same call as those of a real tor. Client authorization is
 * decided as tor decides it: by whether the dialer holds the secret of one of the service's x25519 keys.
 */

import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { equal } from '../safety/bytes.ts';
import type { PublishedOnion, PublishOptions } from '../transport-tor/onion-services.ts';
import { ONION_PORT, onionOf } from '../wire/onion.ts';

interface Service {
  readonly socketPath: string;
  readonly port: number;
  /** Undefined: everybody may connect. */
  clients: readonly Uint8Array[] | undefined;
}

export class FakeServices {
  readonly #services = new Map<string, Service>();

  async publish(seed: Uint8Array, options: PublishOptions): Promise<PublishedOnion> {
    options.signal?.throwIfAborted();
    const { host } = onionOf(ed25519.getPublicKey(seed));
    const service: Service = {
      socketPath: options.socketPath,
      port: options.port ?? ONION_PORT,
      clients: options.clientAuth,
    };
    this.#services.set(host, service);
    return {
      host,
      setClients: async (keys) => {
        service.clients = keys;
      },
      close: async () => {
        if (this.#services.get(host) === service) this.#services.delete(host);
      },
    };
  }

  /** Where the service listens, or undefined where nothing does. */
  socketPath(host: string, port: number): string | undefined {
    const service = this.#services.get(host);
    return service?.port === port ? service.socketPath : undefined;
  }

  /** The SOCKS code that a dialer gets who holds `clientSecret`, or 0. */
  refusal(host: string, clientSecret: Uint8Array | undefined): number {
    const service = this.#services.get(host);
    if (service === undefined) return 0xf0;
    if (service.clients === undefined) return 0;
    if (clientSecret === undefined) return 0xf4;
    const key = x25519.getPublicKey(clientSecret);
    return service.clients.some((client) => equal(client, key)) ? 0 : 0xf5;
  }
}
