/** The parts of a node and how they are handed to each other. Nothing here starts anything. */

import { join } from 'node:path';
import { peerOf } from '../dht/links.ts';
import { Channels } from '../net/channel.ts';
import { createPersona, type Persona } from '../net/persona/persona.ts';
import { Inbox } from '../say/inbox.ts';
import { SayReceiver } from '../say/receive.ts';
import type { DataDir, SocketDir } from '../store/data-dir.ts';
import type { DataDirLock } from '../store/lock.ts';
import { SealedDatastore } from '../store/datastore.ts';
import { SealedRows } from '../store/sealed-rows.ts';
import { OnionEndpoint } from '../transport-tor/endpoint.ts';
import { Tor, type TorInit } from '../transport-tor/tor/tor.ts';
import { SAY_PROTOCOL } from '../wire/say.ts';
import { HANDLE_EPOCHS } from './epochs.ts';
import type { KithEvent, KithInit } from './face.ts';
import type { Overlay } from './overlay.ts';
import { wireOverlay } from './overlay-parts.ts';
import { ENTRY_POINT_CAPS, openRows, PEER_CAPS, type RowsInit } from './rows.ts';
import { PersonaTor } from './persona-tor.ts';

export interface NodeParts {
  /** The tor of those who know this node. */
  readonly tor: Tor;
  /** Opens links to others as home. */
  readonly channels: Channels;
  /** The home onion: where others reach this node. */
  readonly endpoint: OnionEndpoint;
  /** libp2p on the home onion, beside the raw protocols. */
  readonly home: Persona;
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
}

/** What the data directory holds for the node to be itself. */
export interface Secrets {
  readonly homeSeed: Uint8Array;
  readonly storeKey: Uint8Array;
  /** Of a public node alone. */
  readonly publicSeed: Uint8Array | null;
}

export async function wireParts(
  init: WholeInit,
  { dir, sockets }: Held,
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
  const endpoint = new OnionEndpoint({
    seed: secrets.homeSeed,
    socketDir: join(sockets.path, 'known'),
    services: tor.services,
    log,
  });
  const inbox = new Inbox(dir.inbox, { disk, clock, random });
  const receiver = new SayReceiver({
    inbox,
    clock,
    onReceived: (received) => emit({ kind: 'received', received }),
    onRefused: (status, cause) => {
      log('warn', 'a message could not be kept', {
        status,
        reason: cause === undefined ? '' : String(cause),
      });
      emit({ kind: 'refused', status });
    },
  });
  endpoint.handle(SAY_PROTOCOL, receiver.receive);
  const files: SealedRows[] = [];
  const rows = async (name: string, caps: RowsInit['caps']): Promise<SealedRows> => {
    const opened = await openRows({ path: join(dir.overlay, name), key: secrets.storeKey, caps, log });
    files.push(opened);
    return opened;
  };
  try {
    const homePeers = await rows('home-peers.db', PEER_CAPS);
    const remembered = await rows('entry-points.db', ENTRY_POINT_CAPS);
    const home = await createPersona({
      seed: secrets.homeSeed,
      listen: true,
      transport: known.transport('home', { dialer, endpoint }),
      datastore: new SealedDatastore(homePeers),
      clock,
    });
    return {
      tor,
      channels: new Channels({ open: dialer.open, clock, random }),
      endpoint,
      home,
      inbox,
      overlay: wireOverlay({
        tor: torOf('anonymous', dir.torAnonymous),
        socketDir: join(sockets.path, 'anonymous'),
        dir: dir.overlay,
        publicSeed: secrets.publicSeed,
        storeKey: secrets.storeKey,
        remembered,
        entryPoints: init.entryPoints ?? [],
        avoid: [endpoint.onion],
        onArriving: (onion) => home.avoid(peerOf(onion)),
        epochs: init.epochs ?? HANDLE_EPOCHS,
        clock,
        random,
        log,
        onStatus: (status) => emit({ kind: 'overlay', status }),
      }),
      files,
    };
  } catch (error) {
    for (const file of files) file.close();
    throw error;
  }
}
