/**
 * Keeps a peer that serves among its neighbours in the key space: looks up its own id as soon as it knows anybody,
 * again at growing jittered intervals until a look shows nothing new, and once more when most neighbours have gone.
 *
 * One look is not enough: its answers hold what those asked knew at that moment, and when many join or handles change
 * together that is little. Whoever does not answer counts as failed and leaves the table after a few looks, so one
 * whose neighbours all rotated gets rid of them within minutes. Finding new ones without anybody left is up to who
 * knows the entry points. A neighbour that never answers but lives only makes the looks go on to their limit.
 */

import type { PeerId, Startable } from '@libp2p/interface';
import { Wakeup } from '../net/wakeup.ts';
import type { Clock } from '../safety/clock.ts';
import { FIRST_LOOK_PAUSE_MS, LOOK_AGAIN_MS, LOOKS_IN_A_ROW } from './limits.ts';

export interface NeighbourhoodInit {
  /** Peers of the routing table that are closest to this one. */
  readonly closest: () => readonly PeerId[];
  /** As `onPeer` of Routing. */
  readonly onPeer: (listener: () => void) => () => void;
  readonly isConnected: (peer: PeerId) => boolean;
  /** Looks up this peer's id and puts who answered into the table; resolves with those. */
  readonly look: (signal: AbortSignal) => Promise<readonly PeerId[]>;
  readonly clock: Clock;
  /** Draws from [0, 1). */
  readonly chance: () => number;
}

export class Neighbourhood implements Startable {
  readonly #init: NeighbourhoodInit;
  readonly #wakeup = new Wakeup();
  /** Neighbours that were connected when all was well. */
  #usual = 0;
  #running = new AbortController();

  constructor(init: NeighbourhoodInit) {
    this.#init = init;
  }

  start(): void {
    this.#running = new AbortController();
    // not awaited: it ends with its signal, and only then
    void this.#run(this.#running.signal).catch(() => undefined);
  }

  stop(): void {
    this.#running.abort(new Error('the dht was stopped'));
  }

  /** To be told when a connection is gone: that of most neighbours is a reason to look. */
  disconnected(): void {
    if (this.#connected() * 2 <= this.#usual) this.#wakeup.wake();
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#somebody(signal);
      let pauseMs = FIRST_LOOK_PAUSE_MS;
      for (let look = 1; look <= LOOKS_IN_A_ROW && !(await this.#look(signal)); look++, pauseMs *= 2) {
        await this.#pause(pauseMs, signal);
        await this.#somebody(signal);
      }
      this.#usual = this.#connected();
      await this.#rest(signal);
    }
  }

  /** Whether it showed nothing new: everybody in the neighbourhood was there before, and answered. */
  async #look(signal: AbortSignal): Promise<boolean> {
    const before = names(this.#init.closest());
    const answered = names(await this.#init.look(signal));
    return [...names(this.#init.closest())].every((peer) => before.has(peer) && answered.has(peer));
  }

  async #somebody(signal: AbortSignal): Promise<void> {
    const end = this.#init.onPeer(() => this.#wakeup.wake());
    try {
      while (this.#init.closest().length === 0) await this.#wakeup.wait(signal);
    } finally {
      end();
    }
  }

  async #rest(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    await Promise.race([this.#pause(LOOK_AGAIN_MS, either), this.#wakeup.wait(either)]).finally(() =>
      over.abort(),
    );
  }

  /** Jittered, so that nodes that joined together do not look together. */
  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return this.#init.clock.sleep(ms / 2 + (ms / 2) * this.#init.chance(), signal);
  }

  #connected(): number {
    return this.#init.closest().filter(this.#init.isConnected).length;
  }
}

function names(peers: readonly PeerId[]): Set<string> {
  return new Set(peers.map(String));
}
