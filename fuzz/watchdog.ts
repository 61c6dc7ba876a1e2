/**
 * Ends a fuzz run whose target does not come back: a decoder that hangs blocks its thread, so a second thread
 * looks on. The current input lies in shared memory, where the watchdog finds it.
 */

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { fuzzFolder } from './targets.ts';

/** Longest that one input may take, in milliseconds. */
const HANG_MS = 10_000;

/** Writes an input that found a bug; returns its path. */
export function saveCrash(target: string, input: Uint8Array): string {
  const folder = join(fuzzFolder, 'crashes');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${target}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`);
  writeFileSync(path, input);
  return path;
}

interface Shared {
  readonly target: string;
  /** [number of the input that is running or 0, its size] */
  readonly state: Int32Array;
  readonly input: Uint8Array;
}

export class Watchdog {
  readonly #worker: Worker;
  readonly #shared: Shared;
  #executions = 0;

  constructor(target: string, maxSize: number) {
    this.#shared = {
      target,
      state: new Int32Array(new SharedArrayBuffer(8)),
      input: new Uint8Array(new SharedArrayBuffer(maxSize)),
    };
    this.#worker = new Worker(new URL(import.meta.url), { workerData: this.#shared });
    this.#worker.unref();
  }

  /** Tells which input runs from now on. */
  starts(input: Uint8Array): void {
    this.#executions = (this.#executions % 0x7fffffff) + 1;
    this.#shared.input.set(input);
    this.#shared.state[1] = input.length;
    Atomics.store(this.#shared.state, 0, this.#executions);
  }

  /** Tells that it came back. */
  ended(): void {
    Atomics.store(this.#shared.state, 0, 0);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

function watch({ target, state, input }: Shared): void {
  let seen = 0;
  setInterval(() => {
    const current = Atomics.load(state, 0);
    if (current !== 0 && current === seen) {
      const path = saveCrash(target, input.slice(0, state[1]));
      const line = { event: 'crash', target, path, error: `no return within ${HANG_MS / 1000} s` };
      writeFileSync(1, `${JSON.stringify(line)}\n`); // a worker's process.stdout goes through the blocked thread
      // the main thread cannot be asked to end
      process.kill(process.pid, 'SIGKILL');
    }
    seen = current;
  }, HANG_MS);
}

if (!isMainThread) watch(workerData as Shared);
