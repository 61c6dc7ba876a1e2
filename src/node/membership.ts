/**
 * Which member this node is in the overlay at a time: a public node the same for good, any other a new handle in
 * each epoch. Also keeps each member joined while it is there.
 *
 * Order of a change: the new handle is reachable; later, at a moment of its own and not before the new one has peers,
 * the old one gives away its slots and goes. Neither ever talks to the other. A new handle that cannot be started is tried again; until then the old one
 * stays. `run` owns all members and has stopped them when it returns.
 */

import type { EntryPoints } from '../dht/entry-points.ts';
import { HAND_ON_TIMEOUT_MS } from '../dht/limits.ts';
import { withDeadline } from '../net/deadline.ts';
import type { Clock } from '../safety/clock.ts';
import type { Log } from '../safety/log.ts';
import { changeInto, epochAt, type EpochSchedule, otherEpoch, until } from './epochs.ts';
import { stayJoined } from './joining.ts';
import type { Member } from './member.ts';

/** Pause after a member could not be started, ms. */
const RETRY_MS = 10_000;
/** How long an old handle waits for the new one to find peers, ms. */
const JOIN_MS = 600_000;
/** What giving away the slots may take when the node is stopped, ms; a handle whose epoch is over has HAND_ON_TIMEOUT_MS. */
const LAST_HAND_ON_MS = 5000;

export interface MembershipInit {
  /** Makes a member, not started. */
  readonly create: () => Promise<Member>;
  /** A member is about to come: whoever must not meet it is told its onion. */
  readonly onArriving: (member: Member) => void;
  /** When it changes; null: never. */
  readonly epochs: EpochSchedule | null;
  readonly entryPoints: EntryPoints;
  readonly clock: Clock;
  /** Draws from [0, 1). */
  readonly chance: () => number;
  readonly log: Log;
  /** A member came or went, or was looked at. */
  readonly onChange: (standing: Standing) => void;
}

export interface Standing {
  readonly current: Member | undefined;
  /** Of the current member; 0 where there are none. */
  readonly epoch: number;
  /** Whether there is anybody to enter the overlay through. */
  readonly knowsSomebody: boolean;
  /** Why there is no new member yet; null when there is nothing wrong. */
  readonly trouble: Error | null;
}

/** A started member, and the end of what is done for it. */
interface Served {
  readonly member: Member;
  readonly over: AbortController;
}

export class Membership {
  readonly #init: MembershipInit;
  #current: Served | undefined;
  #leaving: Served | undefined;
  /** Made, and not reachable yet. */
  #arriving: Member | undefined;
  #standing: Standing = { current: undefined, epoch: 0, knowsSomebody: false, trouble: null };
  #nudge = new AbortController();

  constructor(init: MembershipInit) {
    this.#init = init;
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** Members that are there now or about to be: one, or two during a change. */
  members(): Member[] {
    const members = this.#all().map(({ member }) => member);
    return this.#arriving === undefined ? members : [...members, this.#arriving];
  }

  /** Looks at once for more peers: there is somebody new to enter through. */
  nudge(): void {
    this.#nudge.abort();
    this.#nudge = new AbortController();
  }

  /** Runs until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#arrive(signal);
      await (this.#init.epochs === null ? forever(signal) : this.#changeAlways(this.#init.epochs, signal));
    } catch (error) {
      if (!signal.aborted) throw error; // a defect: what can go wrong outside is tried again
    } finally {
      const served = this.#all();
      this.#current = this.#leaving = undefined;
      await Promise.all(served.map((one) => this.#part(one, LAST_HAND_ON_MS)));
      this.#told({ current: undefined });
    }
  }

  #all(): Served[] {
    return [this.#current, this.#leaving].filter((served) => served !== undefined);
  }

  async #changeAlways(epochs: EpochSchedule, signal: AbortSignal): Promise<void> {
    for (;;) {
      const { clock, chance } = this.#init;
      const epoch = await otherEpoch(this.#standing.epoch, epochs, clock, signal);
      const { comesMs, goesMs } = changeInto(epoch, epochs, chance);
      // asleep through the window: the old handle was away all the time, and would only show whose the new one is
      if (clock.now() > epoch * epochs.lengthMs + epochs.windowMs) await this.#dropCurrent(signal);
      await until(comesMs, clock, signal);
      await this.#arrive(signal);
      if (this.#leaving === undefined) continue;
      await until(goesMs, clock, signal);
      await this.#joined(signal);
      await this.#part(this.#leaving, HAND_ON_TIMEOUT_MS, signal);
      this.#leaving = undefined;
    }
  }

  async #dropCurrent(signal: AbortSignal): Promise<void> {
    if (this.#current !== undefined) await this.#part(this.#current, 0, signal);
    this.#current = undefined;
    this.#told({ current: undefined });
  }

  /** The new handle has peers, or has had its time: were all old ones gone before that, nobody would find the new. */
  async #joined(signal: AbortSignal): Promise<void> {
    const member = this.#current?.member;
    if (member === undefined) return;
    await withDeadline(this.#init.clock, JOIN_MS, signal, (limited) => member.dht.ready(limited)).catch(() =>
      signal.throwIfAborted(),
    );
  }

  /** Makes a new member the current one, however often it has to be tried. */
  async #arrive(signal: AbortSignal): Promise<void> {
    const { create, clock, epochs, log } = this.#init;
    for (;;) {
      const epoch = epochs === null ? 0 : epochAt(clock.now(), epochs);
      try {
        const member = await create();
        this.#arriving = member;
        this.#init.onArriving(member);
        const old = this.#current;
        old?.member.avoid(member.onion);
        if (old !== undefined) member.avoid(old.member.onion);
        await member.start(signal);
        this.#leaving = old;
        this.#current = this.#serve(member, signal);
        this.#arriving = undefined;
        this.#told({ current: member, epoch, trouble: null });
        return;
      } catch (error) {
        this.#arriving = undefined;
        signal.throwIfAborted();
        this.#told({ trouble: error as Error });
        log('warn', 'a member of the overlay could not be started', { reason: (error as Error).name });
        await clock.sleep(RETRY_MS, signal);
      }
    }
  }

  #serve(member: Member, signal: AbortSignal): Served {
    const over = new AbortController();
    const { entryPoints, clock, chance, log } = this.#init;
    const ends = AbortSignal.any([signal, over.signal]);
    const onLook = (knowsSomebody: boolean): void => {
      if (!ends.aborted) this.#told({ knowsSomebody });
    };
    const joining = { member, entryPoints, clock, chance, onLook };
    stayJoined(joining, () => this.#nudge.signal, ends).catch((error: unknown) =>
      log('error', 'a member of the overlay looks for peers no more', { reason: (error as Error).name }),
    );
    return { member, over };
  }

  async #part({ member, over }: Served, handOnMs: number, signal?: AbortSignal): Promise<void> {
    over.abort();
    await member.leave(handOnMs, signal);
  }

  #told(change: Partial<Standing>): void {
    this.#standing = { ...this.#standing, ...change };
    this.#init.onChange(this.#standing);
  }
}

function forever(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
