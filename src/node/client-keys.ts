/**
 * Hands tor the keys with which friends let us in at their homes, and takes back those that are not needed any more
 * (rend-spec-v3, client authorization). tor keeps them in memory alone; the lists below it survive its restarts.
 */

import { equal, toHex } from '../safety/bytes.ts';
import type { Log } from '../safety/log.ts';
import { onionOf } from '../wire/onion.ts';
import { reasonOf } from './failures.ts';

/** The part of a tor that knows client keys; a network without authorization has none. */
export interface OnionAuthorizer {
  addClientKey?(host: string, secret: Uint8Array): Promise<void>;
  removeClientKey?(host: string): Promise<void>;
}

export interface ClientKey {
  /** Ed25519 key of the onion, 32 bytes. */
  readonly onionKey: Uint8Array;
  /** X25519 secret, 32 bytes. */
  readonly clientSecret: Uint8Array;
}

export class ClientKeys {
  readonly #services: OnionAuthorizer;
  readonly #log: Log;
  #handed = new Map<string, ClientKey>();
  /** One change after the other: the last one wins in tor too. */
  #line: Promise<void> = Promise.resolve();

  constructor(services: OnionAuthorizer, log: Log) {
    this.#services = services;
    this.#log = log;
  }

  /**
   * From now on these, and no others; each onion at most once. Does not wait for tor; what it refuses is tried at the next
   * change.
   */
  sync(keys: readonly ClientKey[]): void {
    const wanted = new Map(keys.map((key) => [toHex(key.onionKey), key]));
    this.#line = this.#line.then(() => this.#apply(wanted));
  }

  async #apply(wanted: ReadonlyMap<string, ClientKey>): Promise<void> {
    for (const [name, { onionKey }] of this.#handed) {
      if (wanted.has(name)) continue;
      this.#handed.delete(name);
      await this.#try(this.#services.removeClientKey?.(onionOf(onionKey).host));
    }
    for (const [name, key] of wanted) {
      const handed = this.#handed.get(name);
      if (handed !== undefined && equal(handed.clientSecret, key.clientSecret)) continue;
      const { onionKey, clientSecret } = key;
      if (await this.#try(this.#services.addClientKey?.(onionOf(onionKey).host, clientSecret))) {
        this.#handed.set(name, key);
      }
    }
  }

  async #try(change: Promise<void> | undefined): Promise<boolean> {
    try {
      await change;
      return true;
    } catch (error) {
      this.#log('debug', 'tor did not take a client key', { reason: reasonOf(error) });
      return false;
    }
  }
}
