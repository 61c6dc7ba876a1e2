/**
 * This node as others in the overlay see it: one persona that serves the DHT and takes part in gossip. A handle is a
 * member for one epoch; a public node is one for good. Two members of one node know nothing of each other but the key
 * that they never talk to.
 */

import { type Dht, dht } from '../dht/dht.ts';
import { kadIdOf, peerOf } from '../dht/links.ts';
import type { SlotStoreLimits } from '../dht/limits.ts';
import { SlotStore } from '../dht/slot-store.ts';
import { Announcements } from '../gossip/announcements.ts';
import { type Gossip, gossip } from '../gossip/gossip.ts';
import { withDeadline } from '../net/deadline.ts';
import { createPersona, type Persona } from '../net/persona/persona.ts';
import type { Clock } from '../safety/clock.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { Ed25519Signer } from '../safety/crypto/provider.ts';
import type { Log } from '../safety/log.ts';
import type { RandomBytes } from '../safety/random.ts';
import { SealedDatastore } from '../store/datastore.ts';
import type { SealedRows } from '../store/sealed-rows.ts';
import { type OnionAddress, onionOf } from '../wire/onion.ts';
import type { PersonaTor } from './persona-tor.ts';

/** Where a member keeps what it knows; closed, and where it is a handle's also deleted, when the member goes. */
export interface MemberRows {
  readonly peers: SealedRows;
  readonly slots: SealedRows;
  close(): Promise<void>;
}

export interface MemberInit {
  readonly seed: Uint8Array;
  readonly rows: MemberRows;
  readonly tor: PersonaTor;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly slotLimits?: SlotStoreLimits;
  /** Other onions of this node, to which it says nothing. */
  readonly avoid?: readonly OnionAddress[];
}

export class Member {
  readonly onion: OnionAddress;
  readonly dht: Dht;
  readonly announcements: Announcements;
  readonly slots: SlotStore;
  readonly #persona: Persona;
  readonly #rows: MemberRows;
  readonly #signer: Ed25519Signer;
  readonly #clock: Clock;
  readonly #log: Log;
  #stopping: Promise<void> | undefined;
  #withdraw: (() => void) | undefined;

  private constructor(
    init: MemberInit,
    parts: {
      persona: Persona;
      dht: Dht;
      announcements: Announcements;
      slots: SlotStore;
      signer: Ed25519Signer;
    },
  ) {
    this.onion = onionOf(parts.signer.publicKey);
    this.dht = parts.dht;
    this.announcements = parts.announcements;
    this.slots = parts.slots;
    this.#persona = parts.persona;
    this.#signer = parts.signer;
    this.#rows = init.rows;
    this.#clock = init.clock;
    this.#log = init.log;
  }

  /** Made, not started. The rows are the member's from now on. */
  static async create(init: MemberInit): Promise<Member> {
    const { seed, rows, tor, clock, random, log } = init;
    try {
      const signer = nodeProvider.ed25519.signer(seed);
      const slots = SlotStore.open({
        rows: rows.slots,
        clock,
        ownId: kadIdOf(peerOf(onionOf(signer.publicKey))),
        ...(init.slotLimits === undefined ? {} : { limits: init.slotLimits }),
      });
      const announcements = new Announcements({ clock, random });
      const made: { dht?: Dht; gossip?: Gossip } = {};
      const persona: Persona = await createPersona({
        seed,
        listen: true,
        transport: tor.transport('overlay'),
        datastore: new SealedDatastore(rows.peers),
        services: {
          dht: (components) => (made.dht = dht({ store: slots, clock, log })(components)),
          gossip: (components) =>
            (made.gossip = gossip({
              topics: [announcements.topic],
              clock,
              log,
              onOffender: (peer) => persona.refuse(peer),
            })(components)),
        },
        clock,
        log,
      });
      if (made.dht === undefined || made.gossip === undefined) throw new Error('libp2p made no services');
      announcements.join(made.gossip);
      for (const onion of init.avoid ?? []) persona.avoid(peerOf(onion));
      return new Member(init, { persona, dht: made.dht, announcements, slots, signer });
    } catch (error) {
      await rows.close();
      throw error;
    }
  }

  /** Resolves when others can reach it. Rejects as publishing does; then it is stopped. */
  async start(signal: AbortSignal): Promise<void> {
    try {
      await this.#persona.start(signal);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Tells everybody about this onion, now and again: it is one that stays. */
  announce(): void {
    this.#withdraw ??= this.announcements.announce(this.#signer);
  }

  /** Peers in the routing table. */
  peers(): string[] {
    return this.dht.peers().map((peer) => peer.toString());
  }

  /** Says nothing to that onion: another one of the same node. */
  avoid(onion: OnionAddress): void {
    this.#persona.avoid(peerOf(onion));
  }

  /** Gives its slots to whoever is closest now, for at most `handOnMs`, then stops. Never rejects. */
  async leave(handOnMs: number, signal?: AbortSignal): Promise<void> {
    const handOn = (limited: AbortSignal) => this.dht.handOn({ signal: limited });
    try {
      if (handOnMs > 0) await withDeadline(this.#clock, handOnMs, signal, handOn);
    } catch {
      // what could not be given away in time others hold too
    }
    await this.stop().catch((error: unknown) =>
      this.#log('error', 'a member of the overlay did not stop in order', { reason: (error as Error).name }),
    );
  }

  /** Calling it again waits for the same stop. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#withdraw?.();
    this.announcements.leave();
    try {
      await this.#persona.stop();
    } finally {
      await this.#rows.close();
    }
  }
}
