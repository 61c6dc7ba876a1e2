/** Says every few hours that this node is there, for as long as it is asked to. The announcement is signed anew each time. */

import type { Clock } from '../safety/clock.ts';
import type { Ed25519Signer } from '../safety/crypto/provider.ts';
import { chanceOf, type RandomBytes } from '../safety/random.ts';
import { announcementSigningInput, encodeAnnouncement } from '../wire/announcement.ts';
import { BoundedMap } from './bounded-map.ts';
import {
  ANNOUNCE_INTERVAL_MS,
  ANNOUNCE_JITTER,
  ANNOUNCEMENT_ROUNDING_SECONDS,
  ANNOUNCEMENT_TTL_SECONDS,
  MAX_RECORDS,
  WELCOME_INTERVAL_MS,
} from './limits.ts';
import { TokenBucket } from './token-bucket.ts';

export interface AnnouncerInit {
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** A failure is no matter: there is a next time, and new neighbours are told anyway. */
  readonly publish: (bytes: Uint8Array) => Promise<void>;
}

export class Announcer {
  readonly #init: AnnouncerInit;
  readonly #welcomed = new BoundedMap<TokenBucket>(MAX_RECORDS);
  #current: { readonly bytes: Uint8Array; readonly expiryMs: number } | undefined;
  #running: AbortController | undefined;

  constructor(init: AnnouncerInit) {
    this.#init = init;
  }

  /** Begins at once; {@link stop}, the returned function, or another start ends it. */
  start(signer: Ed25519Signer): () => void {
    this.stop();
    const running = new AbortController();
    this.#running = running;
    // ends by rejecting when it is told to, and in no other way
    this.#run(signer, running.signal).catch(() => {});
    return () => {
      if (this.#running === running) this.stop();
    };
  }

  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#current = undefined;
  }

  /** The announcement that holds now; null when this node does not announce itself. */
  current(): Uint8Array | null {
    const current = this.#current;
    return current !== undefined && current.expiryMs > this.#init.clock.now() ? current.bytes : null;
  }

  /** Whether it is time to tell this peer what is known; it is, once in a while. */
  mayWelcome(peer: string): boolean {
    const nowMs = this.#init.clock.monotonic();
    const rate = { burst: 1, perSecond: 1000 / WELCOME_INTERVAL_MS };
    return this.#welcomed.of(peer, () => new TokenBucket(rate, nowMs)).take(1, nowMs);
  }

  async #run(signer: Ed25519Signer, signal: AbortSignal): Promise<never> {
    for (;;) {
      const current = this.#sign(signer);
      this.#current = current;
      await this.#init.publish(current.bytes).catch(() => {});
      await this.#init.clock.sleep(this.#intervalMs(), signal);
    }
  }

  #sign(signer: Ed25519Signer): { bytes: Uint8Array; expiryMs: number } {
    const now = Math.floor(this.#init.clock.now() / 1000);
    const issued = now - (now % ANNOUNCEMENT_ROUNDING_SECONDS);
    const unsigned = { publicKey: signer.publicKey, issued, expiry: issued + ANNOUNCEMENT_TTL_SECONDS };
    const signature = signer.sign(announcementSigningInput(unsigned));
    return { bytes: encodeAnnouncement({ ...unsigned, signature }), expiryMs: unsigned.expiry * 1000 };
  }

  #intervalMs(): number {
    const even = chanceOf(this.#init.random)();
    return ANNOUNCE_INTERVAL_MS * (1 + ANNOUNCE_JITTER * (2 * even - 1));
  }
}
