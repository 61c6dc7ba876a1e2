/**
 * Memory of a whole node as a user starts it (home and overlay; its two tors not counted), idle in a small overlay on
 * the real private network, beside a node process of the same version that does nothing.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startTestnet } from '../../src/testnet/index.ts';
import { compared, type Pair, type Row } from '../row.ts';

const BUILD = fileURLToPath(new URL('../../dev/build.ts', import.meta.url));
/** What users run: it sets V8's flags, and then runs what is compiled. */
const LAUNCHER = fileURLToPath(new URL('../../bin/kith.js', import.meta.url));
const PUBLIC_NODES = 3;
/** Nodes are measured a few at a time: all at once would be an overlay of another size. */
const ROUNDS = 3;
const NODES_A_ROUND = 3;
/** After this long (ms) in the overlay a node has met the others. */
const SETTLED_MS = 15_000;

type Line = { readonly event?: string; readonly state?: string; readonly onion?: string };

export async function rssNode(dir: string, progress: (sentence: string) => void): Promise<Row> {
  execFileSync(process.execPath, [BUILD], { stdio: 'ignore' });
  progress('starting a private Tor network');
  const network = await startTestnet();
  const running: Node[] = [];
  try {
    const entryPoints: string[] = [];
    const start = (name: string, ...args: string[]): Node => {
      const known = entryPoints.flatMap((onion) => ['--entry-point', onion]);
      const node = new Node(['--data', join(dir, name), 'up', '--testnet', network.dir, ...args, ...known]);
      running.push(node);
      return node;
    };
    for (let i = 0; i < PUBLIC_NODES; i++) {
      const { onion } = await start(`public${i}`, '--public').line(({ event }) => event === 'public');
      if (onion !== undefined) entryPoints.push(onion);
    }
    const pairs: Pair[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const nodes = Array.from({ length: NODES_A_ROUND }, (_, i) => start(`node${round}${i}`));
      await Promise.all(nodes.map((node) => node.joined()));
      const bare = nodes.map(() => bareNode());
      await sleep(SETTLED_MS);
      for (const [i, node] of nodes.entries()) {
        const baseline = await residentMegabytes(bare[i] as ChildProcess);
        pairs.push({ value: await residentMegabytes(node.child), baseline });
      }
      for (const child of bare) child.kill();
      await Promise.all(nodes.map((node) => node.stop()));
      progress(`rss-node: ${pairs.length} of ${ROUNDS * NODES_A_ROUND}`);
    }
    return compared('overlay', 'rss-node', 'MB', pairs, null);
  } finally {
    await Promise.all(running.map((node) => node.stop()));
    await network.stop();
  }
}

/** A running `kith` and what it has printed. */
class Node {
  readonly child: ChildProcess;
  readonly #lines: Line[] = [];
  readonly #closed: Promise<unknown>;

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [LAUNCHER, '--json', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#closed = once(this.child, 'close');
    if (this.child.stdout === null) throw new Error('no output');
    const output = createInterface({ input: this.child.stdout });
    output.on('line', (text) => this.#lines.push(JSON.parse(text) as Line));
  }

  /** The first line that fits. */
  async line(fits: (line: Line) => boolean): Promise<Line> {
    for (const endMs = performance.now() + 120_000; performance.now() < endMs; await sleep(50)) {
      const line = this.#lines.find(fits);
      if (line !== undefined) return line;
      if (this.child.exitCode !== null) break;
    }
    throw new Error('the node ended, or did not get so far in two minutes');
  }

  /** Reachable at home, and with peers in the overlay. */
  async joined(): Promise<void> {
    await this.line(({ event }) => event === 'reachable');
    await this.line(({ event, state }) => event === 'overlay' && state === 'joined');
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.#closed;
  }
}

function bareNode(): ChildProcess {
  return spawn(process.execPath, ['--eval', 'setInterval(() => {}, 60_000)'], { stdio: 'ignore' });
}

async function residentMegabytes({ pid }: ChildProcess): Promise<number> {
  const [, kilobytes] =
    /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${String(pid)}/status`, 'utf8')) ?? [];
  return (Number(kilobytes) * 1024) / 1e6;
}
