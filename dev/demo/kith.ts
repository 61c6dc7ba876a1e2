/** A kith process of the demo: its JSON lines can be waited for, and everything it could leak by is trapped. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CLI = join(ROOT, 'src/cli/main.ts');
const TRIPWIRE = join(ROOT, 'test/tripwire.js');

/** A line that a kith process printed with --json. */
export type Line = { readonly [field: string]: unknown };

/** All that run, in the order they were started. */
export class Processes {
  readonly #running: Kith[] = [];
  readonly #hitsFile: string;
  #closed = false;

  /** `hitsFile` gets a line for each attempt to leave Tor. */
  constructor(hitsFile: string) {
    this.#hitsFile = hitsFile;
  }

  start(name: string, args: readonly string[], stdin: 'ignore' | 'pipe' = 'ignore'): Kith {
    if (this.#closed) throw new Error('interrupted');
    const child = spawn(process.execPath, [CLI, '--json', ...args], {
      stdio: [stdin, 'pipe', 'inherit'],
      detached: true, // Ctrl-C reaches the demo alone, which then ends its children in order
      env: { ...process.env, NODE_OPTIONS: `--import=${TRIPWIRE}`, KITH_TRIPWIRE_LOG: this.#hitsFile },
    });
    const kith = new Kith(name, child);
    this.#running.push(kith);
    child.once('close', () => this.#running.splice(this.#running.indexOf(kith), 1));
    return kith;
  }

  /** No more are started. */
  close(): void {
    this.#closed = true;
  }

  kill(): void {
    for (const { child } of this.#running) child.kill('SIGKILL');
  }

  /** Last started first, but nodes side by side: the network below them goes last. */
  async stop(): Promise<void> {
    this.close();
    const [network, ...others] = [...this.#running];
    await Promise.all(others.map((kith) => kith.stop()));
    await network?.stop();
  }
}

export class Kith {
  readonly name: string;
  readonly child: ChildProcess;
  readonly #seen: Line[] = [];
  readonly #waiting = new Set<() => void>();
  #ended = false;

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.child = child;
    if (child.stdout === null) throw new Error('no stdout');
    createInterface({ input: child.stdout }).on('line', (line) => this.#add(JSON.parse(line) as Line));
    child.once('close', () => {
      this.#ended = true;
      for (const wake of this.#waiting) wake();
    });
  }

  /** The first line with that event or result that is as wanted and has not been taken yet. */
  async line(kind: string, wanted: (line: Line) => boolean = () => true): Promise<Line> {
    for (;;) {
      const at = this.#seen.findIndex(
        (line) => (line['event'] === kind || line['result'] === kind) && wanted(line),
      );
      if (at >= 0) return this.#seen.splice(at, 1)[0] as Line;
      const failed = this.#seen.find((line) => line['event'] === 'error');
      if (failed !== undefined)
        throw new Error(`${this.name}: ${String(failed['message'])}. ${String(failed['hint'])}`);
      if (this.#ended) throw new Error(`${this.name} ended before saying "${kind}"`);
      await new Promise<void>((wake) => {
        this.#waiting.add(wake);
      });
      this.#waiting.clear();
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const closed = once(this.child, 'close');
    this.child.kill('SIGTERM');
    await closed;
  }

  #add(line: Line): void {
    this.#seen.push(line);
    for (const wake of this.#waiting) wake();
  }
}
