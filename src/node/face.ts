/** What a node takes from whoever runs it, and shows in return: options, events, status, the choices of a call. */

import type { Clock } from '../safety/clock.ts';
import type { Disk } from '../safety/disk.ts';
import type { KithError } from '../safety/errors.ts';
import type { Log } from '../safety/log.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { Received } from '../say/receive.ts';
import type { TorInit } from '../transport-tor/tor/tor.ts';
import type { TorStatus } from '../transport-tor/tor/status.ts';
import type { OnionAddress } from '../wire/onion.ts';
import type { SayStatus } from '../wire/say.ts';
import type { PeopleStats } from './people-init.ts';
import type { EpochSchedule } from './epochs.ts';

export interface KithInit {
  /** Directory that holds everything the node owns; created when missing. */
  readonly dataDir: string;
  /**
   * `public`: one stable onion in the overlay, announced to all, where others enter. Default `ordinary`: a handle
   * that changes with every epoch.
   */
  readonly role?: Role;
  /**
   * `open`: anybody who knows the home onion may connect, and leave something with `say`. Default `friends`: tor lets
   * nobody else in.
   */
  readonly home?: 'friends' | 'open';
  /** Opens the store where it has a passphrase; asked for then alone. */
  readonly passphrase?: () => Promise<string>;
  /** Onions of public nodes through which to enter the overlay, besides those remembered. */
  readonly entryPoints?: readonly OnionAddress[];
  /** When handles change; default: the first two hours of each UTC day. All nodes of a network agree on it. */
  readonly epochs?: EpochSchedule;
  /** Which tor binary, bridges and extra torrc lines to use. */
  readonly tor?: Pick<TorInit, 'binary' | 'bridges' | 'transports' | 'config'>;
  readonly onEvent?: (event: KithEvent) => void;
  readonly clock?: Clock;
  readonly disk?: Disk;
  readonly random?: RandomBytes;
  readonly log?: Log;
}

export type Role = 'ordinary' | 'public';

/** What a running node tells its face. */
export type KithEvent =
  | { readonly kind: 'tor'; readonly status: TorStatus }
  | { readonly kind: 'overlay'; readonly status: OverlayStatus }
  | { readonly kind: 'reachable'; readonly onion: OnionAddress; readonly tookMs: number }
  | { readonly kind: 'received'; readonly received: Received }
  /** A dial of a friend's home or somebody's door is over. */
  | { readonly kind: 'dialed'; readonly result: 'reached' | 'failed'; readonly tookMs: number }
  /** Somebody has a content on disk that was saved here `tookMs` ago. */
  | { readonly kind: 'delivered'; readonly tookMs: number }
  | { readonly kind: 'refused'; readonly status: Exclude<SayStatus, 'written'> };

export interface NodeStatus {
  readonly state: 'stopped' | 'starting' | 'reachable' | 'restarting' | 'failed';
  /** `<56 characters>.onion`, what others dial. */
  readonly onion: string;
  readonly startedAt: string;
  readonly tor: { readonly [K in keyof TorStatus]: TorStatus[K] };
  readonly overlay: { readonly [K in keyof OverlayStatus]: OverlayStatus[K] };
  readonly people: { readonly [K in keyof PeopleStats]: PeopleStats[K] };
  readonly pid: number;
  readonly rssBytes: number;
}

export interface SayOptions {
  /** Use a one-time key: the other side does not learn this node's onion. */
  readonly anonymous?: boolean;
  readonly signal?: AbortSignal;
  readonly onConnected?: () => void;
  /** A dial failed for a reason that may pass; another follows. */
  readonly onRetry?: (cause: KithError) => void;
}

/** Where this node stands in the overlay. */
export interface OverlayStatus {
  /** `alone`: it knows nobody to enter through. `joined`: it has peers. */
  readonly state: 'stopped' | 'starting' | 'alone' | 'joining' | 'joined' | 'failed';
  readonly role: Role;
  /** `<56 characters>.onion` of the handle, or of the stable onion of a public node; null before it is up. */
  readonly onion: string | null;
  /** Number of the epoch of the handle. */
  readonly epoch: number;
  /** The handle of the last epoch is still there, to hand on what it keeps. */
  readonly changing: boolean;
  /** Nodes in the routing table. */
  readonly peers: number;
  /** Slots kept for others. */
  readonly slots: number;
  readonly entryPoints: number;
  /** Why it failed, and what to do. */
  readonly cause: string | null;
}

/** A public node said that it is there. */
export interface Announced {
  readonly onion: OnionAddress;
  /** Unix seconds. */
  readonly expiry: number;
}

/** Whom this node could enter the overlay through, and who is in its routing table. */
export interface OverlayPeers {
  /** `<56 characters>.onion` each. */
  readonly peers: readonly string[];
  readonly entryPoints: readonly KnownEntryPoint[];
}

export interface KnownEntryPoint {
  readonly onion: string;
  /** `config` was given by whoever runs the node and is never forgotten. */
  readonly source: 'config' | 'remembered';
  /** Milliseconds since 1970; null when it never was. */
  readonly reachedAtMs: number | null;
}

export interface PutSlotOptions {
  /** How long the slot lasts, ms; default and most 14 days. */
  readonly ttlMs?: number;
  readonly signal?: AbortSignal;
}

export interface PutSlot {
  /** `kith-slot:…`: finds and opens it. */
  readonly reference: string;
  /** Unix seconds. */
  readonly expiry: number;
  /** Nodes that took it. */
  readonly holders: number;
  readonly tookMs: number;
}

export interface GotSlot {
  readonly content: Uint8Array;
  /** Unix seconds. */
  readonly expiry: number;
  /** Nodes that returned it. */
  readonly answers: number;
  /** Other contents signed with the same number: its writer said two things. */
  readonly conflicts: number;
  readonly tookMs: number;
}
