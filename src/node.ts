/**
 * The life of a node: what starts and stops, in which order, and what it can be asked to do. Which parts it is made of
 * is in `node/parts.ts`, the only other file that knows them.
 *
 * Start: lock the data directory, open the inbox, start tor, publish the home onion (as soon as tor takes commands,
 * while it still bootstraps). Stop: the same backwards. Whoever runs a node calls both; nothing starts by itself.
 */

import type { KithEvent, KithInit, NodeStatus, SayOptions } from './node/face.ts';
import { type NodeParts, wireParts } from './node/parts.ts';
import { linkIdentity } from './net/link-identity.ts';
import { toHex } from './safety/bytes.ts';
import { type Clock, systemClock } from './safety/clock.ts';
import { systemDisk } from './safety/disk.ts';
import { KithError } from './safety/errors.ts';
import { type Log, silent } from './safety/log.ts';
import { systemRandom } from './safety/random.ts';
import { connectPatiently } from './say/connect.ts';
import { type Delivered, sendSay } from './say/send.ts';
import { type DataDir, openDataDir, openSocketDir, type SocketDir } from './store/data-dir.ts';
import { createHomeSeed, readHomeSeed } from './store/home-seed.ts';
import { acquireLock, type DataDirLock } from './store/lock.ts';
import { OnionServiceError } from './transport-tor/tor/errors.ts';
import type { TorStatus } from './transport-tor/tor/status.ts';
import type { OnionAddress } from './wire/onion.ts';
import { SAY_PROTOCOL } from './wire/say.ts';

