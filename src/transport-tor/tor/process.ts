/**
 * One run of the tor program: start, log, end.
 *
 * tor gets one end of a socket pair as its owning controller connection (`__OwningControllerFD`, control-spec
 * 3.23 and tor's `tor_api.h`), so it exits by itself the moment this process dies, however it dies: no tor
 * outlives its owner and holds the data directory. That connection is already authenticated. The process is
 * only ever signalled through its own handle, and never again once its exit was seen.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Duplex, Readable } from 'node:stream';
import { type Clock, systemClock } from '../../safety/clock.ts';
import { exitError } from './exit-cause.ts';
import { scrub, type TorError } from './errors.ts';
import { LOG_TAIL_LINES, MAX_LOG_LINE_CHARS, TERMINATE_GRACE_MS } from './limits.ts';

/** The descriptor number that {@link TorProcess} gives tor; goes into `__OwningControllerFD`. */
export const OWNER_FD = 3;

export interface TorProcessInit {
  readonly binary: string;
  /** Path of the configuration; it must name {@link OWNER_FD} as `__OwningControllerFD`. */
  readonly torrcPath: string;
  readonly clock?: Clock | undefined;
  /** Gets every log line of tor, addresses and fingerprints scrubbed. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** How a run ended. `error` names the cause as far as the log tells. */
export interface TorExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error: TorError;
}

export class TorProcess {
  /** Undefined when the program could not be started at all; `exited` tells why. */
  readonly pid: number | undefined;
  /** Our end of the owning controller connection. Destroying it ends tor. */
  readonly owner: Duplex;
  /** Resolves, never rejects, once the process is gone and its log is read. */
  readonly exited: Promise<TorExit>;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #tail: string[] = [];
  #gone = false;

  constructor(init: TorProcessInit) {
    this.#clock = init.clock ?? systemClock;
    // an empty defaults file: the system's must not add ports or directories to ours
    const args = ['--defaults-torrc', '/dev/null', '-f', init.torrcPath];
    const child = spawn(init.binary, args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    this.#child = child;
    this.pid = child.pid;
    this.owner = child.stdio[OWNER_FD] as unknown as Duplex;
    this.owner.on('error', () => {}); // a reset only says what `exited` tells better
    this.#read(child.stdout as Readable, init.onLine);
    this.#read(child.stderr as Readable, init.onLine);
    this.exited = new Promise((resolve) => {
      let failure: Error | undefined;
      child.on('error', (error) => {
        failure = error;
        if (child.pid === undefined) this.#ended(resolve, null, null, failure);
      });
      child.on('exit', () => {
        this.#gone = true;
      });
      child.on('close', (code, signal) => this.#ended(resolve, code, signal, failure));
    });
  }

  /** Ends tor: SIGTERM, then SIGKILL after `graceMs` (milliseconds, default 3 s). Resolves when it is gone. */
  async stop(graceMs: number = TERMINATE_GRACE_MS): Promise<TorExit> {
    const done = new AbortController();
    this.#signal('SIGTERM');
    this.#clock.sleep(graceMs, done.signal).then(
      () => this.kill(),
      () => {}, // it ended in time
    );
    try {
      return await this.exited;
    } finally {
      done.abort();
    }
  }

  /** SIGKILL, which also ends a stopped process. */
  kill(): void {
    this.#signal('SIGKILL');
  }

  #signal(name: NodeJS.Signals): void {
    if (!this.#gone) this.#child.kill(name);
  }

  #read(stream: Readable, onLine: ((line: string) => void) | undefined): void {
    stream.on('error', () => {}); // the log ends with the process
    createInterface({ input: stream }).on('line', (raw) => {
      const line = scrub(raw.slice(0, MAX_LOG_LINE_CHARS));
      this.#tail.push(line);
      if (this.#tail.length > LOG_TAIL_LINES) this.#tail.shift();
      onLine?.(line);
    });
  }

  #ended(
    resolve: (exit: TorExit) => void,
    code: number | null,
    signal: NodeJS.Signals | null,
    failure: Error | undefined,
  ): void {
    this.#gone = true;
    this.owner.destroy();
    resolve({ code, signal, error: exitError({ code, signal, lines: this.#tail, failure }) });
  }
}
