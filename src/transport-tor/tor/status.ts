/** What is known about our tor at a moment, for people and programs. */

import type { BootstrapStatus } from './bootstrap.ts';

export interface TorStatus {
  readonly state: 'stopped' | 'starting' | 'bootstrapping' | 'ready' | 'restarting' | 'failed';
  /** Bootstrap progress, 0 to 100. */
  readonly progress: number;
  /** One phrase, such as "Loading relay descriptors". */
  readonly summary: string;
  /** Why it is not getting on, or why the last run ended; absent while all is well. */
  readonly cause?: string;
  readonly pid?: number;
  /** Restarts since start(). */
  readonly restarts: number;
  readonly version?: string;
}

const STOPPED: TorStatus = { state: 'stopped', progress: 0, summary: 'not started', restarts: 0 };

/** Holds the one current status; only the owner of tor writes it. */
export class StatusBoard {
  #current: TorStatus = STOPPED;
  readonly #listeners = new Set<(status: TorStatus) => void>();

  get current(): TorStatus {
    return this.#current;
  }

  /** Calls `listener` at every change until the returned function is called. */
  listen(listener: (status: TorStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Back to "stopped" with nothing known. */
  reset(): void {
    this.#replace(STOPPED);
  }

  /** Changes the given fields. A `cause` stays only if it is given: each state has its own. */
  set(change: Partial<TorStatus>): void {
    const { cause: _, ...rest } = this.#current;
    this.#replace({ ...rest, ...change });
  }

  /** A run has ended: nothing of its process or progress stays. */
  restarting(cause: string): void {
    const { pid: _, ...rest } = this.#current;
    const { restarts } = rest;
    this.#replace({
      ...rest,
      state: 'restarting',
      progress: 0,
      summary: 'restarting tor',
      cause,
      restarts: restarts + 1,
    });
  }

  /** Shows bootstrap progress; once ready, later reports only repeat "done". */
  bootstrap({ progress, summary, cause }: BootstrapStatus): void {
    if (this.#current.state === 'ready') return;
    this.set({ state: 'bootstrapping', progress, summary, ...(cause === undefined ? {} : { cause }) });
  }

  #replace(status: TorStatus): void {
    this.#current = status;
    for (const listener of this.#listeners) listener(status);
  }
}
