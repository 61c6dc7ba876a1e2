/**
 * A network as bad as mail can be: it loses, delays so that later messages overtake, and delivers twice. Everything
 * it does depends on the chances it is given, so a run can be repeated. It never changes bytes.
 */

export interface Weather {
  /** Share of messages that never arrive. */
  readonly loss: number;
  /** Share of the others that arrive a second time. */
  readonly duplicates: number;
  /** Longest delay, in messages sent in either direction. */
  readonly maxDelay: number;
}

/** Most messages come after at most this many others. */
const SHORT_DELAY = 3;
const MIDDLE_DELAY = 60;

export class LossyNetwork<T> {
  #weather: Weather;
  readonly #chance: () => number;
  /** What arrives at which tick. */
  readonly #due = new Map<number, T[]>();
  #tick = 0;
  #onTheWay = 0;

  constructor(weather: Weather, chance: () => number) {
    this.#weather = weather;
    this.#chance = chance;
  }

  /** Messages that will still arrive. */
  get onTheWay(): number {
    return this.#onTheWay;
  }

  /** Whether the message will arrive at least once. */
  send(message: T): boolean {
    if (this.#chance() < this.#weather.loss) return false;
    this.#schedule(message);
    if (this.#chance() < this.#weather.duplicates) this.#schedule(message);
    return true;
  }

  /** From now on everything arrives, once and at the next tick. */
  clearUp(): void {
    this.#weather = { loss: 0, duplicates: 0, maxDelay: 1 };
  }

  /** One tick passes; what arrives at it. */
  advance(): T[] {
    this.#tick++;
    const arrived = this.#due.get(this.#tick) ?? [];
    this.#due.delete(this.#tick);
    this.#onTheWay -= arrived.length;
    return arrived;
  }

  #schedule(message: T): void {
    const kind = this.#chance();
    const longest = kind < 0.7 ? SHORT_DELAY : kind < 0.95 ? MIDDLE_DELAY : this.#weather.maxDelay;
    const delay = 1 + Math.floor(this.#chance() * Math.min(longest, this.#weather.maxDelay));
    this.#put(message, this.#tick + delay);
  }

  #put(message: T, tick: number): void {
    const others = this.#due.get(tick);
    if (others === undefined) this.#due.set(tick, [message]);
    else others.push(message);
    this.#onTheWay++;
  }
}
