/** Ways between two persons in memory, which lose, repeat, reorder and end as a test asks. */

import type { Carried, Route, Verdict } from '../../src/delivery/face.ts';
import type { Person } from './person.ts';

export interface Faults {
  /** Share of what does not arrive, or whose verdict does not come back. */
  readonly loss: number;
  readonly repeat: number;
  /** Turns of the event loop that a ciphertext may take longer than the one before. */
  readonly jitter: number;
}

export const NO_FAULTS: Faults = { loss: 0, repeat: 0, jitter: 0 };

const turns = async (count: number): Promise<void> => {
  // each turn after the one before
  // oxlint-disable-next-line no-await-in-loop
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

export interface Sent extends Carried {
  readonly from: Person;
}

export class Wire {
  readonly a: Person;
  readonly b: Person;
  readonly #chance: () => number;
  faults: Faults;
  /** Everything that was sent, if a test wants to know. */
  readonly sent: Sent[] = [];
  #detach: (() => void)[] = [];
  /** What the contact says that it has seen is told at the start, as on a link. */
  tellsCounts = true;

  constructor(a: Person, b: Person, faults: Faults = NO_FAULTS, chance: () => number = Math.random) {
    this.a = a;
    this.b = b;
    this.faults = faults;
    this.#chance = chance;
  }

  connect(): void {
    this.disconnect();
    const { a, b } = this;
    if (this.tellsCounts) {
      for (const [x, y] of [
        [a, b],
        [b, a],
      ] as const) {
        if (!x.delivery.knows(y.id)) continue;
        x.delivery.learnBundle(y.id, y.delivery.bundle());
        const { seen, tag } = y.delivery.counts(x.id);
        x.delivery.theySaw(y.id, seen, tag);
      }
    }
    for (const [x, y] of [
      [a, b],
      [b, a],
    ] as const)
      this.#detach.push(x.delivery.attach(this.#route(x, y)));
  }

  disconnect(): void {
    for (const detach of this.#detach) detach();
    this.#detach = [];
  }

  #route(from: Person, to: Person): Route {
    const sender = from.id;
    const born = this.#detach;
    return {
      contact: to.id,
      send: async (carried: Carried): Promise<Verdict> => {
        const { loss, repeat, jitter } = this.faults;
        if (this.sent.length < 100_000) this.sent.push({ ...carried, from });
        const isLost = this.#chance() < loss;
        const isUnanswered = this.#chance() < loss;
        const times = this.#chance() < repeat ? 2 : 1;
        await turns(1 + Math.floor(this.#chance() * (jitter + 1)));
        if (isLost) throw new Error('lost');
        let verdict: Verdict = 'busy';
        for (let i = 0; i < times; i++) {
          // oxlint-disable-next-line no-await-in-loop
          if (i > 0) await turns(Math.floor(this.#chance() * 3));
          if (to.isDead || born !== this.#detach) throw new Error('gone');
          verdict = to.delivery.receive(carried, { contact: sender, via: { kind: 'link' } });
        }
        await turns(1);
        if (isUnanswered || from.isDead) throw new Error('lost');
        return verdict;
      },
    };
  }
}

/** Waits until `is`, for at most `ms` real milliseconds. */
export async function until(is: () => boolean, ms = 5_000, what = 'it'): Promise<void> {
  const end = performance.now() + ms;
  while (!is()) {
    if (performance.now() > end) throw new Error(`${what} did not happen`);
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
