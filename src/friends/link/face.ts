/** What the links between friends need from others, and what they tell. */

import type { Carried, ContactId, Route, Verdict, Via } from '../../delivery/face.ts';
import type { Channels, LinkIdentity } from '../../net/channel.ts';
import type { Clock } from '../../safety/clock.ts';
import type { Provider } from '../../safety/crypto/provider.ts';
import type { Log } from '../../safety/log.ts';
import type { RandomBytes } from '../../safety/random.ts';
import type { Database } from '../../store/database.ts';
import type { OnionAddress } from '../../wire/onion.ts';

/** The friends book as the links see it. */
export interface LinkBook {
  /** Keys that log in, best first; the first 4 are used. Empty: no link can be made now. */
  loginKeys(contact: ContactId): readonly Uint8Array[];
  /** They have logged in, or were reached, at this onion, as the handshake has proven: 32 bytes. For each link. */
  cameFrom(contact: ContactId, onionKey: Uint8Array): void;
  /** A link was logged in under a pair key, or has shown one: provisional login keys may go. */
  pairKeyUsed(contact: ContactId): void;
  /** Whose home this onion is, as far as we were told. */
  contactOfHome(onionKey: Uint8Array): ContactId | null;
  /** Everybody who could log in. */
  contacts(): Iterable<ContactId>;
  /** Whether there may be a link with them now. */
  mayLink(contact: ContactId): boolean;
  /** Whether both have agreed: only then are they told whether we are here. */
  isFriend(contact: ContactId): boolean;
  /** Null: not known yet, they dial us. */
  homeOf(contact: ContactId): OnionAddress | null;
}

/** The delivery as the links see it. */
export interface LinkDelivery {
  attach(route: Route): () => void;
  /** The route of this contact is another now: see Route.isNarrow. */
  routeChanged(contact: ContactId): void;
  receive(
    carried: Carried,
    from: {
      readonly contact: ContactId;
      readonly via: Via & { readonly kind: 'link' };
      readonly isFirm: boolean;
    },
  ): Verdict;
  /** Our own newest bundle. */
  bundle(): Uint8Array;
  bundleHashOf(contact: ContactId): Uint8Array | null;
  learnBundle(contact: ContactId, bytes: Uint8Array): unknown;
  counts(contact: ContactId): { readonly sent: number; readonly seen: number; readonly tag: Uint8Array };
  theySaw(contact: ContactId, seen: number, tag: Uint8Array): void;
  pairKeys(contact: ContactId): readonly Uint8Array[];
  /** This pair key has logged in: both sides have it. */
  pairKeyUsed(contact: ContactId, key: Uint8Array): void;
}

export interface FriendLinksInit {
  readonly channels: Pick<Channels, 'dial'>;
  /** Our home, as whom we dial. */
  readonly identity: () => LinkIdentity;
  /** Key of the home onion that {@link FriendLinks.accept} answers for, 32 bytes. */
  readonly ownOnionKey: () => Uint8Array;
  readonly book: LinkBook;
  readonly delivery: LinkDelivery;
  readonly database: Pick<Database, 'table' | 'transaction'>;
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly clock: Clock;
  readonly log?: Log;
  /** Resolves when tor can dial; default: at once. */
  readonly ready?: (signal: AbortSignal) => Promise<void>;
  /** {@link LinkStatus} of this contact is another now. */
  readonly onChange: (contact: ContactId) => void;
}

export type OwnPresence = 'online' | 'away';
export type Presence = OwnPresence | 'unknown';

export interface LinkStatus {
  readonly connected: boolean;
  /** As they said on the link that is open; `unknown` without one. */
  readonly presence: Presence;
  /** Wall ms of the last frame that was proven to be theirs. */
  readonly lastReachedAt: number | null;
  /** Wall ms; null when connected, dialing right now, or not to be dialed. */
  readonly nextTryAt: number | null;
  /** Of the last ping. */
  readonly roundTripMs: number | null;
}

export interface LinkStats {
  /** Open and logged in. */
  readonly links: number;
  readonly dialing: number;
  /** Accepted channels that have not logged in yet. */
  readonly guests: number;
  /** Since the start. */
  readonly dials: { readonly reached: number; readonly failed: number };
  /** Logins that were refused since the start. */
  readonly refused: number;
  /** Frames on logged-in links, since the start. */
  readonly bytes: { readonly sent: number; readonly received: number };
}
