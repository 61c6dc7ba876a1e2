/**
 * The iterative lookup of Kademlia on disjoint paths (S/Kademlia, section 4.4): asks peers ever closer to a target
 * until the caller has enough, or the closest peers that live have all been asked.
 *
 * Made for a network where a dial takes seconds and a third of all names may be dead: asks that take long no longer
 * count against the parallelism, and a lookup whose caller could live with what it has ends when nobody has answered
 * for a while. Against liars: a name belongs to the path of who said it first and each path gets its turn, so a flood
 * of invented peers takes the turns of one path; names from somebody whose names lead nowhere go last; and the number
 * of peers asked is bounded. Not against somebody with many real peers around the target (sybils).
 */

import type { PeerId } from '@libp2p/interface';
import type { Clock } from '../safety/clock.ts';
import { Wakeup } from '../net/wakeup.ts';
import { type Candidate, Candidates } from './candidates.ts';
import {
  LOOKUP_DESPERATE,
  LOOKUP_MAX_ASKED,
  LOOKUP_PARALLEL,
  LOOKUP_PARALLEL_STALLED,
  LOOKUP_STALLED_MS,
  LOOKUP_TIMEOUT_MS,
  QUIET_FACTOR,
  QUIET_MAX_MS,
  QUIET_MIN_MS,
  QUIET_NOTHING,
  QUIET_TOLERABLE,
} from './limits.ts';

/** Where lookups start. */
export interface Routing {
  /** Known peers, closest to a position of the key space first. */
  closest(kadId: Uint8Array, count: number): PeerId[];
  /** Calls the listener for each peer that becomes known from now on, until what it returns is called. */
  onPeer(listener: (peer: PeerId) => void): () => void;
}

/** An answer, and on which of the disjoint paths it came. */
export interface Answered {
  readonly peer: PeerId;
  readonly path: number;
  /** Peers not known to be dead or doubtful that are closer to the target: by now, it changes while the lookup runs. */
  readonly rank: () => number;
}

export interface LookupInit<T extends { readonly closer: readonly PeerId[] }> {
  /** Position in the key space. */
  readonly target: Uint8Array;
  readonly own: PeerId;
  readonly routing: Routing;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  /** Asks one peer; a rejection means that it is of no use. Has to observe the signal. */
  readonly ask: (peer: PeerId, signal: AbortSignal) => Promise<T>;
  readonly onAnswer: (answer: T, from: Answered) => void;
  /** Whether the caller needs no more; looked at after each answer and failure. `paths`: how many are in use. */
  readonly enough: (paths: number) => boolean;
  /** For a caller that may have enough for other reasons: to be woken then. */
  readonly changed?: Wakeup;
  /** Whether what the caller has would do, if nothing more comes for a while. */
  readonly acceptable: () => boolean;
  /** Whether what the caller has would do, if all that is left is doubtful. */
  readonly tolerable: () => boolean;
}

/** Runs a lookup. Resolves with the peers that answered, closest first; rejects only with the signal's reason. */
export async function lookup<T extends { readonly closer: readonly PeerId[] }>(
  init: LookupInit<T>,
): Promise<PeerId[]> {
  const run = new Lookup(init);
  return run.run();
}

class Lookup<T extends { readonly closer: readonly PeerId[] }> {
  readonly #init: LookupInit<T>;
  readonly #candidates: Candidates;
  readonly #changed: Wakeup;
  readonly #over = new AbortController();
  /** When each ask that runs was begun. */
  readonly #running = new Map<Candidate, number>();
  #asked = 0;
  #answers = 0;
  #slowestMs = 0;
  #lastAnswerMs: number;

  constructor(init: LookupInit<T>) {
    this.#init = init;
    this.#candidates = new Candidates(init.target, init.own);
    this.#changed = init.changed ?? new Wakeup();
    this.#lastAnswerMs = init.clock.monotonic();
  }

  async run(): Promise<PeerId[]> {
    const { clock, signal, routing, target } = this.#init;
    signal?.throwIfAborted();
    const forward = (): void => this.#over.abort(signal?.reason);
    signal?.addEventListener('abort', forward, { once: true });
    const unsubscribe = routing.onPeer((peer) => {
      this.#candidates.seed(peer);
      this.#changed.wake();
    });
    try {
      for (const peer of routing.closest(target, LOOKUP_MAX_ASKED)) this.#candidates.seed(peer);
      const startMs = clock.monotonic();
      while (!this.#init.enough(this.#candidates.paths)) {
        const nowMs = clock.monotonic();
        if (nowMs - startMs >= LOOKUP_TIMEOUT_MS || this.#isQuiet(nowMs)) break;
        this.#askMore(nowMs);
        if (this.#running.size === 0) break;
        await this.#wait();
      }
      signal?.throwIfAborted();
      return this.#candidates.answered();
    } finally {
      unsubscribe();
      signal?.removeEventListener('abort', forward);
      this.#over.abort(new Error('the lookup is over'));
    }
  }

  #askMore(nowMs: number): void {
    for (;;) {
      let active = 0;
      for (const sinceMs of this.#running.values()) if (nowMs - sinceMs < LOOKUP_STALLED_MS) active++;
      if (active >= LOOKUP_PARALLEL || this.#running.size >= LOOKUP_PARALLEL_STALLED) return;
      if (this.#asked >= LOOKUP_MAX_ASKED) return;
      const desperate = active < LOOKUP_DESPERATE && !this.#init.tolerable();
      const candidate = this.#candidates.next(desperate);
      if (candidate === undefined) return;
      this.#asked++;
      this.#running.set(candidate, nowMs);
      void this.#ask(candidate, nowMs);
    }
  }

  /** Never rejects. */
  async #ask(candidate: Candidate, startMs: number): Promise<void> {
    const { ask, clock, onAnswer } = this.#init;
    try {
      const answer = await ask(candidate.peer, this.#over.signal);
      if (this.#over.signal.aborted) return;
      this.#answers++;
      this.#lastAnswerMs = clock.monotonic();
      this.#slowestMs = Math.max(this.#slowestMs, this.#lastAnswerMs - startMs);
      this.#candidates.answer(candidate, answer.closer);
      const { peer, path } = candidate;
      onAnswer(answer, { peer, path, rank: () => this.#candidates.rank(candidate) });
    } catch {
      this.#candidates.fail(candidate);
    } finally {
      this.#running.delete(candidate);
      this.#changed.wake();
    }
  }

  /** The less the caller has, the longer the silence has to be. */
  #isQuiet(nowMs: number): boolean {
    const { acceptable, tolerable } = this.#init;
    if (this.#answers === 0) return false;
    const factor = acceptable() ? 1 : tolerable() ? QUIET_TOLERABLE : QUIET_NOTHING;
    return nowMs - this.#lastAnswerMs >= factor * this.#quietMs();
  }

  #quietMs(): number {
    return Math.min(QUIET_MAX_MS, Math.max(QUIET_MIN_MS, QUIET_FACTOR * this.#slowestMs));
  }

  /** Until something changed, or time alone may have. */
  async #wait(): Promise<void> {
    const { clock } = this.#init;
    const tick = new AbortController();
    const end = (): void => tick.abort();
    this.#over.signal.addEventListener('abort', end, { once: true });
    const timer = clock.sleep(QUIET_MIN_MS / 4, tick.signal).catch(() => undefined);
    const change = this.#changed.wait(tick.signal).catch(() => undefined);
    await Promise.race([timer, change]);
    tick.abort();
    this.#over.signal.removeEventListener('abort', end);
    this.#init.signal?.throwIfAborted();
  }
}
