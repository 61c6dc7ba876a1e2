/**
 * Tells friends, and nobody who is not one yet, whether we are here, each after a delay of its own: the moment of a change is a person's, and two
 * friends who compare notes should not learn it to the second.
 */

import { Wakeup } from '../../net/wakeup.ts';
import type { Clock } from '../../safety/clock.ts';
import type { OwnPresence } from './face.ts';
import type { FrameWriter } from './frame-writer.ts';
import { PRESENCE_JITTER_MS } from './limits.ts';

export class PresenceTeller {
  readonly #clock: Clock;
  readonly #chance: () => number;
  readonly #changed = new Wakeup();
  #presence: OwnPresence = 'online';
  /** Monotonic ms. */
  #since: number;

  constructor(clock: Clock, chance: () => number) {
    this.#clock = clock;
    this.#chance = chance;
    this.#since = clock.monotonic();
  }

  set(presence: OwnPresence): void {
    if (presence === this.#presence) return;
    this.#presence = presence;
    this.#since = this.#clock.monotonic();
    this.#changed.wake();
  }

  /** Somebody may be told now who could not be before. */
  look(): void {
    this.#changed.wake();
  }

  /** Tells one friend until the signal ends it: a state that is old at once, a new one later. */
  async run(writer: Pick<FrameWriter, 'first'>, mayTell: () => boolean, signal: AbortSignal): Promise<never> {
    let told: OwnPresence | null = null;
    for (;;) {
      if (told === this.#presence || !mayTell()) {
        await this.#changed.wait(signal);
        continue;
      }
      const dueAt = this.#since + this.#chance() * PRESENCE_JITTER_MS;
      const leftMs = dueAt - this.#clock.monotonic();
      if (leftMs > 0) await this.#clock.sleep(leftMs, signal);
      // it may have changed back
      if (told === this.#presence || !mayTell()) continue;
      told = this.#presence;
      writer.first({ type: 'presence', presence: told });
    }
  }
}
