/**
 * The links with all friends: dials them, takes their dials in, keeps one link with each, and hands it to the delivery
 * as a route. docs/wire.md, "Friends' link".
 *
 * A friend's node that misbehaves loses its link and is dialed more and more slowly; it can keep nobody else from
 * anything. That two homes are linked, when, and how much goes over it, whoever watches both can tell (threat model).
 */

import type { ContactId } from '../../delivery/face.ts';
import type { ChannelHandler } from '../../net/acceptor.ts';
import type { SecureChannel } from '../../net/channel.ts';
import { withDeadline } from '../../net/deadline.ts';
import { type Log, silent } from '../../safety/log.ts';
import { chanceOf } from '../../safety/random.ts';
import type { TableSpec } from '../../store/database.ts';
import { DialPlan } from './dial-plan.ts';
import { Dialing } from './dialing.ts';
import { codeOf, LinkError } from './errors.ts';
import type { FriendLinksInit, LinkStats, LinkStatus, OwnPresence } from './face.ts';
import { Guests } from './guests.ts';
import { LOGIN_TIMEOUT_MS, REFUSAL_MS, SOUND_AFTER_MS } from './limits.ts';
import { FriendLink } from './link.ts';
import { LinkTable } from './link-table.ts';
import { type LoggedIn, recogniseDialer } from './login.ts';
import { PresenceTeller } from './presence.ts';
import { Reach, REACH_TABLE } from './reach.ts';

export { FRIEND_PROTOCOL } from '../../wire/friend-frame.ts';

export const LINK_TABLES: readonly TableSpec[] = [REACH_TABLE];

/** How a channel became a link. */
interface Origin {
  readonly channel: SecureChannel;
  readonly contact: ContactId;
  readonly weDialed: boolean;
  /** Key of the onion that we are on this channel. */
  readonly ownOnion: Uint8Array;
  readonly welcome?: Uint8Array;
}

export class FriendLinks {
  /** For FRIEND_PROTOCOL on the home of now. */
  readonly accept: ChannelHandler = (channel) => this.#accept(channel, this.#init.ownOnionKey());
  readonly #init: FriendLinksInit;
  readonly #log: Log;
  readonly #chance: () => number;
  readonly #reach: Reach;
  readonly #plan: DialPlan;
  readonly #dialing: Dialing;
  readonly #links: LinkTable;
  readonly #guests = new Guests();
  readonly #teller: PresenceTeller;
  readonly #stopped = new AbortController();
  /** Links that are served, and those that say farewell. None rejects. */
  readonly #running = new Set<Promise<void>>();
  readonly #bytes = { sent: 0, received: 0 };
  #refused = 0;

