/** One run of our tor: the process, its control connection, and the way to its first circuit. */

import type { Clock } from '../../safety/clock.ts';
import type { RandomBytes } from '../../safety/random.ts';
import { type BootstrapStatus, parseBootstrap } from './bootstrap.ts';
import { ControlClient } from './control.ts';
import type { ControlReply } from './control-reply.ts';
import { type ControlError, TorError } from './errors.ts';
import { TorProcess } from './process.ts';

const EVENTS = ['STATUS_CLIENT', 'HS_DESC'];
/** A tor that dies closes its connection a moment before its exit is seen, ms. */
const EXIT_GRACE_MS = 500;
const PHASE = 'status/bootstrap-phase';

export interface SessionInit {
  readonly binary: string;
  readonly torrcPath: string;
  readonly controlPath: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly onLine: (line: string) => void;
  readonly onBootstrap: (status: BootstrapStatus) => void;
  readonly signal: AbortSignal;
}

export class TorSession {
  readonly process: TorProcess;
  readonly control: ControlClient;
  /** Resolves, never rejects, with the reason when the process or the connection is gone. */
  readonly lost: Promise<TorError | ControlError>;
  /** Resolves when tor can build circuits; stays open when the session is lost before. */
  readonly bootstrapped: Promise<void>;
  readonly #init: SessionInit;
  readonly #reached = Promise.withResolvers<void>();

  private constructor(torProcess: TorProcess, control: ControlClient, init: SessionInit) {
    this.process = torProcess;
    this.control = control;
    this.#init = init;
    this.bootstrapped = this.#reached.promise;
    this.lost = Promise.race([torProcess.exited.then(({ error }) => error), this.#controlLost(control)]);
  }

  /** Starts tor and authenticates. Throws TorError, ControlError or the signal's reason; then tor is gone. */
  static async open(init: SessionInit): Promise<TorSession> {
    const { binary, torrcPath, clock, random, onLine } = init;
    const torProcess = new TorProcess({ binary, torrcPath, clock, onLine });
    const ended = new AbortController();
    void torProcess.exited.then(({ error }) => ended.abort(error)); // never rejects
    try {
      const signal = AbortSignal.any([init.signal, ended.signal]);
      const control = await ControlClient.connect(init.controlPath, { clock, random, signal });
      const session = new TorSession(torProcess, control, init);
      await session.#follow(signal);
      return session;
    } catch (error) {
      torProcess.kill();
      const exit = await torProcess.exited;
      throw exit.signal === 'SIGKILL' ? error : exit.error;
    }
  }

  /** Ends tor and waits for it. */
  async close(): Promise<void> {
    await this.process.stop();
    this.control.close();
  }

  /** SIGKILL, for a tor that no longer listens. */
  async kill(): Promise<void> {
    this.process.kill();
    await this.process.exited;
    this.control.close();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    this.control.listen('STATUS_CLIENT', (event) => this.#progress(event, 'STATUS_CLIENT '));
    await this.control.command('SETEVENTS', EVENTS, { signal });
    // what happened before SETEVENTS
    this.#progress(await this.control.command('GETINFO', [PHASE], { signal }), `${PHASE}=`);
  }

  #progress(reply: ControlReply, prefix: string): void {
    for (const { text } of reply.lines) {
      const status = text.startsWith(prefix) ? parseBootstrap(text.slice(prefix.length)) : null;
      if (status === null) continue;
      this.#init.onBootstrap(status);
      if (status.progress === 100) this.#reached.resolve();
    }
  }

  /** A lost connection usually means that tor ended, and its exit tells more: give that a moment. */
  async #controlLost(control: ControlClient): Promise<TorError | ControlError> {
    const error = await control.closed;
    if (error.code !== 'CONTROL_LOST') return error;
    const exit = await Promise.race([
      this.process.exited,
      this.#init.clock.sleep(EXIT_GRACE_MS).then(() => null),
    ]);
    return exit === null ? error : exit.error;
  }
}
