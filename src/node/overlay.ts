/**
 * This node in the overlay: the anonymous tor, the member that others see there, and the scouts that read and write
 * on this node's behalf without being linked to it.
 *
 * Everything runs in the background and is tried again: what goes wrong shows in the status, and a node without an
 * overlay still talks to those whose onions it knows.
 */

import type { EntryPoints } from '../dht/entry-points.ts';
import { DhtError } from '../dht/errors.ts';
import { Scouts } from '../dht/scouts.ts';
import type { KnownNode } from '../gossip/announcements.ts';
import { KithError } from '../safety/errors.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { TorHost } from '../transport-tor/options.ts';
import { type OnionAddress, onionOf } from '../wire/onion.ts';
import { ed25519KeyOf } from '../wire/peer-id.ts';
import type { Announced, OverlayPeers, OverlayStatus, Role } from './face.ts';
import type { Member } from './member.ts';
import { Membership, type MembershipInit, type Standing } from './membership.ts';
import type { PersonaTor } from './persona-tor.ts';
import { openScout } from './scout.ts';

/** Pause before a tor that could not be started is tried again, ms. */
const RETRY_MS = 60_000;

export interface OverlayInit extends Omit<MembershipInit, 'onChange'> {
  readonly role: Role;
  /** Onions of this node that the overlay must not meet, beside those of its members. */
  readonly avoid: readonly OnionAddress[];
  readonly tor: Pick<TorHost, 'start' | 'stop'>;
  readonly personas: PersonaTor;
  readonly entryPoints: EntryPoints;
  readonly random: RandomBytes;
  readonly onStatus: (status: OverlayStatus) => void;
}

export class Overlay {
  readonly scouts: Scouts;
  readonly #init: OverlayInit;
  readonly #membership: Membership;
  readonly #life = new AbortController();
  readonly #listeners = new Set<(announced: Announced) => void>();
  readonly #heard = new WeakSet<Member>();
  #running: Promise<void> | undefined;
  #state: 'stopped' | 'starting' | 'up' | 'failed' = 'stopped';
  /** Why the tor below failed. */
  #failure: Error | null = null;

