/**
 * Reads and writes on behalf of somebody who must not be recognised: each batch goes through a scout, a client persona
 * with a key and circuits of its own that lives for this batch alone. What the peers it asks learn is that somebody
 * reads or writes these slots together, so callers put into one batch only what one pair shares.
 *
 * Entry points are picked anew from all that are known, independently of the neighbours of this node's handle: a
 * scout that started from those would point at the handle. Not hidden: that a tor client came and went, and from an
 * entry point that sees both, the time of it.
 */

import type { Clock } from '../safety/clock.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { OnionAddress } from '../wire/onion.ts';
import { withDeadline } from '../net/deadline.ts';
import type { Dht, SlotRead, SlotWritten } from './dht.ts';
import { sample } from './entry-points.ts';
import { DhtError } from './errors.ts';
import { SCOUT_ENTRY_POINTS, SCOUT_ENTRY_TRIES, SCOUT_TIMEOUT_MS } from './limits.ts';

/** A started client persona with its dht service, made for one batch. */
export interface Scout {
  readonly dht: Pick<Dht, 'enter' | 'get' | 'put'>;
  /** Closes its connections and forgets it. */
  stop(): Promise<void>;
}

export interface ScoutsInit {
  /**
   * Makes and starts a scout: fresh key, own dialer with its own isolation secret, `listen: false`, and told to refuse
   * the other personas of this node, whom lookups would lead it to.
   */
  readonly open: (signal: AbortSignal) => Promise<Scout>;
  /** Up to so many onions that a scout may start from, drawn anew for each; never this node's own. */
  readonly entryPoints: (count: number) => readonly OnionAddress[];
  /** Told how dials went, so that the list learns. */
  readonly reached?: (onion: OnionAddress) => void;
  readonly failed?: (onion: OnionAddress) => void;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

export class Scouts {
  readonly #init: ScoutsInit;
  readonly #life = new AbortController();
  /** Batches that run, and scouts on their way out. */
  readonly #busy = new Set<Promise<unknown>>();

  constructor(init: ScoutsInit) {
    this.#init = init;
  }

  /** Reads in parallel, results in the order of `pks`. Throws DhtError NO_ENTRY_POINTS or NO_ENTRY_POINT_REACHED. */
  get(pks: readonly Uint8Array[], options: { readonly signal: AbortSignal }): Promise<SlotRead[]> {
    return this.#batch(options.signal, (scout, signal) =>
      Promise.all(pks.map((pk) => scout.dht.get(pk, { signal }))),
    );
  }

  /** Writes in parallel, results in the order of `slots`. Throws as `get`, and DhtError SLOT_*. */
  put(slots: readonly Uint8Array[], options: { readonly signal: AbortSignal }): Promise<SlotWritten[]> {
    return this.#batch(options.signal, (scout, signal) =>
      Promise.all(slots.map((slot) => scout.dht.put(slot, { signal }))),
    );
  }

  /** Ends all batches, and resolves when their scouts are gone. */
  async stop(): Promise<void> {
    this.#life.abort(new DhtError('STOPPED'));
    while (this.#busy.size > 0) await Promise.allSettled(this.#busy);
  }

  #batch<T>(outer: AbortSignal, work: (scout: Scout, signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#kept(this.#run(AbortSignal.any([outer, this.#life.signal]), work));
  }

  #kept<T>(busy: Promise<T>): Promise<T> {
    const kept = busy.finally(() => this.#busy.delete(kept));
    this.#busy.add(kept);
    return kept;
  }

  /** Begins with the first entry point that answers; the others join while it runs. */
  async #run<T>(outer: AbortSignal, work: (scout: Scout, signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, entryPoints, open, random } = this.#init;
    outer.throwIfAborted();
    const chosen = sample(entryPoints(SCOUT_ENTRY_TRIES), SCOUT_ENTRY_TRIES, random);
    const tried = chosen.length;
    if (tried === 0) throw new DhtError('NO_ENTRY_POINTS');
    return withDeadline(
      clock,
      SCOUT_TIMEOUT_MS,
      outer,
      async (deadline) => {
        const over = new AbortController();
        const signal = AbortSignal.any([deadline, over.signal]);
        const scout = await open(signal);
        try {
          const paths = Array.from({ length: SCOUT_ENTRY_POINTS }, () =>
            this.#enterOne(scout, chosen, signal),
          );
          await Promise.any(paths);
          return await work(scout, signal);
        } catch (error) {
          signal.throwIfAborted();
          throw error instanceof AggregateError
            ? new DhtError('NO_ENTRY_POINT_REACHED', { cause: error, data: { tried } })
            : error;
        } finally {
          over.abort(new Error('the batch is over'));
          // nobody waits for its connections to close; whatever is wrong with its end, its work is done
          void this.#kept(scout.stop().catch(() => undefined));
        }
      },
      () => new DhtError('SCOUT_TIMEOUT'),
    );
  }

  /** Tries the next of the list until one is in. */
  async #enterOne(scout: Scout, left: OnionAddress[], signal: AbortSignal): Promise<void> {
    for (let onion = left.shift(); onion !== undefined; onion = left.shift()) {
      try {
        return await this.#enter(scout, onion, signal);
      } catch {
        signal.throwIfAborted();
      }
    }
    throw new DhtError('PEER_UNREACHABLE');
  }

  async #enter(scout: Scout, onion: OnionAddress, signal: AbortSignal): Promise<void> {
    try {
      await scout.dht.enter(onion, { signal });
      this.#init.reached?.(onion);
    } catch (error) {
      // an entry point that the end of the batch cut off did nothing wrong
      if (!signal.aborted) this.#init.failed?.(onion);
      throw error;
    }
  }
}
