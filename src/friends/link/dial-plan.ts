/**
 * When which friend is dialed next. Pure bookkeeping on the injected clock; what of it outlives the process is in
 * {@link Reach}. At a start all are dialed, most recently reached first, except who was not reachable a moment ago.
 */

import type { ContactId } from '../../delivery/face.ts';
import { toHex } from '../../safety/bytes.ts';
import type { Clock } from '../../safety/clock.ts';
import { backoffMs } from './backoff.ts';
import {
  BACKOFF_MAX_MS,
  MOVE_INTERVAL_MS,
  REDIAL_FIRST_MS,
  REDIAL_SECOND_MS,
  START_SPACING_MS,
} from './limits.ts';
import type { Reach } from './reach.ts';

/** A friend in the plan. */
export interface Planned {
  readonly contact: ContactId;
  /** Monotonic ms; infinite while there is a link. */
  dueAt: number;
  /** A person waits. */
  urgent: boolean;
  /** Under way: aborts it. */
  attempt: { readonly abort: () => void; readonly isCommitted: () => boolean } | null;
  /** Where they were dialed last, hex of the onion key: another home is tried at once, if that was not so just before. */
  home: string;
  /** When another home was last tried at once, monotonic ms. */
  movedAt: number;
}

export interface DialPlanInit {
  readonly reach: Reach;
  readonly clock: Clock;
  readonly chance: () => number;
}

const NEW = { dueAt: 0, urgent: false, attempt: null, movedAt: Number.NEGATIVE_INFINITY };

export class DialPlan {
  readonly #init: DialPlanInit;
  readonly #planned = new Map<string, Planned>();

  constructor(init: DialPlanInit) {
    this.#init = init;
  }

  of(contact: ContactId): Planned | undefined {
    return this.#planned.get(toHex(contact));
  }

  get dialing(): number {
    return [...this.#planned.values()].filter(({ attempt }) => attempt !== null).length;
  }

  /** Takes the friends of now, with the onion key of each one's home; who is not among them is dialed no more. */
  sync(
    friends: readonly { readonly contact: ContactId; readonly home: Uint8Array }[],
    hasLink: (contact: ContactId) => boolean,
  ): void {
    const gone = new Set(this.#planned.keys());
    const fresh: Planned[] = [];
    for (const { contact, home } of friends) {
      const id = toHex(contact);
      gone.delete(id);
      const planned = this.#planned.get(id);
      if (planned === undefined) fresh.push({ ...NEW, contact, home: toHex(home) });
      else if (planned.home !== toHex(home)) this.#moved(planned, toHex(home));
    }
    for (const id of gone) this.#remove(id);
    this.#schedule(fresh);
    for (const { contact } of fresh) if (hasLink(contact)) this.linked(contact);
  }

  remove(contact: ContactId): void {
    this.#remove(toHex(contact));
  }

  /** Those to dial now, in this order, urgent ones first. */
  due(): Planned[] {
    const nowMs = this.#init.clock.monotonic();
    return [...this.#planned.values()]
      .filter(({ attempt, dueAt }) => attempt === null && dueAt <= nowMs)
      .toSorted((a, b) => Number(b.urgent) - Number(a.urgent) || a.dueAt - b.dueAt);
  }

  /** Milliseconds until somebody is due; infinite for nobody. */
  get untilNextMs(): number {
    const waiting = [...this.#planned.values()].filter(({ attempt }) => attempt === null);
    return Math.min(...waiting.map(({ dueAt }) => dueAt)) - this.#init.clock.monotonic();
  }

  /** Wall ms of the next dial; null while there is a link or a dial, or none is planned. */
  nextTryAt(contact: ContactId): number | null {
    const planned = this.of(contact);
    if (planned === undefined || planned.attempt !== null || planned.dueAt === Number.POSITIVE_INFINITY)
      return null;
    return this.#init.clock.now() + Math.max(0, Math.ceil(planned.dueAt - this.#init.clock.monotonic()));
  }

  /** There is a link now. A dial that has shown nothing yet is dropped; one that has goes on, and the table decides. */
  linked(contact: ContactId): void {
    const planned = this.of(contact);
    if (planned === undefined) return;
    planned.dueAt = Number.POSITIVE_INFINITY;
    planned.urgent = false;
    if (planned.attempt?.isCommitted() === false) planned.attempt.abort();
  }

  /** The link was lost after it had been of use. `isFirst`: they wait for us to dial, and not we for them. */
  lost(contact: ContactId, isFirst: boolean): void {
    const { reach, chance } = this.#init;
    reach.save(contact, { ...reach.of(contact), failures: 0, nextTryAt: null });
    this.#dueIn(contact, chance() * REDIAL_FIRST_MS + (isFirst ? 0 : REDIAL_SECOND_MS));
  }

  /** A person waits. */
  hurry(contact: ContactId): void {
    const planned = this.of(contact);
    if (planned === undefined || planned.attempt !== null) return;
    planned.urgent = true;
    planned.dueAt = this.#init.clock.monotonic();
  }

  /** A dial or a young link failed: counts it and waits longer than before. */
  failed(contact: ContactId): void {
    const { reach, clock, chance } = this.#init;
    const { lastAt, failures } = reach.of(contact);
    const sinceMs = lastAt === null ? null : clock.now() - lastAt;
    const waitMs = backoffMs(failures + 1, sinceMs, chance);
    reach.save(contact, { lastAt, failures: failures + 1, nextTryAt: clock.now() + waitMs });
    const planned = this.of(contact);
    if (planned !== undefined) planned.urgent = false;
    this.#dueIn(contact, waitMs);
  }

  #dueIn(contact: ContactId, ms: number): void {
    const planned = this.of(contact);
    if (planned !== undefined) planned.dueAt = this.#init.clock.monotonic() + Math.ceil(ms);
  }

  #moved(planned: Planned, home: string): void {
    planned.home = home;
    const nowMs = this.#init.clock.monotonic();
    if (planned.dueAt === Number.POSITIVE_INFINITY || nowMs - planned.movedAt < MOVE_INTERVAL_MS) return;
    planned.movedAt = nowMs;
    planned.dueAt = nowMs;
  }

  #remove(id: string): void {
    this.#planned.get(id)?.attempt?.abort();
    this.#planned.delete(id);
  }

  #schedule(fresh: readonly Planned[]): void {
    const { reach, clock, chance } = this.#init;
    const nowMs = clock.monotonic();
    let spacedMs = 0;
    const byReached = fresh.toSorted(
      (a, b) => (reach.of(b.contact).lastAt ?? 0) - (reach.of(a.contact).lastAt ?? 0),
    );
    for (const planned of byReached) {
      // a wall clock that was set back must not keep anybody waiting
      const leftMs = Math.min(BACKOFF_MAX_MS, (reach.of(planned.contact).nextTryAt ?? 0) - clock.now());
      planned.dueAt = nowMs + Math.max(leftMs, spacedMs);
      if (leftMs <= spacedMs) spacedMs += Math.ceil(chance() * START_SPACING_MS);
      this.#planned.set(toHex(planned.contact), planned);
    }
  }
}
