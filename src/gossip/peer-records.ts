/**
 * What each peer has used of its rates, and what it did wrong. gossipsub's own score does not do: it forgets a peer
 * that reconnects (`PeerScore.addPeer` of 17.1.1 replaces what was retained), and counts few of the offences. Keys
 * are free, so this slows one peer down and no more; it is kept in memory alone and bounded.
 */

import type { Clock } from '../safety/clock.ts';
import { BoundedMap } from './bounded-map.ts';
import {
  MAX_RECORDS,
  OFFENCE_DECAY_PER_SECOND,
  OFFENCE_LIMIT,
  OFFENCE_SERIOUS,
  PEER_BYTES,
  PEER_MESSAGES,
} from './limits.ts';
import { TokenBucket } from './token-bucket.ts';

export class PeerRecord {
  readonly #clock: Clock;
  readonly #bytes: TokenBucket;
  readonly #messages: TokenBucket;
  readonly #patience: TokenBucket;
  #refused = false;

  constructor(clock: Clock) {
    const nowMs = clock.monotonic();
    this.#clock = clock;
    this.#bytes = new TokenBucket(PEER_BYTES, nowMs);
    this.#messages = new TokenBucket(PEER_MESSAGES, nowMs);
    // one short of the limit, so that what reaches the limit is one too many
    this.#patience = new TokenBucket(
      { burst: OFFENCE_LIMIT - 1, perSecond: OFFENCE_DECAY_PER_SECOND },
      nowMs,
    );
  }

  /** Whether nothing more is taken from this peer. */
  get refused(): boolean {
    return this.#refused;
  }

  refuse(): void {
    this.#refused = true;
  }

  /** Whether the peer may send this many bytes now. */
  mayRead(bytes: number): boolean {
    return this.#bytes.take(bytes, this.#clock.monotonic());
  }

  /** Whether the peer may send one more message now. */
  mayMessage(): boolean {
    return this.#messages.take(1, this.#clock.monotonic());
  }

  /** Adds points; whether that was too much. */
  offend(points: number): boolean {
    return !this.#patience.take(points, this.#clock.monotonic());
  }

  /** The peer forwarded what a topic rejects; whether that was once too often. */
  invalid(): boolean {
    return this.offend(OFFENCE_SERIOUS);
  }
}

export class PeerRecords {
  readonly #clock: Clock;
  readonly #records = new BoundedMap<PeerRecord>(MAX_RECORDS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#records.size;
  }

  of(peer: string): PeerRecord {
    return this.#records.of(peer, () => new PeerRecord(this.#clock));
  }
}
