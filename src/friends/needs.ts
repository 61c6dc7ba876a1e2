/** What a friends book needs from the other parts: delivery and the time. Fits the real ones, and is small enough for a test's. */

import type { ContactId } from '../delivery/face.ts';
import type { Clock } from '../safety/clock.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import type { Log } from '../safety/log.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { Database } from '../store/database.ts';
import type { FriendEvent } from './people.ts';

/** An X25519 key that is good for one first contact. */
export interface OneTimePrekeyOffer {
  /** Never 0. */
  readonly id: number;
  readonly publicKey: Uint8Array;
}

export interface FriendsDelivery {
  /** The own, 48 bytes. */
  readonly fingerprint: Uint8Array;
  newOneTimePrekey(): OneTimePrekeyOffer;
  dropOneTimePrekey(id: number): void;
  /** Verifies the bundle and opens a session. Throws KemError. */
  meet(
    bundle: Uint8Array,
    options: { readonly fingerprint: Uint8Array; readonly oneTimePrekey?: OneTimePrekeyOffer },
  ): void;
  forget(contact: ContactId): void;
  enqueue(contact: ContactId, item: { readonly key: Uint8Array; readonly content: Uint8Array }): void;
  /** False when it was sent already. */
  withdraw(contact: ContactId, key: Uint8Array): boolean;
  /** Best first; empty before post-quantum epoch 1. */
  pairKeys(contact: ContactId): Uint8Array[];
}

export interface FriendsInit {
  readonly database: Pick<Database, 'table' | 'transaction' | 'afterCommit' | 'onRollback'>;
  readonly delivery: FriendsDelivery;
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly clock: Pick<Clock, 'now'>;
  readonly log?: Log;
  /** Ed25519 key of the current home onion: for the first start; later the book remembers it. */
  readonly home: () => { readonly onionKey: Uint8Array };
  /** After the commit. */
  readonly emit: (event: FriendEvent) => void;
  /** Onion keys of DHT entry points for invites, best first. */
  readonly entryPoints: () => readonly Uint8Array[];
}
