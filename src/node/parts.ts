/** The parts of a node and how they are handed to each other. Nothing here starts anything. */

import { Channels } from '../net/channel.ts';
import { Inbox } from '../say/inbox.ts';
import { SayReceiver } from '../say/receive.ts';
import type { DataDir, SocketDir } from '../store/data-dir.ts';
import { OnionDialer } from '../transport-tor/dialer.ts';
import { OnionEndpoint } from '../transport-tor/endpoint.ts';
import { Tor } from '../transport-tor/tor/tor.ts';
import { SAY_PROTOCOL } from '../wire/say.ts';
import type { KithEvent, KithInit } from './face.ts';

export interface NodeParts {
  readonly tor: Tor;
  /** Opens links to others. */
  readonly channels: Channels;
  /** The home onion: where others reach this node. */
  readonly endpoint: OnionEndpoint;
  readonly inbox: Inbox;
}

/** `init` with every default filled in. */
export type WholeInit = KithInit & Required<Pick<KithInit, 'clock' | 'disk' | 'random' | 'log'>>;

export function wireParts(
  init: WholeInit,
  dir: DataDir,
  sockets: SocketDir,
  seed: Uint8Array,
  emit: (event: KithEvent) => void,
): NodeParts {
  const { clock, disk, random, log } = init;
  const inbox = new Inbox(dir.inbox, { disk, clock, random });
  const tor = new Tor({
    ...init.tor,
    dataDir: dir.tor,
    socketDir: sockets.path,
    clock,
    random,
    log,
    onStatus: (status) => emit({ kind: 'tor', status }),
  });
  const dialer = new OnionDialer({
    socksPath: () => tor.socksPath,
    secret: random(32),
    clock,
    log,
    ready: (signal) => tor.ready(signal),
    refresh: (host, signal) => tor.services.refresh(host, signal),
  });
  const endpoint = new OnionEndpoint({ seed, socketDir: sockets.path, services: tor.services, log });
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
  return { tor, channels: new Channels({ open: dialer.open, clock, random }), endpoint, inbox };
}
