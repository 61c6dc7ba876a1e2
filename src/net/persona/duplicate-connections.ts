/**
 * Two peers who dial each other at once keep two connections, each with a circuit of six relays. This closes one: both
 * sides keep the connection that the peer with the lower id dialed, so they agree without a word. The other may be
 * in use already, so it has some time to fall idle first. Raw channels are none of its business.
 *
 * A libp2p service: `services: { duplicates: duplicateConnections() }`.
 */

import type { Connection, Libp2pEvents, PeerId, Startable } from '@libp2p/interface';
import { type Clock, systemClock } from '../../safety/clock.ts';
import { DUPLICATE_GRACE_MS } from './limits.ts';

export interface DuplicateConnectionsComponents {
  readonly peerId: PeerId;
  readonly events: {
    addEventListener(
      type: 'connection:open',
      listener: (event: Libp2pEvents['connection:open']) => void,
    ): void;
    removeEventListener(
      type: 'connection:open',
      listener: (event: Libp2pEvents['connection:open']) => void,
    ): void;
  };
  readonly connectionManager: { getConnections(peer?: PeerId): Connection[] };
}

/** The service; `graceMs` is how long a superfluous connection may go on. */
export function duplicateConnections(
  init: { readonly clock?: Clock; readonly graceMs?: number } = {},
): (components: DuplicateConnectionsComponents) => Startable {
  return (components) => new DuplicateConnections(components, init);
}

class DuplicateConnections implements Startable {
  readonly #components: DuplicateConnectionsComponents;
  readonly #clock: Clock;
  readonly #graceMs: number;
  /** Aborted by stop: ends all waits. */
  #running = new AbortController();

  constructor(
    components: DuplicateConnectionsComponents,
    {
      clock = systemClock,
      graceMs = DUPLICATE_GRACE_MS,
    }: { readonly clock?: Clock; readonly graceMs?: number },
  ) {
    this.#components = components;
    this.#clock = clock;
    this.#graceMs = graceMs;
  }

  start(): void {
    this.#running = new AbortController();
    this.#components.events.addEventListener('connection:open', this.#onOpen);
  }

  stop(): void {
    this.#components.events.removeEventListener('connection:open', this.#onOpen);
    this.#running.abort(new Error('stopped'));
  }

  readonly #onOpen = ({ detail }: Libp2pEvents['connection:open']): void => {
    const peer = detail.remotePeer;
    if (this.#open(peer).length < 2) return;
    this.#clock.sleep(this.#graceMs, this.#running.signal).then(
      () => this.#closeAllButOne(peer),
      () => {},
    );
  };

  /** Where a side could see another order than its peer, only the dialer of a connection closes it. */
  async #closeAllButOne(peer: PeerId): Promise<void> {
    const open = this.#open(peer);
    const weAreLower = this.#components.peerId.toString() < peer.toString();
    const preferred = open.filter(({ direction }) => (direction === 'outbound') === weAreLower);
    const others = open.filter((connection) => !preferred.includes(connection));
    const superfluous =
      preferred.length > 0
        ? [...others, ...(weAreLower ? preferred.slice(1) : [])]
        : weAreLower
          ? []
          : others.slice(1);
    for (const connection of superfluous) {
      await connection.close().catch((error: unknown) => connection.abort(error as Error));
    }
  }

  #open(peer: PeerId): Connection[] {
    return this.#components.connectionManager
      .getConnections(peer)
      .filter((connection) => connection.status === 'open')
      .sort((a, b) => a.timeline.open - b.timeline.open);
  }
}
