/**
 * kith's own tor: started, watched, restarted, stopped; the class that everything else asks.
 *
 * The data directory (guards, cached directory) is kept between runs. It cannot tell a censored network from a
 * broken one: it shows what tor says.
 */

import { join, resolve } from 'node:path';
import { type Clock, systemClock } from '../../safety/clock.ts';
import { KithError } from '../../safety/errors.ts';
import { type Log, silent } from '../../safety/log.ts';
import { type RandomBytes, systemRandom } from '../../safety/random.ts';
import { OnionServices } from '../onion-services.ts';
import type { ControlClient } from './control.ts';
import { prepareDataDir } from './data-dir.ts';
import { TorError } from './errors.ts';
import { locateTor } from './locate.ts';
import { OWNER_FD } from './process.ts';
import { StatusBoard, type TorStatus } from './status.ts';
import { superviseTor } from './supervisor.ts';
import { clientTorrc } from './torrc.ts';
import { DEFAULT_WATCHDOG, type WatchdogLimits } from './watchdog.ts';

export interface TorInit {
  /** Made if missing; mode 0700. Of this tor alone, and kept between runs. */
  readonly dataDir: string;
  /** Where the SOCKS and control sockets lie, if `dataDir` is too long a path for them. Also made 0700. */
  readonly socketDir?: string;
  /** The tor program; default: found as locateTor does. */
  readonly binary?: string;
  /** Bridge lines; any switches bridges on. */
  readonly bridges?: readonly string[];
  /** ClientTransportPlugin lines. */
  readonly transports?: readonly string[];
  /** Further torrc lines, such as those of a test network. */
  readonly config?: readonly string[];
  readonly watchdog?: Partial<WatchdogLimits>;
  readonly clock?: Clock;
  readonly random?: RandomBytes;
  readonly log?: Log;
  readonly onStatus?: (status: TorStatus) => void;
}

interface Life {
  readonly abort: AbortController;
  /** Resolves, never rejects, when no tor is left. */
  readonly ended: Promise<void>;
}

export class Tor {
  readonly socksPath: string;
  readonly services: OnionServices;
  readonly #init: TorInit;
  readonly #clock: Clock;
  readonly #status = new StatusBoard();
  /** From start() to stop() or failure. */
  #life: Life | null = null;
  /** Of the tor that runs now; written by the supervisor alone. */
  #control: ControlClient | null = null;
  /** Why the state is 'failed'. */
  #failure: Error | null = null;

  constructor(init: TorInit) {
    this.#init = init;
    this.#clock = init.clock ?? systemClock;
    this.socksPath = join(this.#socketDir, 'socks');
    this.services = new OnionServices({
      control: () => this.#control,
      expected: () => this.#life !== null,
      clock: this.#clock,
      log: init.log ?? silent,
    });
    if (init.onStatus !== undefined) this.#status.listen(init.onStatus);
  }

  /**
   * Resolves when tor can build circuits. There is no time limit of its own: a slow network is no error. Throws
   * TorError (with the next step in `hint`) or the signal's reason; then no tor is left running.
   */
  async start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#life === null) {
      const abort = new AbortController();
      this.#failure = null;
      this.#status.reset();
      this.#status.set({ state: 'starting', summary: 'starting tor' });
      const ended = this.#run(abort.signal).catch((error: unknown) => {
        if (!abort.signal.aborted) this.#fail(error as Error);
      });
      this.#life = { abort, ended };
    }
    try {
      await this.ready(signal);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Ends tor and waits for it. After a failure the status keeps showing it. */
  async stop(): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    life.abort.abort(notReady());
    await life.ended;
    if (this.#life !== life) return;
    this.#life = null;
    this.#status.reset();
  }

  /** Resolves at once, or when tor is ready (again). Throws TOR_NOT_READY when it is stopped, or why it failed. */
  async ready(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const done = Promise.withResolvers<void>();
    const look = ({ state }: TorStatus): void => {
      if (state === 'ready') done.resolve();
      else if (state === 'failed' || state === 'stopped') done.reject(this.#failure ?? notReady());
    };
    const onAbort = (): void => done.reject(signal?.reason as Error);
    signal?.addEventListener('abort', onAbort);
    const unsubscribe = this.#status.listen(look);
    look(this.#status.current);
    try {
      await done.promise;
    } finally {
      unsubscribe();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  status(): TorStatus {
    return this.#status.current;
  }

  /** Calls `listener` at every change of the status until the returned function is called. */
  onStatus(listener: (status: TorStatus) => void): () => void {
    return this.#status.listen(listener);
  }

  /** The control connection of the tor that runs now. Throws TOR_NOT_READY between two. */
  control(): ControlClient {
    if (this.#control === null) throw this.#failure ?? notReady();
    return this.#control;
  }

  get #socketDir(): string {
    return resolve(this.#init.socketDir ?? this.#init.dataDir);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { bridges, transports, config, log = silent, random = systemRandom } = this.#init;
    const [dataDir, controlPath] = [resolve(this.#init.dataDir), join(this.#socketDir, 'control')];
    const { path: binary, version } = await locateTor({ binary: this.#init.binary, signal });
    const owner = { ownerPid: process.pid, ownerFd: OWNER_FD };
    const sockets = { socksPath: this.socksPath, controlPath };
    const torrc = clientTorrc({ dataDir, ...sockets, ...owner, bridges, transports, config });
    const torrcPath = await prepareDataDir(dataDir, this.#socketDir, torrc);
    this.#status.set({ version });
    await superviseTor(
      {
        binary,
        torrcPath,
        controlPath,
        watchdog: { ...DEFAULT_WATCHDOG, ...this.#init.watchdog },
        clock: this.#clock,
        random,
        log,
        status: this.#status,
        onControl: async (control) => {
          this.#control = control;
          if (control !== null) await this.services.restore(control);
        },
      },
      signal,
    );
  }

  #fail(error: Error): void {
    this.#life = null;
    this.#failure = error;
    const hint = error instanceof KithError ? ` ${error.hint}` : '';
    this.#status.set({ state: 'failed', cause: `${error.message}.${hint}` });
  }
}

function notReady(): TorError {
  return new TorError('TOR_NOT_READY', 'tor is not running', {
    hint: 'Start it, or wait until it is ready again.',
  });
}
