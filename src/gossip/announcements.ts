/**
 * The topic on which public nodes say that they are there (wire/announcement.ts), and the list of those heard of:
 * the way to more entry points than the configured ones.
 *
 * Only the key of an onion can announce it. That does not make it a good node, or one that is up: keys are free, so
 * anybody can announce thousands. Each neighbour brings a limited number of new keys, and when the list is full
 * newcomers only displace newcomers: those known longest stay as long as they renew. Whoever fills the list of a new
 * node first, with patience, keeps it; entry points that were reached before have to be remembered elsewhere.
 */

import type { PeerId } from '@libp2p/interface';
import type { Ed25519Signer } from '../safety/crypto/provider.ts';
import { ANNOUNCEMENT_BYTES } from '../wire/announcement.ts';
import { Announcer } from './announcer.ts';
import type { Gossip } from './gossip.ts';
import { type KnownNode, KnownNodes, type KnownNodesInit } from './known-nodes.ts';
import type { GossipTopic } from './topic.ts';

export const ANNOUNCEMENT_TOPIC = '/kith/announcements/1';

export type { KnownNode };

export type AnnouncementsInit = KnownNodesInit;

/**
 * ```ts
 * const announcements = new Announcements({ clock, random });
 * // services: { gossip: gossip({ topics: [announcements.topic], clock }) }
 * announcements.join(libp2p.services.gossip); // before or after the start
 * announcements.onKnown((node) => entryPoints.learned(node.onion, clock.now()));
 * const stop = announcements.announce(signerOfTheOnion); // public nodes only
 * ```
 */
export class Announcements {
  /** For `gossip({ topics })`. */
  readonly topic: GossipTopic;
  readonly #nodes: KnownNodes;
  readonly #announcer: Announcer;
  #gossip: Gossip | undefined;
  #forget: (() => void) | undefined;

  constructor(init: AnnouncementsInit) {
    this.#nodes = new KnownNodes(init);
    this.#announcer = new Announcer({
      clock: init.clock,
      random: init.random,
      publish: async (bytes) => {
        await this.#gossip?.publish(ANNOUNCEMENT_TOPIC, bytes);
      },
    });
    this.topic = {
      name: ANNOUNCEMENT_TOPIC,
      maxBytes: ANNOUNCEMENT_BYTES,
      admit: (bytes, from) => this.#nodes.admit(bytes, from.toString()),
      validate: (bytes) => this.#nodes.judge(bytes),
    };
  }

  /** Hears, and forwards, announcements on `gossip` from now on. Once, before {@link announce}. */
  join(gossip: Gossip): void {
    this.#gossip = gossip;
    gossip.subscribe(ANNOUNCEMENT_TOPIC);
    this.#forget = gossip.onSubscriber((peer, topic) => {
      if (topic === ANNOUNCEMENT_TOPIC) this.#welcome(gossip, peer);
    });
  }

  /** Hears and announces no more. */
  leave(): void {
    this.#announcer.stop();
    this.#forget?.();
    this.#gossip?.unsubscribe(ANNOUNCEMENT_TOPIC);
    this.#gossip = undefined;
  }

  /**
   * Announces the onion of this key now and every few hours, until the returned function or {@link leave} is called.
   * A neighbour that subscribes later is told at once.
   */
  announce(signer: Ed25519Signer): () => void {
    this.#nodes.own(signer.publicKey);
    return this.#announcer.start(signer);
  }

  /** The public nodes that are known and not expired, longest known first. */
  known(): KnownNode[] {
    return this.#nodes.list();
  }

  /** Calls for each node that becomes known and each that renews. Returns how to end it. */
  onKnown(listener: (node: KnownNode) => void): () => void {
    return this.#nodes.onKnown(listener);
  }

  /** Gossip has no history: whoever comes later would wait hours. Public nodes alone do this, as a list is a mark. */
  #welcome(gossip: Gossip, peer: PeerId): void {
    const own = this.#announcer.current();
    if (own === null || !this.#announcer.mayWelcome(peer.toString())) return;
    gossip.send(peer, ANNOUNCEMENT_TOPIC, [own, ...this.#nodes.sample(peer.toString())]);
  }
}
