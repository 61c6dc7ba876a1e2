/**
 * The composition root: the one place that knows which parts a node is made of and in which order they start.
 *
 * Start: lock the data directory, open the inbox, start tor, publish the home onion (as soon as tor takes commands,
 * while it still bootstraps). Stop: the same backwards. Whoever runs a node calls both; nothing starts by itself.
 */

import type { KithEvent, NodeStatus, SayOptions } from './node/face.ts';
import { Channels } from './net/channel.ts';
import { linkIdentity } from './net/link-identity.ts';
import { toHex } from './safety/bytes.ts';
import { type Clock, systemClock } from './safety/clock.ts';
import { type Disk, systemDisk } from './safety/disk.ts';
import { type Log, silent } from './safety/log.ts';
import { type RandomBytes, systemRandom } from './safety/random.ts';
import { connectPatiently } from './say/connect.ts';
import { Inbox } from './say/inbox.ts';
import { SayReceiver } from './say/receive.ts';
import { type Delivered, sendSay } from './say/send.ts';
import { type DataDir, openDataDir, openSocketDir, type SocketDir } from './store/data-dir.ts';
import { createHomeSeed, readHomeSeed } from './store/home-seed.ts';
import { acquireLock, type DataDirLock } from './store/lock.ts';
import { OnionDialer } from './transport-tor/dialer.ts';
import { OnionEndpoint } from './transport-tor/endpoint.ts';
import { Tor, type TorInit } from './transport-tor/tor/tor.ts';
import { OnionServiceError } from './transport-tor/tor/errors.ts';
import type { TorStatus } from './transport-tor/tor/status.ts';
import type { OnionAddress } from './wire/onion.ts';
import { SAY_PROTOCOL } from './wire/say.ts';

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

/** A running (or startable) node. Made by {@link createKith}. */
export class KithNode {
  readonly #init: KithInit;
  readonly #sockets: SocketDir;
  readonly #lock: DataDirLock;
  readonly #seed: Uint8Array;
  readonly #tor: Tor;
  readonly #channels: Channels;
  readonly #endpoint: OnionEndpoint;
  readonly #inbox: Inbox;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #startedAt: number;
  #reachable = false;
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
    this.#inbox = new Inbox(dir.inbox, { disk, clock, random });
    this.#tor = new Tor({
      ...init.tor,
      dataDir: dir.tor,
      socketDir: sockets.path,
      clock,
      random,
      log,
      onStatus: (status) => this.#emit({ kind: 'tor', status }),
    });
    const dialer = new OnionDialer({
      socksPath: () => this.#tor.socksPath,
      secret: random(32),
      clock,
      log,
      ready: (signal) => this.#tor.ready(signal),
      refresh: (host, signal) => this.#tor.services.refresh(host, signal),
    });
    this.#channels = new Channels({ open: dialer.open, clock, random });
    this.#endpoint = new OnionEndpoint({ seed, socketDir: sockets.path, services: this.#tor.services, log });
    const receiver = new SayReceiver({
      inbox: this.#inbox,
      clock,
      onReceived: (received) => this.#emit({ kind: 'received', received }),
      onRefused: (status, cause) => {
        log('warn', 'a message could not be kept', {
          status,
          reason: cause === undefined ? '' : String(cause),
        });
        this.#emit({ kind: 'refused', status });
      },
    });
    this.#endpoint.handle(SAY_PROTOCOL, receiver.receive);
  }

  /** This node's home onion. */
  get onion(): OnionAddress {
    return this.#endpoint.onion;
  }

  /** Where its unix sockets are; a face puts its own beside them. */
  get socketDir(): string {
    return this.#sockets.path;
  }

  /** Resolves when others can reach the onion. On failure everything started is stopped again. */
  async start(signal?: AbortSignal): Promise<void> {
    const startedAt = this.#clock.monotonic();
    try {
      await this.#inbox.open();
      await Promise.all([this.#tor.start(signal), this.#publish(signal)]);
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

  /** Stops in reverse order; calling it again waits for the same stop. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  status(): NodeStatus {
    const tor = this.#tor.status();
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
      this.#channels.dial(onion, {
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
        return await this.#endpoint.start(signal);
      } catch (error) {
        const early = this.#tor.status().state !== 'ready' && this.#stopping === undefined;
        if (!(early && error instanceof OnionServiceError && error.code === 'ONION_NOT_UPLOADED'))
          throw error;
      }
    }
  }

  async #stop(): Promise<void> {
    this.#reachable = false;
    await this.#endpoint.stop();
    await this.#tor.stop();
    await this.#sockets.remove();
    await this.#lock.release();
  }

  #emit(event: KithEvent): void {
    this.#init.onEvent?.(event);
  }
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
