/** Finds out whether the other side of a link is still there, by pings at times that nobody can foretell. */

import { Wakeup } from '../../net/wakeup.ts';
import { equal } from '../../safety/bytes.ts';
import type { Clock } from '../../safety/clock.ts';
import { chanceOf, type RandomBytes } from '../../safety/random.ts';
import { LinkError } from './errors.ts';
import { FRESH_MS, PING_ANSWER_MS, PING_MAX_MS, PING_MIN_MS } from './limits.ts';
import { sleepOrWake } from './pause.ts';

const PING_BYTES = 8;

export interface KeepaliveInit {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly ping: (data: Uint8Array) => void;
  /** Before each ping: throws to end the link. */
  readonly onBeat: () => void;
}

export class Keepalive {
  readonly #init: KeepaliveInit;
  readonly #chance: () => number;
  readonly #now = new Wakeup();
  #heardAt: number;
  #asked: { readonly data: Uint8Array; readonly at: number } | null = null;
  /** Of the last ping that was answered. */
  roundTripMs: number | null = null;

  constructor(init: KeepaliveInit) {
    this.#init = init;
    this.#chance = chanceOf(init.random);
    this.#heardAt = init.clock.monotonic();
  }

  /** Any frame came. */
  heard(): void {
    this.#heardAt = this.#init.clock.monotonic();
  }

  answered(data: Uint8Array): void {
    if (this.#asked === null || !equal(this.#asked.data, data)) return;
    this.roundTripMs = this.#init.clock.monotonic() - this.#asked.at;
    this.#asked = null;
  }

  /** Somebody waits for this link: looks now whether it lives, unless it was heard just before. */
  probe(): void {
    if (this.#init.clock.monotonic() - this.#heardAt > FRESH_MS) this.#now.wake();
  }

  /** Throws LinkError LINK_SILENT when no answer came, what `onBeat` throws, or the signal's reason. */
  async run(signal: AbortSignal): Promise<never> {
    const { clock, random, ping, onBeat } = this.#init;
    for (;;) {
      const quietMs = PING_MIN_MS + this.#chance() * (PING_MAX_MS - PING_MIN_MS);
      await sleepOrWake(clock, this.#now, quietMs, signal);
      onBeat();
      const asked = { data: random(PING_BYTES), at: clock.monotonic() };
      this.#asked = asked;
      ping(asked.data);
      await clock.sleep(PING_ANSWER_MS, signal);
      // anything that came since shows that they are there, if the pong is behind other frames
      if (this.#heardAt <= asked.at && this.#asked === asked) throw new LinkError('LINK_SILENT');
    }
  }
}