  constructor(init: FriendLinksInit) {
    const { clock, random, database, log = silent } = init;
    this.#init = init;
    this.#log = log;
    this.#chance = chanceOf(random);
    this.#reach = new Reach(database, 'link', log);
    this.#plan = new DialPlan({ reach: this.#reach, clock, chance: this.#chance });
    this.#links = new LinkTable(clock);
    this.#teller = new PresenceTeller(clock, this.#chance);
    this.#dialing = new Dialing(init, this.#plan, {
      hasLink: (contact) => this.#links.of(contact) !== undefined,
      onLoggedIn: (contact, channel, loggedIn, ownOnion) =>
        this.#start({ contact, channel, weDialed: true, ownOnion }, loggedIn),
    });
  }

  /** The same as {@link accept} for another onion of ours: the home of before, while not all friends know the new one. */
  acceptOn(onionKey: Uint8Array): ChannelHandler {
    return (channel) => this.#accept(channel, onionKey);
  }

  /** Begins to dial. Call once. */
  start(): void {
    this.#dialing.start();
  }

  /** Ends all links in order. Never rejects. */
  async stop(): Promise<void> {
    const reason = new LinkError('LINK_CLOSED');
    this.#stopped.abort(reason);
    this.#guests.close(reason);
    for (const link of this.#links.all()) link.close(reason);
    await this.#dialing.stop();
    await Promise.all(this.#running);
  }

  /**
   * Something waits for this contact, or what the book says of them is new. `urgent`: a person waits; they are dialed
   * now, before all others, whatever failed before.
   */
  want(contact: ContactId, urgent: boolean): void {
    if (urgent) this.#links.of(contact)?.probe();
    // they may be a friend now
    this.#teller.look();
    this.#dialing.want(contact, urgent);
  }

  /** There is to be no link with this contact: ends it at once, and nothing that came over it and was not read yet is. */
  drop(contact: ContactId): void {
    this.#links.of(contact)?.abort(new LinkError('LINK_CLOSED'));
    this.#plan.remove(contact);
    this.#reach.forget(contact);
  }

  statusOf(contact: ContactId): LinkStatus {
    const link = this.#links.of(contact);
    return {
      connected: link !== undefined,
      presence: link?.presence ?? 'unknown',
      lastReachedAt: this.#reach.of(contact).lastAt,
      nextTryAt: link === undefined ? this.#plan.nextTryAt(contact) : null,
      roundTripMs: link?.roundTripMs ?? null,
    };
  }

  setPresence(presence: OwnPresence): void {
    this.#teller.set(presence);
  }

  stats(): LinkStats {
    return {
      links: this.#links.size,
      dialing: this.#plan.dialing,
      guests: this.#guests.size,
      dials: { ...this.#dialing.counts },
      refused: this.#refused,
      bytes: { ...this.#bytes },
    };
  }

  async #accept(channel: SecureChannel, ownOnion: Uint8Array): Promise<void> {
    this.#stopped.signal.throwIfAborted();
    const { book, clock, delivery } = this.#init;
    const startedAt = clock.monotonic();
    const signal = this.#guests.admit(channel);
    try {
      const recognised = await withDeadline(clock, LOGIN_TIMEOUT_MS, signal, (within) =>
        recogniseDialer(this.#init, { channel, ownOnion, book }, within),
      );
      if (recognised !== null) {
        this.#guests.release(channel);
        const { contact } = recognised;
        const welcome = recognised.welcome(delivery.bundleHashOf(contact));
        const origin = { channel, contact, weDialed: false, ownOnion, welcome };
        // not a link: a better one is there, and the handler's end tells them
        await this.#start(origin, recognised);
        return;
      }
      this.#refused += 1;
      this.#log('debug', 'a login was refused', { tookMs: Math.round(clock.monotonic() - startedAt) });
      await clock.sleep(REFUSAL_MS, signal);
    } finally {
      this.#guests.release(channel);
    }
  }

  /** Makes a link of a channel on which both are proven. Resolves when all is over; null: it did not become one. */
  #start(origin: Origin, { key, bundleHash, frames }: LoggedIn): Promise<void> | null {
    const { contact } = origin;
    const { book, delivery, provider, random, clock } = this.#init;
    // it may have changed while the other side was at work
    if (this.#stopped.signal.aborted || !book.mayLink(contact)) return null;
    const link: FriendLink = new FriendLink({
      ...origin,
      frames,
      key,
      bundleHash,
      delivery,
      provider,
      random,
      clock,
      log: this.#log,
      teller: this.#teller,
      onBytes: (direction, bytes) => {
        this.#bytes[direction] += bytes;
      },
      onHeard: () => this.#reach.touch(contact, clock.now()),
      onPresence: () => this.#init.onChange(contact),
      isFriend: () => book.isFriend(contact),
      onFirm: () => book.pairKeyUsed(contact),
      onOver: (cause) => this.#onOver(link, cause),
    });
    if (!this.#links.add(link)) return null;
    this.#plan.linked(contact);
    this.#reach.touch(contact, clock.now(), true);
    book.cameFrom(contact, origin.channel.remoteKey);
    if (link.isFirm) {
      delivery.pairKeyUsed(contact, key);
      book.pairKeyUsed(contact);
    }
    const running = link.run().finally(() => this.#running.delete(running));
    this.#running.add(running);
    this.#init.onChange(contact);
    return running;
  }

  #onOver(link: FriendLink, cause: unknown): void {
    this.#log('debug', 'a link has ended', { code: codeOf(cause) });
    if (!this.#links.delete(link)) return;
    const { contact } = link;
    const lastedMs = this.#init.clock.monotonic() - link.since;
    if (link.carried || lastedMs >= SOUND_AFTER_MS) this.#plan.lost(contact, link.isOursLower);
    else this.#plan.failed(contact);
    this.#dialing.wake();
    this.#init.onChange(contact);
  }
}
