/**
 * Tells of neighbours that subscribe to a topic, once each, when a message accepted from then on reaches them: those in
 * the mesh, or, after a heartbeat had its chance to put them there, those told by gossip. Between the two gossipsub
 * leaves a gap, so whoever were told of earlier could miss what was said meanwhile.
 */

import type { GossipSub } from '@libp2p/gossipsub';
import type { PeerId } from '@libp2p/interface';
import type { GossipsubInternals } from './internals.ts';

export type SubscriberListener = (peer: PeerId, topic: string) => void;

export class Subscribers {
  readonly listeners = new Set<SubscriberListener>();
  readonly #topics: readonly string[];
  /** Those of each topic that the listeners were told of. */
  readonly #told = new Map<string, ReadonlySet<string>>();

  constructor(topics: readonly string[]) {
    this.#topics = topics;
  }

  forget(): void {
    this.#told.clear();
  }

  update(inner: GossipSub & GossipsubInternals, afterHeartbeat: boolean): void {
    for (const topic of this.#topics) {
      const told = this.#told.get(topic) ?? new Set();
      const mesh = new Set(inner.getMeshPeers(topic));
      const now = inner.getSubscribers(topic).filter((peer) => {
        const id = peer.toString();
        return told.has(id) || (inner.streamsOutbound.has(id) && (afterHeartbeat || mesh.has(id)));
      });
      this.#told.set(topic, new Set(now.map(String)));
      for (const peer of now)
        if (!told.has(peer.toString())) for (const listener of this.listeners) listener(peer, topic);
    }
  }
}
