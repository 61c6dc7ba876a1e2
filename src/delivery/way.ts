/**
 * A way that is open now, as a lane sees it: what is on it, what it holds back, and when it goes on. Pauses double while
 * nothing gets through and end with the first content that is kept.
 */

import type { Clock } from '../safety/clock.ts';
import type { Carried, Route, Verdict } from './face.ts';
import { BUSY_MAX_MS, BUSY_MIN_MS, LOST_MAX_MS, LOST_MIN_MS, WINDOW } from './limits.ts';

/** `lost`: there was no verdict, and it is not known what became of it. */
export type Outcome = Verdict | 'lost';

/** Why nothing is sent until a timer ends. `busy-there`: no room, or not ready. `way-lost`: no answer. */
export type PauseCause = 'busy-there' | 'way-lost';

export class Way {
  readonly #route: Route;
  readonly #clock: Clock;
  /** Asks the lane for a turn. */
  readonly #ask: () => void;
  readonly #gone = new AbortController();
  /** Ids of entries that have no verdict yet. */
  readonly #flying = new Set<string>();
  /** Ids of entries that have to wait until one before them is kept. */
  readonly #held = new Set<string>();
  #pause: PauseCause | null = null;
  #hasTimer = false;
  /** Contents that may be on their way at once: fewer where they do not arrive in order, as TCP does. */
  #width = WINDOW;
  #busyMs = BUSY_MIN_MS;
  #lostMs = LOST_MIN_MS;

  constructor(route: Route, clock: Clock, ask: () => void) {
    this.#route = route;
    this.#clock = clock;
    this.#ask = ask;
  }

  get pause(): PauseCause | null {
    return this.#pause;
  }

  get width(): number {
    return this.#width;
  }

  /** See Route. */
  get isNarrow(): boolean {
    return this.#route.isNarrow === true;
  }

  get isGone(): boolean {
    return this.#gone.signal.aborted;
  }

  end(): void {
    this.#gone.abort();
  }

  /** Whether this entry may be sent now. */
  isFree(id: string): boolean {
    return this.#pause === null && !this.#flying.has(id) && !this.#held.has(id);
  }

  /** Sends, and never rejects. */
  async send(id: string, carried: Carried): Promise<Outcome> {
    this.#flying.add(id);
    try {
      return await this.#route.send(carried, this.#gone.signal);
    } catch {
      return 'lost';
    } finally {
      this.#flying.delete(id);
    }
  }

  /** Something got through: all that is held back may be sent again. */
  goOn(): void {
    this.#held.clear();
    this.#width = Math.min(this.#width + 1, WINDOW);
    this.#busyMs = BUSY_MIN_MS;
    this.#lostMs = LOST_MIN_MS;
  }

  /** Holds an entry back until one before it is kept. */
  hold(id: string): void {
    this.#held.add(id);
    this.#width = Math.max(1, Math.floor(this.#width / 2));
  }

  /** There is none before it. */
  release(id: string): void {
    this.#held.delete(id);
  }

  /** Sends nothing for a while. */
  rest(cause: PauseCause): void {
    if (this.#pause !== null) return;
    this.#pause = cause;
    const isBusy = cause === 'busy-there';
    const ms = isBusy ? this.#busyMs : this.#lostMs;
    if (isBusy) this.#busyMs = Math.min(2 * ms, BUSY_MAX_MS);
    else this.#lostMs = Math.min(2 * ms, LOST_MAX_MS);
    this.#later(ms, () => {
      this.#pause = null;
      this.#held.clear();
    });
  }

  /** A turn of the lane after `ms`; one at a time. */
  turnAfter(ms: number): void {
    if (this.#hasTimer) return;
    this.#hasTimer = true;
    this.#later(Math.max(1, Math.ceil(ms)), () => {
      this.#hasTimer = false;
    });
  }

  #later(ms: number, ready: () => void): void {
    this.#clock.sleep(ms, this.#gone.signal).then(
      () => {
        if (this.isGone) return;
        ready();
        this.#ask();
      },
      () => {}, // the way is gone
    );
  }
}
