/** Dials friends when the plan says so: while tor is ready, few at a time, urgent ones first, and logs in. */

import type { ContactId } from '../../delivery/face.ts';
import type { SecureChannel } from '../../net/channel.ts';
import { withDeadline } from '../../net/deadline.ts';
import { Wakeup } from '../../net/wakeup.ts';
import { toHex } from '../../safety/bytes.ts';
import { type Log, silent } from '../../safety/log.ts';
import type { OnionAddress } from '../../wire/onion.ts';
import { FRIEND_PROTOCOL } from '../../wire/friend-frame.ts';
import type { DialPlan, Planned } from './dial-plan.ts';
import { codeOf, LinkError } from './errors.ts';
import type { FriendLinksInit } from './face.ts';
import { farewell } from './farewell.ts';
import { LOGIN_TIMEOUT_MS, MAX_DIALS } from './limits.ts';
import { type LoggedIn, logInAsDialer } from './login.ts';
import { sleepOrWake } from './pause.ts';
import { untilReady } from './until-ready.ts';

export interface DialingEvents {
  hasLink(contact: ContactId): boolean;
  /** Both are proven. Null: it is not taken, the channel is ours to end. */
  onLoggedIn(
    contact: ContactId,
    channel: SecureChannel,
    loggedIn: LoggedIn,
    ownOnion: Uint8Array,
  ): Promise<void> | null;
}

export class Dialing {
  readonly counts = { reached: 0, failed: 0 };
  readonly #init: FriendLinksInit;
  readonly #plan: DialPlan;
  readonly #events: DialingEvents;
  readonly #log: Log;
  readonly #wakeup = new Wakeup();
  readonly #stopped = new AbortController();
  /** The loop, and the dials. None rejects. */
  readonly #running = new Set<Promise<void>>();

  constructor(init: FriendLinksInit, plan: DialPlan, events: DialingEvents) {
    this.#init = init;
    this.#plan = plan;
    this.#events = events;
    this.#log = init.log ?? silent;
  }

  start(): void {
    // ends with the signal, which is its only rejection
    this.#track(this.#run().catch(() => undefined));
  }

  /** Never rejects. */
  async stop(): Promise<void> {
    this.#stopped.abort(new LinkError('LINK_CLOSED'));
    await Promise.all(this.#running);
  }

  want(contact: ContactId, urgent: boolean): void {
    if (urgent && !this.#events.hasLink(contact)) {
      this.#sync();
      this.#plan.hurry(contact);
    }
    this.wake();
  }

  /** The plan or the book is another. */
  wake(): void {
    this.#wakeup.wake();
  }

  async #run(): Promise<never> {
    const { signal } = this.#stopped;
    const { clock, ready } = this.#init;
    for (;;) {
      await untilReady({ clock, ready, log: this.#log }, signal);
      this.#sync();
      for (const planned of this.#plan.due()) {
        if (planned.urgent || this.#plan.dialing < MAX_DIALS) this.#begin(planned);
      }
      // an urgent one that comes, and the end of each dial, wake us
      const isFull = this.#plan.dialing >= MAX_DIALS;
      const waitMs = isFull ? Number.POSITIVE_INFINITY : this.#plan.untilNextMs;
      if (waitMs > 0) await sleepOrWake(clock, this.#wakeup, waitMs, signal);
    }
  }

  /** The plan follows the book. */
  #sync(): void {
    const { book } = this.#init;
    const friends: { contact: ContactId; home: Uint8Array }[] = [];
    for (const contact of book.contacts()) {
      const home = book.homeOf(contact);
      if (home === null || !book.mayLink(contact) || book.loginKeys(contact).length === 0) continue;
      friends.push({ contact, home: home.publicKey });
    }
    this.#plan.sync(friends, (contact) => this.#events.hasLink(contact));
  }

  #begin(planned: Planned): void {
    const { contact, urgent } = planned;
    const home = this.#init.book.homeOf(contact);
    if (home === null) return;
    const leave = new AbortController();
    let isCommitted = false;
    planned.attempt = {
      abort: () => leave.abort(new LinkError('LINK_CLOSED')),
      isCommitted: () => isCommitted,
    };
    const signal = AbortSignal.any([this.#stopped.signal, leave.signal]);
    const dial = this.#reach(contact, home, urgent, signal, () => {
      isCommitted = true;
    });
    const settled = dial.then(
      () => {
        this.counts.reached += 1;
      },
      (error: unknown) => {
        if (!signal.aborted) this.#failed(contact, error);
      },
    );
    this.#track(
      settled.finally(() => {
        planned.attempt = null;
        this.wake();
      }),
    );
  }

  /** `onCommit`: from now on the other side may have a link. Throws what stood in the way. */
  async #reach(
    contact: ContactId,
    home: OnionAddress,
    urgent: boolean,
    signal: AbortSignal,
    onCommit: () => void,
  ): Promise<void> {
    const { channels, identity, book, delivery, clock } = this.#init;
    const as = identity();
    const isolation = toHex(contact);
    const options = { as, protocol: FRIEND_PROTOCOL, purpose: 'friend', isolation, signal, urgent };
    const channel = await channels.dial(home, options);
    let loggedIn: LoggedIn;
    try {
      signal.throwIfAborted();
      const keys = book.loginKeys(contact);
      if (keys.length === 0) throw new LinkError('LINK_CLOSED');
      onCommit();
      const login = { channel, ownOnion: as.publicKey, keys, bundleHash: delivery.bundleHashOf(contact) };
      loggedIn = await withDeadline(clock, LOGIN_TIMEOUT_MS, signal, (within) =>
        logInAsDialer(this.#init, login, within),
      );
    } catch (error) {
      channel.abort(error as Error);
      throw error;
    }
    if (this.#events.onLoggedIn(contact, channel, loggedIn, as.publicKey) !== null) return;
    await farewell(channel, clock);
    throw new LinkError('LINK_CLOSED');
  }

  #failed(contact: ContactId, error: unknown): void {
    // it lost against a link that came meanwhile
    if (this.#events.hasLink(contact)) return;
    this.counts.failed += 1;
    this.#plan.failed(contact);
    this.#log('debug', 'a friend was not reached', { code: codeOf(error) });
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }
}
