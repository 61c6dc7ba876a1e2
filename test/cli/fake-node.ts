/** A node for the command line to talk to: the real socket, lock and methods before a face that answers at once. */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DhtError } from '../../src/dht/errors.ts';
import { encodeSlotReference } from '../../src/dht/sealed-slot.ts';
import { LOCAL_SOCKET } from '../../src/local/json-rpc.ts';
import { type NodeFace, nodeMethods } from '../../src/local/methods.ts';
import { RpcServer } from '../../src/local/server.ts';
import { ChannelError } from '../../src/net/errors.ts';
import { SocksError } from '../../src/transport-tor/errors.ts';
import type { OverlayStatus } from '../../src/node/face.ts';
import { systemDisk } from '../../src/safety/disk.ts';
import { openDataDir, openSocketDir } from '../../src/store/data-dir.ts';
import { acquireLock } from '../../src/store/lock.ts';
import { onionOf } from '../../src/wire/onion.ts';
import { FakePeople } from '../local/fake-people.ts';

/** `<56 characters>.onion`, a different one for each number. */
function onionNumber(number: number): string {
  return `${onionOf(new Uint8Array(32).fill(number)).host}.onion`;
}

/** Bytes that the fake keeps; asking for them tells of a conflict. */
export const CONFLICT = 'said twice';

/** Whom adding takes until the client goes. */
export const SLOW = onionNumber(9);

const OVERLAY: OverlayStatus = {
  state: 'joined',
  role: 'ordinary',
  onion: onionNumber(2),
  epoch: 20_000,
  changing: false,
  peers: 3,
  slots: 0,
  entryPoints: 1,
  cause: null,
};

/** Where a fake stands in the overlay, by name; each with `peers` in its table and `entryPoints` to enter through. */
export const STANDINGS: Readonly<Record<string, OverlayStatus>> = {
  ordinary: OVERLAY,
  public: { ...OVERLAY, role: 'public', peers: 1, entryPoints: 0 },
  first: { ...OVERLAY, state: 'alone', role: 'public', peers: 0, entryPoints: 0 },
  alone: { ...OVERLAY, state: 'alone', peers: 0, entryPoints: 0 },
  failed: {
    ...OVERLAY,
    state: 'failed',
    onion: null,
    peers: 0,
    cause: 'its tor cannot be started. Run `kith doctor`.',
  },
};

function face(overlay: OverlayStatus): NodeFace {
  const slots = new Map<string, Uint8Array>();
  return {
    status: () => ({
      state: 'reachable',
      onion: onionNumber(1),
      startedAt: new Date(Date.now() - 5000).toISOString(),
      tor: { state: 'ready', progress: 100, summary: 'Done', restarts: 0 },
      overlay,
      people: { friends: 1, requests: 1, links: 1, waiting: 2, bytes: { sent: 0, received: 0 } },
      pid: process.pid,
      rssBytes: 90e6,
    }),
    peers: () => ({
      peers: Array.from({ length: overlay.peers }, (_, at) => onionNumber(10 + at)),
      entryPoints: Array.from({ length: overlay.entryPoints }, (_, at) => ({
        onion: onionNumber(20 + at),
        source: 'config',
        reachedAtMs: null,
      })),
    }),
    addPeer: async ({ host }, signal) => {
      if (`${host}.onion` !== SLOW) throw new DhtError('NOT_AN_ENTRY');
      await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    },
    putSlot: async (content) => {
      const reference = encodeSlotReference({ pk: randomBytes(32), key: randomBytes(32) });
      slots.set(reference, content);
      return { reference, expiry: 1_800_000_000, holders: slots.size === 1 ? 1 : 4, tookMs: 3000 };
    },
    getSlot: async (reference) => {
      const content = slots.get(reference);
      if (content === undefined) throw new DhtError('NOT_FOUND');
      const conflicts = Buffer.from(content).toString() === CONFLICT ? 1 : 0;
      return { content, expiry: 1_800_000_000, answers: 2, conflicts, tookMs: 3000 };
    },
    onAnnounced: () => () => {},
    backup: async () => ({ rows: 3 }),
    say: async ({ host }) => {
      if (host.startsWith('facebook')) throw SocksError.ofReply(0xf4); // as the home of friends answers
      throw new ChannelError('PROTOCOL_UNKNOWN'); // as an overlay address answers
    },
  };
}

export interface FakeNode {
  /** Whom it knows. */
  readonly people: FakePeople;
  /** Resolves when the next client has connected. */
  client(): Promise<void>;
  stop(): Promise<void>;
}

/** Runs in the data directory `path` until stopped. */
export async function fakeNode(path: string, overlay: OverlayStatus = OVERLAY): Promise<FakeNode> {
  const dir = await openDataDir(path, systemDisk);
  const sockets = await openSocketDir(dir, systemDisk);
  const holder = { pid: process.pid, startedAt: Date.now(), socketDir: sockets.path };
  const lock = await acquireLock(dir, holder, systemDisk);
  const people = new FakePeople();
  const methods = nodeMethods(face(overlay), people);
  let connected = (): void => {};
  const server = new RpcServer({
    path: join(sockets.path, LOCAL_SOCKET),
    methods: (session) => {
      connected();
      return methods(session);
    },
  });
  await server.start();
  return {
    people,
    client: () =>
      new Promise((resolve) => {
        connected = resolve;
      }),
    stop: async () => {
      await server.stop();
      await lock.release();
      await sockets.remove();
    },
  };
}