  constructor(init: OverlayInit) {
    this.#init = init;
    const { entryPoints, clock, random } = init;
    this.#membership = new Membership({
      ...init,
      onChange: (standing) => this.#changed(standing),
    });
    this.scouts = new Scouts({
      open: (signal) => openScout(init, signal),
      entryPoints: (count) => entryPoints.pick(count),
      reached: (onion) => entryPoints.reached(onion),
      failed: (onion) => entryPoints.failed(onion),
      clock,
      random,
    });
  }

  /** Begins; what becomes of it is told by the status. */
  start(): void {
    this.#running ??= this.#run(this.#life.signal);
  }

  /** Gives away slots for a few seconds, then stops everything. */
  async stop(): Promise<void> {
    this.#life.abort(new KithError('NODE_STOPPED', 'the node was stopped', { hint: 'Start it again.' }));
    await Promise.all([this.scouts.stop(), this.#running]);
    await this.#init.tor.stop();
  }

  status(): OverlayStatus {
    const { current, epoch, knowsSomebody, trouble } = this.#membership.standing;
    const peers = current?.peers().length ?? 0;
    const standing = peers > 0 ? 'joined' : knowsSomebody ? 'joining' : 'alone';
    return {
      state: this.#state !== 'up' ? this.#state : standing,
      role: this.#init.role,
      onion: current === undefined ? null : textOf(current.onion),
      epoch,
      changing: this.#membership.members().length > 1,
      peers,
      slots: current?.slots.stats().slots ?? 0,
      entryPoints: this.#init.entryPoints.list().length,
      cause: causeOf(this.#failure ?? trouble),
    };
  }

  peers(): OverlayPeers {
    const peers = this.#membership.standing.current?.peers() ?? [];
    return {
      peers: peers.flatMap((peer) => {
        const key = ed25519KeyOf(peer);
        return key === undefined ? [] : [textOf(onionOf(key))];
      }),
      entryPoints: this.#init.entryPoints.list().map(({ onion, fixed, reachedAtMs }) => ({
        onion: textOf(onion),
        source: fixed ? 'config' : 'remembered',
        reachedAtMs: reachedAtMs === 0 ? null : reachedAtMs,
      })),
    };
  }

  /** Dials a public node now, and remembers it. Throws DhtError PEER_UNREACHABLE, NOT_AN_ENTRY, OWN_ONION or NOT_UP. */
  async addPeer(onion: OnionAddress, signal: AbortSignal): Promise<void> {
    const { current } = this.#membership.standing;
    if (this.#own().some(({ host }) => host === onion.host)) throw new DhtError('OWN_ONION');
    if (current === undefined) throw notUp(this.status().cause);
    await current.dht.enter(onion, { signal: AbortSignal.any([signal, this.#life.signal]), urgent: true });
    this.#init.entryPoints.added(onion);
    this.#init.entryPoints.reached(onion);
    this.#membership.nudge();
  }

  /** Ed25519 keys of up to `count` public nodes, to be named to a newcomer. */
  entryPointKeys(count: number): readonly Uint8Array[] {
    return this.#init.entryPoints.pick(count).map(({ publicKey }) => publicKey);
  }

  /**
   * Somebody names public nodes. They count only where none is known: who gives each person another one would learn
   * which handle is theirs.
   */
  suggest(onions: readonly OnionAddress[]): void {
    if (this.#init.entryPoints.list().length > 0) return;
    for (const onion of onions) this.#init.entryPoints.learned(onion, this.#init.clock.now());
    this.#membership.nudge();
  }

  /** Calls for each public node that is known, then for each that announces itself. Returns how to end it. */
  onAnnounced(listener: (announced: Announced) => void): () => void {
    for (const node of this.#membership.standing.current?.announcements.known() ?? []) listener(heard(node));
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#set('starting');
        await this.#init.tor.start(signal);
        this.#failure = null;
        await this.#membership.run(signal);
      } catch (error) {
        this.#failure = error as Error;
        if (!signal.aborted) this.#set('failed');
        await this.#init.clock.sleep(RETRY_MS, signal).catch(() => {});
      }
    }
    this.#failure = null;
    this.#set('stopped');
  }

  #changed({ current }: Standing): void {
    if (current !== undefined && !this.#heard.has(current)) this.#hear(current);
    this.#set(current === undefined ? this.#state : 'up');
  }

  #hear(member: Member): void {
    this.#heard.add(member);
    if (this.#init.role === 'public') member.announce();
    member.announcements.onKnown((node) => {
      this.#init.entryPoints.learned(node.onion, this.#init.clock.now());
      if (!this.#membership.standing.knowsSomebody) this.#membership.nudge();
      if (member !== this.#membership.standing.current) return; // the same is heard twice during a change
      for (const listener of this.#listeners) listener(heard(node));
    });
  }

  #own(): OnionAddress[] {
    return [...this.#init.avoid, ...this.#membership.members().map(({ onion }) => onion)];
  }

  #set(state: 'stopped' | 'starting' | 'up' | 'failed'): void {
    this.#state = state;
    this.#init.onStatus(this.status());
  }
}

function heard({ onion, expiryMs }: KnownNode): Announced {
  return { onion, expiry: expiryMs / 1000 };
}

function notUp(cause: string | null): KithError {
  return new KithError('NOT_UP', 'this node is not in the overlay yet', {
    hint: cause ?? 'Wait until `kith status` shows it there, and try again.',
  });
}

function causeOf(error: Error | null): string | null {
  return error instanceof KithError ? `${error.message}. ${error.hint}` : (error?.message ?? null);
}

function textOf({ host }: OnionAddress): string {
  return `${host}.onion`;
}
