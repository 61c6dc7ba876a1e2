/** Nodes' sides in the overlay, wired as the product wires them, on a tor each and a clock that a test can set ahead. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SLOT_STORE_LIMITS } from '../../src/dht/limits.ts';
import type { EpochSchedule } from '../../src/node/epochs.ts';
import type { OverlayStatus } from '../../src/node/face.ts';
import type { Overlay } from '../../src/node/overlay.ts';
import { wireOverlay } from '../../src/node/overlay-parts.ts';
import { type Clock, systemClock } from '../../src/safety/clock.ts';
import { silent } from '../../src/safety/log.ts';
import { systemRandom } from '../../src/safety/random.ts';
import type { TorHost } from '../../src/transport-tor/options.ts';
import { decodeOnion, type OnionAddress } from '../../src/wire/onion.ts';

/**
 * The system's clock, but for the wall clock, which a test can set ahead: waits for a wall time then end, since they
 * look at it in pieces of half a minute; timeouts of that length do too, so do it at a quiet moment.
 */
export class LeapingClock implements Clock {
  #aheadMs = 0;
  readonly #long = new Set<AbortController>();

  now(): number {
    return systemClock.now() + this.#aheadMs;
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms < 30_000) return systemClock.sleep(ms, signal);
    const leapt = new AbortController();
    this.#long.add(leapt);
    try {
      const ends = signal === undefined ? leapt.signal : AbortSignal.any([signal, leapt.signal]);
      await systemClock.sleep(ms, ends);
    } catch (error) {
      if (!leapt.signal.aborted) throw error;
    } finally {
      this.#long.delete(leapt);
    }
  }

  /** Sets the wall clock to a later time. */
  leap(toMs: number): void {
    this.#aheadMs += toMs - this.now();
    for (const sleeper of this.#long) sleeper.abort();
  }
}

export interface OverlayNodeInit {
  readonly name: string;
  readonly dir: string;
  readonly tor: TorHost;
  readonly clock: Clock;
  readonly epochs: EpochSchedule;
  readonly isPublic?: boolean;
  readonly entryPoints: readonly OnionAddress[];
  /** Its home. */
  readonly avoid?: readonly OnionAddress[];
  /** Takes part, but has no room for slots. */
  readonly keepsNothing?: boolean;
}

export class OverlayNode {
  readonly name: string;
  readonly overlay: Overlay;

  private constructor(init: OverlayNodeInit) {
    this.name = init.name;
    this.overlay = wireOverlay({
      tor: init.tor,
      socketDir: join(init.dir, init.name),
      dir: join(init.dir, `${init.name}-rows`),
      publicSeed: init.isPublic === true ? systemRandom(32) : null,
      storeKey: systemRandom(32),
      remembered: { put: () => {}, delete: () => {}, entries: () => [] },
      entryPoints: init.entryPoints,
      avoid: init.avoid ?? [],
      onArriving: () => {},
      epochs: init.epochs,
      clock: init.clock,
      random: systemRandom,
      log: silent,
      onStatus: () => {},
      ...(init.keepsNothing === true ? { slotLimits: { ...SLOT_STORE_LIMITS, slots: 0 } } : {}),
    });
  }

  static async start(init: OverlayNodeInit): Promise<OverlayNode> {
    await mkdir(join(init.dir, init.name), { recursive: true });
    await mkdir(join(init.dir, `${init.name}-rows`), { recursive: true });
    const node = new OverlayNode(init);
    node.overlay.start();
    return node;
  }

  get status(): OverlayStatus {
    return this.overlay.status();
  }

  /** Its onion in the overlay. */
  get onion(): OnionAddress {
    return decodeOnion(this.status.onion ?? '');
  }

  /** Resolves when its status is as wanted; looks now and then, because peers come without a word. */
  async until(wanted: (status: OverlayStatus) => boolean, signal: AbortSignal): Promise<void> {
    while (!wanted(this.status)) {
      if (this.status.state === 'failed') throw new Error(`${this.name}: ${String(this.status.cause)}`);
      await systemClock.sleep(50, signal);
    }
  }

  stop(): Promise<void> {
    return this.overlay.stop();
  }
}
