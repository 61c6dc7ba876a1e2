/**
 * Brings the requests that are on their way to their doors: while something waits for a contact who has not accepted us
 * yet, its door is a route of the delivery, and after each failure it is none for a while. What waits, and for how long,
 * is in the outbox; when to try again is remembered across restarts.
 */

import type { ContactId, Route } from '../../delivery/face.ts';
import { Wakeup } from '../../net/wakeup.ts';
import { equal, toHex } from '../../safety/bytes.ts';
import { type Log, silent } from '../../safety/log.ts';
import { chanceOf } from '../../safety/random.ts';
import type { Database } from '../../store/database.ts';
import { onionOf } from '../../wire/onion.ts';
import { backoffMs } from '../link/backoff.ts';
import { codeOf } from '../link/errors.ts';
import { BACKOFF_MAX_MS, BACKOFF_MIN_MS } from '../link/limits.ts';
import { sleepOrWake } from '../link/pause.ts';
import { Reach } from '../link/reach.ts';
import { untilReady } from '../link/until-ready.ts';
import { type DoorDial, DoorRoute } from './door-client.ts';
import { DoorError } from './errors.ts';

/** A request that is on its way. */
export interface Knock {
  readonly contact: ContactId;
  /** Key of the door's onion, 32 bytes. */
  readonly onionKey: Uint8Array;
  /** 16 bytes; null at a public door. */
  readonly token: Uint8Array | null;
}

export interface KnocksInit {
  readonly dial: DoorDial;
  readonly delivery: {
    attach(route: Route): () => void;
    learnBundle(contact: ContactId, bytes: Uint8Array): unknown;
  };
  readonly database: Pick<Database, 'table' | 'transaction'>;
  /** Whether there is a link with them: a better way, which is left alone. */
  readonly isLinked?: (contact: ContactId) => boolean;
  /** Resolves when tor can dial; default: at once. */
  readonly ready?: (signal: AbortSignal) => Promise<void>;
  readonly log?: Log;
  /** {@link Knocks.nextTryAt} of this contact is another now. */
  readonly onChange?: (contact: ContactId) => void;
}

interface Knocking extends Knock {
  readonly leave: AbortController;
  readonly wakeup: Wakeup;
  /** Wall ms while it waits for its next try. */
  nextTryAt: number | null;
  /** A person waits: the next pause is skipped. */
  isWanted: boolean;
}

export class Knocks {
  readonly #init: KnocksInit;
  readonly #log: Log;
  readonly #chance: () => number;
  readonly #reach: Reach;
  readonly #knocking = new Map<string, Knocking>();
  /** None rejects. */
  readonly #running = new Set<Promise<void>>();
  #state: 'new' | 'started' | 'stopped' = 'new';

  constructor(init: KnocksInit) {
    this.#init = init;
    this.#log = init.log ?? silent;
    this.#chance = chanceOf(init.dial.random);
    this.#reach = new Reach(init.database, 'door', this.#log);
  }

  /** Begins to knock. Call once. */
  start(): void {
    this.#state = 'started';
    for (const knocking of this.#knocking.values()) this.#begin(knocking);
  }

  /** From now on these and no others. */
  sync(knocks: readonly Knock[]): void {
    if (this.#state === 'stopped') return;
    const wanted = new Map(knocks.map((knock) => [toHex(knock.contact), knock]));
    for (const [id, knocking] of this.#knocking) {
      const next = wanted.get(id);
      if (next === undefined) this.#reach.forget(knocking.contact);
      if (next === undefined || !equal(next.onionKey, knocking.onionKey)) this.#end(id);
    }
    for (const [id, knock] of wanted) {
      if (this.#knocking.has(id)) continue;
      const leave = new AbortController();
      const knocking = { ...knock, leave, wakeup: new Wakeup(), nextTryAt: null, isWanted: false };
      this.#knocking.set(id, knocking);
      if (this.#state === 'started') this.#begin(knocking);
    }
  }

  /** A person waits, or there is more to bring: tries now. */
  want(contact: ContactId): void {
    const knocking = this.#knocking.get(toHex(contact));
    if (knocking === undefined) return;
    knocking.isWanted = true;
    knocking.wakeup.wake();
  }

  /** Wall ms of the next try; null while trying, or when nothing is to be tried. */
  nextTryAt(contact: ContactId): number | null {
    return this.#knocking.get(toHex(contact))?.nextTryAt ?? null;
  }

  /** Never rejects. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    for (const id of this.#knocking.keys()) this.#end(id);
    await Promise.all(this.#running);
  }

  #end(id: string): void {
    this.#knocking.get(id)?.leave.abort(new DoorError('DOOR_CLOSED'));
    this.#knocking.delete(id);
  }

  #begin(knocking: Knocking): void {
    // ends with the signal, which is its only rejection
    const running = this.#run(knocking)
      .catch(() => undefined)
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #run(knocking: Knocking): Promise<never> {
    const { contact, leave } = knocking;
    const { dial, ready } = this.#init;
    const remembered = this.#reach.of(contact).nextTryAt;
    if (remembered !== null)
      await this.#pause(knocking, Math.min(BACKOFF_MAX_MS, remembered - dial.clock.now()));
    for (;;) {
      await untilReady({ clock: dial.clock, ready, log: this.#log }, leave.signal);
      while (this.#isLinked(knocking)) await dial.clock.sleep(BACKOFF_MIN_MS, leave.signal);
      const error = await this.#attached(knocking);
      const failures = this.#reach.of(contact).failures + 1;
      const waitMs = backoffMs(failures, null, this.#chance);
      this.#reach.save(contact, { lastAt: null, failures, nextTryAt: dial.clock.now() + waitMs });
      this.#log('debug', 'a request did not get through', { code: codeOf(error) });
      await this.#pause(knocking, waitMs);
    }
  }

  #isLinked({ contact }: Knocking): boolean {
    return this.#init.isLinked?.(contact) ?? false;
  }

  /** The door is a route until it fails: resolves with why. Throws the signal's reason. */
  async #attached({ contact, onionKey, token, leave: { signal } }: Knocking): Promise<unknown> {
    const { dial, delivery } = this.#init;
    const { promise: lost, resolve } = Promise.withResolvers<unknown>();
    const onAbort = (): void => resolve(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const route = new DoorRoute({
      dial,
      contact,
      door: onionOf(onionKey),
      token,
      learnBundle: (from, bytes) => delivery.learnBundle(from, bytes),
      onLost: resolve,
    });
    const detach = delivery.attach(route);
    try {
      const why = await lost;
      signal.throwIfAborted();
      return why;
    } finally {
      detach();
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #pause(knocking: Knocking, ms: number): Promise<void> {
    const { clock } = this.#init.dial;
    const { contact, wakeup, leave } = knocking;
    if (!knocking.isWanted && ms > 0) {
      knocking.nextTryAt = Math.ceil(clock.now() + ms);
      this.#init.onChange?.(contact);
      try {
        await sleepOrWake(clock, wakeup, ms, leave.signal);
      } finally {
        knocking.nextTryAt = null;
      }
      this.#init.onChange?.(contact);
    }
    knocking.isWanted = false;
  }
}
