/** The parts of a node and how they are handed to each other. Nothing here starts anything. */

import { join } from 'node:path';
import { peerOf } from '../dht/links.ts';
import type { ChannelHandler } from '../net/acceptor.ts';
import { Channels } from '../net/channel.ts';
import { Inbox } from '../say/inbox.ts';
import { SayReceiver } from '../say/receive.ts';
import type { DataDir, SocketDir } from '../store/data-dir.ts';
import type { DataDirLock } from '../store/lock.ts';
import type { Database } from '../store/database.ts';
import { SealedRows } from '../store/sealed-rows.ts';
import { Tor, type TorInit } from '../transport-tor/tor/tor.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import { onionOf } from '../wire/onion.ts';
import { SAY_PROTOCOL } from '../wire/say.ts';
import { HANDLE_EPOCHS } from './epochs.ts';
import type { KithEvent, KithInit } from './face.ts';
import { reasonOf } from './failures.ts';
import type { Overlay } from './overlay.ts';
import { wireOverlay } from './overlay-parts.ts';
import { People } from './people.ts';
import { timedDials } from './timed-dials.ts';
import { ENTRY_POINT_CAPS, openRows, PEER_CAPS, type RowsInit } from './rows.ts';
import { MAX_INVITE_ENTRY_POINTS } from '../wire/invite.ts';
import { HomeRows } from './home-rows.ts';
import { PersonaTor } from './persona-tor.ts';

export interface NodeParts {
  /** The tor of those who know this node. */
  readonly tor: Tor;
  /** Opens links to others as home. */
  readonly channels: Channels;
  /** Friends and what is said with them, and the home onions where they reach this node. */
  readonly people: People;
  readonly inbox: Inbox;
  readonly overlay: Overlay;
  /** Sealed files that are open as long as the node is. */
  readonly files: readonly SealedRows[];
}

/** `init` with every default filled in. */
export type WholeInit = KithInit & Required<Pick<KithInit, 'clock' | 'disk' | 'random' | 'log'>>;

/** What a node holds while it exists, and gives back when it stops. */
export interface Held {
  readonly dir: DataDir;
  readonly sockets: SocketDir;
  readonly lock: DataDirLock;
  /** Everything durable about people; closed last. */
  readonly database: Database;
}

/** What the data directory holds for the node to be itself. */
export interface Secrets {
  readonly storeKey: Uint8Array;
  /** Of a public node alone. */
  readonly publicSeed: Uint8Array | null;
}

export async function wireParts(
  init: WholeInit,
  { dir, sockets, database }: Held,
  secrets: Secrets,
  emit: (event: KithEvent) => void,
): Promise<NodeParts> {
  const { clock, disk, random, log } = init;
  const torOf = (name: string, dataDir: string, onStatus?: TorInit['onStatus']): Tor =>
    new Tor({
      ...init.tor,
      dataDir,
      socketDir: join(sockets.path, name),
      clock,
      random,
      log,
      ...(onStatus === undefined ? {} : { onStatus }),
    });
  const tor = torOf('known', dir.torKnown, (status) => emit({ kind: 'tor', status }));
  const known = new PersonaTor({ host: tor, socketDir: join(sockets.path, 'known'), clock, random, log });
  const dialer = known.dialer();
  const channels = new Channels({ open: dialer.open, clock, random });
  const inbox = new Inbox(dir.inbox, { disk, clock, random });
  const receiver = new SayReceiver({
    inbox,
    clock,
    onReceived: (received) => emit({ kind: 'received', received }),
    onRefused: (status, cause) => {
      log('warn', 'a message could not be kept', {
        status,
        reason: cause === undefined ? '' : reasonOf(cause),
      });
      emit({ kind: 'refused', status });
    },
  });
  // a home of friends has nothing for others: tor lets an ex-friend in for a moment longer
  const handlers = new Map<string, ChannelHandler>(
    init.home === 'open' ? [[SAY_PROTOCOL, receiver.receive]] : [],
  );
  const files: SealedRows[] = [];
  const rows = async (name: string, caps: RowsInit['caps']): Promise<SealedRows> => {
    const opened = await openRows({ path: join(dir.overlay, name), key: secrets.storeKey, caps, log });
    files.push(opened);
    return opened;
  };
  try {
    const homePeers = await rows('home-peers.db', PEER_CAPS);
    const remembered = await rows('entry-points.db', ENTRY_POINT_CAPS);
    const overlay = wireOverlay({
      tor: torOf('anonymous', dir.torAnonymous),
      socketDir: join(sockets.path, 'anonymous'),
      dir: dir.overlay,
      publicSeed: secrets.publicSeed,
      storeKey: secrets.storeKey,
      remembered,
      entryPoints: init.entryPoints ?? [],
      avoid: [onionOf(new HomeRows(database, nodeProvider).currentKey(random))],
      onArriving: (onion) => people.homes.persona.avoid(peerOf(onion)),
      epochs: init.epochs ?? HANDLE_EPOCHS,
      clock,
      random,
      log,
      onStatus: (status) => emit({ kind: 'overlay', status }),
    });
    const people = await People.open({
      database,
      tor,
      known,
      dialer,
      channels: timedDials(channels, clock, (result, tookMs) => emit({ kind: 'dialed', result, tookMs })),
      onDelivered: (tookMs) => emit({ kind: 'delivered', tookMs }),
      socketDir: join(sockets.path, 'known'),
      homePeers,
      open: init.home === 'open',
      handlers,
      entryPoints: () => overlay.entryPointKeys(MAX_INVITE_ENTRY_POINTS),
      onEntryPoints: (keys) => overlay.suggest(keys.map((key) => onionOf(key))),
      clock,
      random,
      log,
    });
    return { tor, channels, people, inbox, overlay, files };
  } catch (error) {
    for (const file of files) file.close();
    throw error;
  }
}