/** A running (or startable) node. Made by {@link createKith}. */
export class KithNode {
  readonly #init: KithInit;
  readonly #sockets: SocketDir;
  readonly #lock: DataDirLock;
  readonly #seed: Uint8Array;
  readonly #parts: NodeParts;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #startedAt: number;
  readonly #life = new AbortController();
  #reachable = false;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  /** Called by {@link createKith} with the locked directory. */
  constructor(init: KithInit, dir: DataDir, sockets: SocketDir, lock: DataDirLock, seed: Uint8Array) {
    const { clock = systemClock, disk = systemDisk, random = systemRandom, log = silent } = init;
    this.#init = init;
    this.#sockets = sockets;
    this.#lock = lock;
    this.#seed = seed;
    this.#clock = clock;
    this.#log = log;
    this.#startedAt = clock.now();
    this.#parts = wireParts({ ...init, clock, disk, random, log }, dir, sockets, seed, (event) =>
      this.#emit(event),
    );
  }

  /** This node's home onion. */
  get onion(): OnionAddress {
    return this.#parts.endpoint.onion;
  }

  /** Where its unix sockets are; a face puts its own beside them. */
  get socketDir(): string {
    return this.#sockets.path;
  }

  /**
   * Resolves when others can reach the onion. On failure everything started is stopped again. Once, and not after
   * {@link stop}: a new node takes a new {@link createKith}.
   */
  async start(signal?: AbortSignal): Promise<void> {
    const startedAt = this.#clock.monotonic();
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
    this.#emit({
      kind: 'reachable',
      onion: this.onion,
      tookMs: Math.round(this.#clock.monotonic() - startedAt),
    });
  }

  /** Ends a start under way, then stops in reverse order; calling it again waits for the same stop. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  status(): NodeStatus {
    const tor = this.#parts.tor.status();
    return {
      state:
        this.#reachable && tor.state === 'ready'
          ? 'reachable'
          : tor.state === 'ready'
            ? 'starting'
            : shown(tor.state),
      onion: `${this.onion.host}.onion`,
      startedAt: new Date(this.#startedAt).toISOString(),
      tor: { ...tor },
      pid: process.pid,
      rssBytes: process.memoryUsage.rss(),
    };
  }

  /** Says `content` to the node behind `onion`; resolves when it is on the other side's disk. */
  async say(
    onion: OnionAddress,
    content: AsyncIterable<Uint8Array>,
    { anonymous = false, signal, onConnected, onRetry }: SayOptions = {},
  ): Promise<Delivered & { readonly tookMs: number }> {
    const startedAt = this.#clock.monotonic();
    const random = this.#init.random ?? systemRandom;
    const waiting = { clock: this.#clock, ...(signal === undefined ? {} : { signal }) };
    const identity = {
      as: linkIdentity(anonymous ? random(32) : this.#seed),
      purpose: anonymous ? 'say-anonymous' : 'say',
      isolation: anonymous ? toHex(random(16)) : 'home',
    };
    const dial = () =>
      this.#parts.channels.dial(onion, {
        ...identity,
        protocol: SAY_PROTOCOL,
        urgent: true,
        ...(signal === undefined ? {} : { signal }),
      });
    const channel = await connectPatiently(dial, {
      ...waiting,
      onRetry: (cause) => {
        this.#log('info', 'dial failed, trying again', { code: cause.code });
        onRetry?.(cause);
      },
    });
    onConnected?.();
    const delivered = await sendSay(channel, content, waiting);
    return { ...delivered, tookMs: Math.round(this.#clock.monotonic() - startedAt) };
  }

  /** Waits out a slow bootstrap: until tor is ready, no directory can take the descriptor. */
  async #publish(signal?: AbortSignal): Promise<void> {
    for (;;) {
      try {
        return await this.#parts.endpoint.start(signal);
      } catch (error) {
        const early = this.#parts.tor.status().state !== 'ready' && this.#stopping === undefined;
        if (!(early && error instanceof OnionServiceError && error.code === 'ONION_NOT_UPLOADED'))
          throw error;
      }
    }
  }

  /** Settles when both parts have: the failure of one ends the other. */
  async #begin(signal: AbortSignal): Promise<void> {
    await this.#parts.inbox.open();
    const failed = new AbortController();
    const both = AbortSignal.any([signal, failed.signal]);
    await Promise.allSettled(
      [this.#parts.tor.start(both), this.#publish(both)].map(
        (part) => part.catch((error: unknown) => failed.abort(error)), // the first reason stays
      ),
    );
    both.throwIfAborted();
  }

  async #stop(): Promise<void> {
    this.#reachable = false;
    this.#life.abort(stopped());
    await this.#starting?.catch(() => {}); // told to whoever started
    try {
      await this.#parts.endpoint.stop();
    } finally {
      try {
        await this.#parts.tor.stop();
      } finally {
        await this.#sockets.remove();
        await this.#lock.release();
      }
    }
  }

  #emit(event: KithEvent): void {
    try {
      this.#init.onEvent?.(event);
    } catch (error) {
      this.#log('error', 'the listener for events failed', { event: event.kind, reason: String(error) });
    }
  }
}

function stopped(): KithError<'NODE_STOPPED'> {
  return new KithError('NODE_STOPPED', 'the node was stopped', {
    hint: 'Make another with createKith() to start again.',
  });
}

function shown(state: TorStatus['state']): NodeStatus['state'] {
  return state === 'bootstrapping' || state === 'ready' ? 'starting' : state;
}

/**
 * Opens (or creates) the data directory, takes its lock and returns a node ready to {@link KithNode.start}.
 * Throws StoreError when another node runs there, DiskError when the directory cannot be used.
 */
export async function createKith(init: KithInit): Promise<KithNode> {
  const { clock = systemClock, disk = systemDisk, random = systemRandom } = init;
  const dir = await openDataDir(init.dataDir, disk);
  const sockets = await openSocketDir(dir, disk);
  let lock: DataDirLock | undefined;
  try {
    lock = await acquireLock(
      dir,
      { pid: process.pid, startedAt: clock.now(), socketDir: sockets.path },
      disk,
    );
    const seed = (await readHomeSeed(dir)) ?? (await createHomeSeed(dir, disk, random));
    return new KithNode(init, dir, sockets, lock, seed);
  } catch (error) {
    await lock?.release();
    await sockets.remove();
    throw error;
  }
}
