/**
 * The libp2p face of an onion that is served: `listen` publishes it and resolves when others can reach it, so libp2p
 * announces no address that nobody can dial yet.
 */

import { type Listener, type ListenerEvents, TypedEventEmitter } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';

/** What a listener needs of the transport that made it. */
export interface ListenerInit {
  /** Publishes the onion of `address`; throws where it is not ours. */
  readonly start: (address: Multiaddr, signal: AbortSignal) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export class OnionListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #init: ListenerInit;
  readonly #closing = new AbortController();
  #address: Multiaddr | undefined;

  constructor(init: ListenerInit) {
    super();
    this.#init = init;
  }

  async listen(address: Multiaddr): Promise<void> {
    await this.#init.start(address, this.#closing.signal);
    this.#address = address;
    this.safeDispatchEvent('listening');
  }

  /** The onion once it is reachable; before that there is no address. */
  getAddrs(): Multiaddr[] {
    return this.#address === undefined ? [] : [this.#address];
  }

  /** An onion's address has no parts that become known later. */
  updateAnnounceAddrs(): void {}

  async close(): Promise<void> {
    this.#closing.abort(new Error('the listener was closed'));
    this.#address = undefined;
    await this.#init.stop();
    this.safeDispatchEvent('close');
  }
}
