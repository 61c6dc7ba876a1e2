/** The fake tor of a child process: its sockets are in the file system, what it publishes is with the parent. */

import { randomUUID } from 'node:crypto';
import type { PublishedOnion, PublishOptions } from '../../src/transport-tor/onion-services.ts';
import { askParent } from './parent.ts';

export class RemoteTor {
  readonly socksPath: string;
  readonly services: {
    publish(seed: Uint8Array, options: PublishOptions): Promise<PublishedOnion>;
    addClientKey(host: string, secret: Uint8Array): Promise<void>;
    removeClientKey(host: string): Promise<void>;
  };

  constructor(socksPath: string) {
    this.socksPath = socksPath;
    this.services = {
      publish: async (seed, { socketPath, port, clientAuth }) => {
        const name = randomUUID();
        const host = (await askParent('publish', [name, seed, { socketPath, port, clientAuth }])) as string;
        return {
          host,
          setClients: async (keys) => void (await askParent('setClients', [name, keys])),
          close: async () => void (await askParent('close', [name])),
        };
      },
      addClientKey: async (host, secret) => void (await askParent('addClientKey', [host, secret])),
      removeClientKey: async (host) => void (await askParent('removeClientKey', [host])),
    };
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  async ready(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
  }

  status(): { readonly state: 'ready' } {
    return { state: 'ready' };
  }
}
