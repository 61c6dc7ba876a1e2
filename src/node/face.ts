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

export interface KithInit {
  /** Directory that holds everything the node owns; created when missing. */
  readonly dataDir: string;
  /** Which tor binary, bridges and extra torrc lines to use. */
  readonly tor?: Pick<TorInit, 'binary' | 'bridges' | 'transports' | 'config'>;
  readonly onEvent?: (event: KithEvent) => void;
  readonly clock?: Clock;
  readonly disk?: Disk;
  readonly random?: RandomBytes;
  readonly log?: Log;
}

/** What a running node tells its face. */
export type KithEvent =
  | { readonly kind: 'tor'; readonly status: TorStatus }
  | { readonly kind: 'reachable'; readonly onion: OnionAddress; readonly tookMs: number }
  | { readonly kind: 'received'; readonly received: Received }
  | { readonly kind: 'refused'; readonly status: Exclude<SayStatus, 'written'> };

export interface NodeStatus {
  readonly state: 'stopped' | 'starting' | 'reachable' | 'restarting' | 'failed';
  /** `<56 characters>.onion`, what others dial. */
  readonly onion: string;
  readonly startedAt: string;
  readonly tor: { readonly [K in keyof TorStatus]: TorStatus[K] };
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
