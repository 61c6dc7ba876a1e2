/**
 * The routing of a client: the entry points it was given, and nothing learned from anybody. A scout lives for
 * seconds, so a routing table with its pings and refreshes would only be traffic that shows what it is.
 */

import type { PeerId } from '@libp2p/interface';
import { distanceOf } from './candidates.ts';
import { MAX_ENTRANCES } from './limits.ts';
import type { Routing } from './lookup.ts';

export class Entrances implements Routing {
  readonly #peers = new Map<string, PeerId>();
  readonly #listeners = new Set<(peer: PeerId) => void>();
  readonly #limit: number;

  constructor(limit: number = MAX_ENTRANCES) {
    this.#limit = limit;
  }

  add(peer: PeerId): void {
    const id = peer.toString();
    if (this.#peers.has(id)) return;
    const [oldest] = this.#peers.keys();
    if (this.#peers.size >= this.#limit && oldest !== undefined) this.#peers.delete(oldest);
    this.#peers.set(id, peer);
    for (const listener of this.#listeners) listener(peer);
  }

  remove(peer: PeerId): void {
    this.#peers.delete(peer.toString());
  }

  all(): PeerId[] {
    return [...this.#peers.values()];
  }

  closest(kadId: Uint8Array, count: number): PeerId[] {
    const distances = new Map(this.all().map((peer) => [peer, distanceOf(peer, kadId)]));
    return [...distances]
      .sort(([, a], [, b]) => (a < b ? -1 : 1))
      .slice(0, count)
      .map(([peer]) => peer);
  }

  onPeer(listener: (peer: PeerId) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
