/**
 * The public nodes heard of: what counts as news, how much of it one neighbour may bring, and who stays when the list
 * is full. See `announcements.ts` for what that is worth.
 */

import type { Clock } from '../safety/clock.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { copyOf, toHex } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';
import type { RandomBytes } from '../safety/random.ts';
import {
  type Announcement,
  ANNOUNCEMENT_BYTES,
  announcementSigningInput,
  decodeAnnouncement,
} from '../wire/announcement.ts';
import { type OnionAddress, onionOf } from '../wire/onion.ts';
import { ed25519PeerId } from '../wire/peer-id.ts';
import { BoundedMap } from './bounded-map.ts';
import {
  MAX_CLOCK_SKEW_SECONDS,
  MAX_KNOWN,
  MAX_RECORDS,
  MIN_REMAINING_SECONDS,
  MIN_RENEWAL_SECONDS,
  NEWCOMER_PLACES,
  NEWCOMERS_PER_PEER,
  WELCOME,
} from './limits.ts';
import { TokenBucket } from './token-bucket.ts';
import type { Verdict } from './topic.ts';

/** A public node as it announced itself. */
export interface KnownNode {
  readonly onion: OnionAddress;
  /** When it said so, by its own clock, rounded down to 10 minutes; never far in the future of ours. */
  readonly issuedMs: number;
  readonly expiryMs: number;
}

export interface KnownNodesInit {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly provider?: Provider;
}

interface Entry {
  readonly node: KnownNode;
  readonly bytes: Uint8Array;
}

export class KnownNodes {
  readonly #clock: Clock;
  readonly #random: RandomBytes;
  readonly #provider: Provider;
  /** By key in hex, in the order in which they became known; a renewal keeps its place. */
  readonly #entries = new Map<string, Entry>();
  readonly #newcomers = new BoundedMap<TokenBucket>(MAX_RECORDS);
  readonly #listeners = new Set<(node: KnownNode) => void>();
  #own: string | undefined;

  constructor(init: KnownNodesInit) {
    this.#clock = init.clock;
    this.#random = init.random;
    this.#provider = init.provider ?? nodeProvider;
  }

  /** This node's own key: it need not be told of itself. */
  own(publicKey: Uint8Array): void {
    this.#own = toHex(publicKey);
    this.#entries.delete(this.#own);
  }

  /** Whether the peer `from` may bring this one: it has its share of keys not known before. */
  admit(bytes: Uint8Array, from: string): boolean {
    const key = toHex(bytes.subarray(1, 33));
    if (bytes.length !== ANNOUNCEMENT_BYTES || key === this.#own || this.#entries.has(key)) return true;
    const nowMs = this.#clock.monotonic();
    return this.#newcomers.of(from, () => new TokenBucket(NEWCOMERS_PER_PEER, nowMs)).take(1, nowMs);
  }

  /** What is news is taken note of. */
  judge(bytes: Uint8Array): Verdict {
    let announcement: Announcement;
    try {
      announcement = decodeAnnouncement(bytes);
    } catch (error) {
      if (error instanceof MalformedError) return 'reject';
      throw error;
    }
    const key = toHex(announcement.publicKey);
    if (!this.#isNews(key, announcement)) return 'ignore';
    const { publicKey, issued, expiry, signature } = announcement;
    if (!this.#provider.ed25519.verify(publicKey, announcementSigningInput(announcement), signature))
      return 'reject';
    const node = { onion: onionOf(publicKey), issuedMs: issued * 1000, expiryMs: expiry * 1000 };
    if (!this.#entries.has(key)) this.#makeRoom();
    this.#entries.set(key, { node, bytes: copyOf(bytes) });
    for (const listener of this.#listeners) listener(node);
    return 'accept';
  }

  /** Longest known first. */
  list(): KnownNode[] {
    this.#sweep();
    return [...this.#entries.values()].map(({ node }) => node);
  }

  /** Announcements to tell a peer, drawn at random; not its own. */
  sample(peer: string): Uint8Array[] {
    this.#sweep();
    const pool = [...this.#entries.values()].filter(
      ({ node }) => ed25519PeerId(node.onion.publicKey) !== peer,
    );
    const drawn: Uint8Array[] = [];
    while (drawn.length < WELCOME && pool.length > 0) {
      const [entry] = pool.splice(this.#draw(pool.length), 1);
      if (entry !== undefined) drawn.push(entry.bytes);
    }
    return drawn;
  }

  onKnown(listener: (node: KnownNode) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Not the node itself, within its time, and newer than what is known by more than nothing. */
  #isNews(key: string, { issued, expiry }: Announcement): boolean {
    const now = this.#clock.now() / 1000;
    if (key === this.#own || issued > now + MAX_CLOCK_SKEW_SECONDS) return false;
    // one that is about to expire would be known to this node and to nobody that it tells: a mark on it
    if (expiry <= now + MIN_REMAINING_SECONDS) return false;
    const before = this.#entries.get(key)?.node.issuedMs;
    return before === undefined || issued >= before / 1000 + MIN_RENEWAL_SECONDS;
  }

  /** When the list is full one of the newcomers goes, at random, so that a flood does not know which. */
  #makeRoom(): void {
    if (this.#entries.size < MAX_KNOWN) return;
    this.#sweep();
    if (this.#entries.size < MAX_KNOWN) return;
    const newcomers = [...this.#entries.keys()].slice(-NEWCOMER_PLACES);
    this.#entries.delete(newcomers[this.#draw(newcomers.length)] as string);
  }

  #sweep(): void {
    const nowMs = this.#clock.now();
    for (const [key, { node }] of this.#entries) if (node.expiryMs <= nowMs) this.#entries.delete(key);
  }

  /** Evenly enough from 0 to `count` - 1: a 32-bit number for at most 1,024 places. */
  #draw(count: number): number {
    const bytes = this.#random(4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) % count;
  }
}
