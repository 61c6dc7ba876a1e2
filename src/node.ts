/**
 * The life of a node: what starts and stops, in which order, and what it can be asked to do. Which parts it is made of
 * is in `node/parts.ts`, the only other file that knows them.
 *
 * Start: lock the data directory, unlock the store, open the inbox, start tor, publish the home onion (as soon as tor
 * takes commands, while it still bootstraps), then link with friends; the overlay, on a tor of its own, goes its own way
 * beside that. Stop: the same backwards. Whoever runs a node calls both; nothing starts by itself.
 */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  Announced,
  GotSlot,
  KithInit,
  NodeStatus,
  OverlayPeers,
  PutSlot,
  PutSlotOptions,
  SayOptions,
} from './node/face.ts';
import { removeHandleRows } from './node/rows.ts';
import { type Held, type NodeParts, type Secrets, type WholeInit, wireParts } from './node/parts.ts';
import { openPeopleDatabase, storeKeyOf } from './node/open-store.ts';
import { PeopleCalls } from './node/people-calls.ts';
import type { PeopleFace } from './node/people-face.ts';
import { type Said, say } from './node/say.ts';
import { tell } from './node/tell.ts';
import { getSlot, putSlot } from './node/slots.ts';
import { systemClock } from './safety/clock.ts';
import { systemDisk } from './safety/disk.ts';
import { KithError } from './safety/errors.ts';
import { silent } from './safety/log.ts';
import { systemRandom } from './safety/random.ts';
import { openDataDir, openSocketDir } from './store/data-dir.ts';
import { acquireLock, type DataDirLock } from './store/lock.ts';
import { checkBackupPlace, writeBackup } from './store/backup.ts';
import type { Database } from './store/database.ts';
import { seedOf } from './store/secrets.ts';
import type { TorStatus } from './transport-tor/tor/status.ts';
import type { OnionAddress } from './wire/onion.ts';

