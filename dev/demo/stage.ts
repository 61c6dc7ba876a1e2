/** Where the demo plays: a directory, the processes in it, and what is told about them. */

import { join } from 'node:path';
import { type Kith, type Line, Processes } from './kith.ts';

/** Length of the demo's handle epochs, seconds; the real ones last a day. */
export const EPOCH_S = 40;

export class Stage {
  readonly dir: string;
  readonly processes: Processes;
  /** Gets a line for each attempt of a process to leave Tor. */
  readonly hitsFile: string;
  readonly #json: boolean;
  readonly #startedAt = performance.now();

  constructor(dir: string, json: boolean) {
    this.dir = dir;
    this.hitsFile = join(dir, 'tripwire.log');
    this.processes = new Processes(this.hitsFile);
    this.#json = json;
  }

  tell(event: string, fields: Line, sentence: string): void {
    const atMs = Math.round(performance.now() - this.#startedAt);
    if (this.#json) console.log(JSON.stringify({ event, atMs, ...fields }));
    else console.log(`${(atMs / 1000).toFixed(1).padStart(6)} s  ${sentence}`);
  }

  /** A node with a data directory of its own. */
  node(name: string, args: readonly string[]): Kith {
    const common = ['--testnet', join(this.dir, 'net'), '--epoch', String(EPOCH_S)];
    return this.processes.start(name, ['--data', join(this.dir, name), 'up', ...common, ...args]);
  }

  /** A command to the running node of that name. */
  command(name: string, args: readonly string[]): Kith {
    return this.processes.start(`${name} ${args[0]}`, ['--data', join(this.dir, name), ...args]);
  }
}

export const seconds = (ms: unknown): string => `${(Number(ms) / 1000).toFixed(1)} s`;
