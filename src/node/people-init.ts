/** What the people of a node are made of, and what they are in numbers. */

import type { ChannelHandler } from '../net/acceptor.ts';
import type { Clock } from '../safety/clock.ts';
import type { Log } from '../safety/log.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { Database } from '../store/database.ts';
import type { SealedRows } from '../store/sealed-rows.ts';
import type { OnionDialer } from '../transport-tor/dialer.ts';
import type { TorHost } from '../transport-tor/options.ts';
import type { OnionAuthorizer } from './client-keys.ts';
import type { PersonaTor } from './persona-tor.ts';
import type { Dials } from './timed-dials.ts';

export interface PeopleInit {
  readonly database: Database;
  readonly tor: Pick<TorHost, 'ready' | 'status'> & {
    readonly services: TorHost['services'] & OnionAuthorizer;
  };
  readonly known: PersonaTor;
  readonly dialer: OnionDialer;
  readonly channels: Dials;
  /** Short directory for the unix sockets of onions. */
  readonly socketDir: string;
  /** libp2p's peer store of home. */
  readonly homePeers: SealedRows;
  /** Whether anybody who knows the home onion may connect. */
  readonly open: boolean;
  /** Raw protocols on home beside that of friends. */
  readonly handlers: ReadonlyMap<string, ChannelHandler>;
  /** Onion keys of DHT entry points for invites. */
  readonly entryPoints: () => readonly Uint8Array[];
  /** An invite named these (32 bytes each). */
  readonly onEntryPoints: (onionKeys: readonly Uint8Array[]) => void;
  /** A friend has a content on disk that was saved here so long ago, ms. */
  readonly onDelivered: (tookMs: number) => void;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
}

/** What there is of people, without a name. */
export interface PeopleStats {
  readonly friends: number;
  /** Who asks to be one. */
  readonly requests: number;
  /** Links to friends that are open. */
  readonly links: number;
  /** Contents that wait for somebody. */
  readonly waiting: number;
  /** On links, since the start. */
  readonly bytes: { readonly sent: number; readonly received: number };
}