/** A running (or startable) node. Made by {@link createKith}. */
export class KithNode {
  /** Friends, chat, invites, profile. */
  readonly people: PeopleFace;
  readonly #whole: WholeInit;
  readonly #held: Held;
  readonly #parts: NodeParts;
  readonly #startedAt: number;
  readonly #life = new AbortController();
  #reachable = false;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  private constructor(whole: WholeInit, held: Held, parts: NodeParts) {
    this.#whole = whole;
    this.#held = held;
    this.#parts = parts;
    this.people = new PeopleCalls(parts.people);
    this.#startedAt = whole.clock.now();
  }

  /** Called by {@link createKith} with the locked directory. */
  static async create(whole: WholeInit, held: Held, secrets: Secrets): Promise<KithNode> {
    const parts = await wireParts(whole, held, secrets, (event) => tell(whole, event));
    return new KithNode(whole, held, parts);
  }

  /** This node's home onion at present. */
  get onion(): OnionAddress {
    return this.#parts.people.homes.current.onion;
  }

  /** Where its unix sockets are; a face puts its own beside them. */
  get socketDir(): string {
    return this.#held.sockets.path;
  }

  /**
   * Resolves when others can reach the onion. On failure everything started is stopped again. Once, and not after
   * {@link stop}: a new node takes a new {@link createKith}.
   */
  async start(signal?: AbortSignal): Promise<void> {
    const startedAt = this.#whole.clock.monotonic();
    this.#life.signal.throwIfAborted();
    const until = signal === undefined ? this.#life.signal : AbortSignal.any([signal, this.#life.signal]);
    this.#starting ??= this.#begin(until);
    try {
      await this.#starting;
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#reachable = true;
    const tookMs = Math.round(this.#whole.clock.monotonic() - startedAt);
    tell(this.#whole, { kind: 'reachable', onion: this.onion, tookMs });
  }

  /** Ends a start under way, then stops in reverse order; calling it again waits for the same stop. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  status(): NodeStatus {
    const tor = this.#parts.tor.status();
    return {
      state: tor.state === 'ready' && this.#reachable ? 'reachable' : shown(tor.state),
      onion: `${this.onion.host}.onion`,
      startedAt: new Date(this.#startedAt).toISOString(),
      tor: { ...tor },
      overlay: this.#parts.overlay.status(),
      people: this.#parts.people.stats(),
      pid: process.pid,
      rssBytes: process.memoryUsage.rss(),
    };
  }

  /** Says `content` to the node behind `onion`; resolves when it is on the other side's disk. */
  say(onion: OnionAddress, content: AsyncIterable<Uint8Array>, options: SayOptions = {}): Promise<Said> {
    const { channels } = this.#parts;
    const { clock, log, random } = this.#whole;
    const { seed } = this.#parts.people.homes.current;
    return say({ channels, seed, clock, random, log }, onion, content, options);
  }

  /** Writes everything that is to survive this machine into one file under a passphrase. Throws DiskError, StoreError. */
  async backup(path: string, passphrase: string): Promise<{ readonly rows: number }> {
    const { clock, disk, random } = this.#whole;
    const { signal } = this.#life;
    await checkBackupPlace(path, this.#held.dir.root);
    return writeBackup({ database: this.#held.database, path, passphrase, clock, disk, random, signal });
  }

  /** Whom this node knows in the overlay. */
  peers(): OverlayPeers {
    return this.#parts.overlay.peers();
  }

  /** Enters the overlay through this public node too, and remembers it. Throws DhtError PEER_UNREACHABLE. */
  addPeer(onion: OnionAddress, signal: AbortSignal): Promise<void> {
    return this.#parts.overlay.addPeer(onion, signal);
  }

  /** Leaves `content` in the DHT for whoever gets the reference. Throws DhtError. */
  putSlot(content: Uint8Array, options: PutSlotOptions = {}): Promise<PutSlot> {
    return putSlot(this.#parts.overlay.scouts, this.#whole.clock, content, this.#whileRunning(options));
  }

  /** Fetches what a reference names. Throws DhtError, or MalformedError where it is none. */
  getSlot(reference: string, options: { readonly signal?: AbortSignal } = {}): Promise<GotSlot> {
    return getSlot(this.#parts.overlay.scouts, reference, this.#whileRunning(options).signal);
  }

  /** Calls for each public node known in the overlay, then for each that announces itself. Returns how to end it. */
  onAnnounced(listener: (announced: Announced) => void): () => void {
    return this.#parts.overlay.onAnnounced(listener);
  }

  #whileRunning<T extends { readonly signal?: AbortSignal }>(options: T): T & { signal: AbortSignal } {
    const { signal: own } = this.#life;
    return {
      ...options,
      signal: options.signal === undefined ? own : AbortSignal.any([options.signal, own]),
    };
  }

  /** Settles when both parts have: the failure of one ends the other. */
  async #begin(signal: AbortSignal): Promise<void> {
    await this.#parts.inbox.open();
    const failed = new AbortController();
    const both = AbortSignal.any([signal, failed.signal]);
    this.#parts.overlay.start();
    await Promise.allSettled(
      [this.#parts.tor.start(both), this.#parts.people.start(both)].map(
        (part) => part.catch((error: unknown) => failed.abort(error)), // the first reason stays
      ),
    );
    both.throwIfAborted();
  }

  async #stop(): Promise<void> {
    this.#reachable = false;
    this.#life.abort(stopped());
    await this.#starting?.catch(() => {}); // told to whoever started
    const { files, overlay, people, tor } = this.#parts;
    const stopKnown = async (): Promise<void> => {
      try {
        await people.stop();
      } finally {
        await tor.stop();
      }
    };
    const parts = await Promise.allSettled([stopKnown(), overlay.stop()]);
    for (const file of files) file.close();
    this.#held.database.close();
    await this.#held.sockets.remove();
    await this.#held.lock.release();
    for (const part of parts) if (part.status === 'rejected') throw part.reason;
  }
}

function stopped(): KithError<'NODE_STOPPED'> {
  return new KithError('NODE_STOPPED', 'the node was stopped', {
    hint: 'Make another with createKith() to start again.',
  });
}

/**
 * Opens (or creates) the data directory, takes its lock and returns a node ready to {@link KithNode.start}.
 * Throws StoreError when another node runs there, DiskError when the directory cannot be used.
 */
export async function createKith(init: KithInit): Promise<KithNode> {
  const { clock = systemClock, disk = systemDisk, random = systemRandom, log = silent } = init;
  const dir = await openDataDir(init.dataDir, disk);
  const sockets = await openSocketDir(dir, disk);
  let lock: DataDirLock | undefined;
  let database: Database | undefined;
  try {
    lock = await acquireLock(
      dir,
      { pid: process.pid, startedAt: clock.now(), socketDir: sockets.path },
      disk,
    );
    // unix sockets and handles of a process that was killed; under the lock they are nobody's
    await rm(join(sockets.path, 'anonymous'), { recursive: true, force: true });
    await removeHandleRows(dir.overlay);
    const storeKey = await storeKeyOf(dir, { passphrase: init.passphrase, disk, random });
    database = await openPeopleDatabase(dir, storeKey, { disk, random });
    const publicSeed = init.role === 'public' ? seedOf(database, 'public', random) : null;
    const held = { dir, sockets, lock, database };
    return await KithNode.create({ ...init, clock, disk, random, log }, held, { storeKey, publicSeed });
  } catch (error) {
    database?.close();
    await lock?.release();
    await sockets.remove();
    throw error;
  }
}

function shown(state: TorStatus['state']): NodeStatus['state'] {
  return state === 'bootstrapping' || state === 'ready' ? 'starting' : state;
}
