/** A whole node as a user starts it: memory when idle, and how long it takes until others can reach it. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Tor } from '../../src/transport-tor/tor/tor.ts';
import { compared, type Pair, reported, type Row } from '../row.ts';
import type { Place } from './place.ts';

const BUILD = fileURLToPath(new URL('../../dev/build.ts', import.meta.url));
/** What users run: compiled, and with the flags that keep it small. */
const MAIN = fileURLToPath(new URL('../../bin/kith.js', import.meta.url));
const PAIRS = 9;
/** After this long (ms) nothing of the start is left to collect. */
const IDLE_AFTER_MS = 5000;

export async function nodeRows({ dir, network }: Place): Promise<readonly Row[]> {
  if (network === null) throw new Error('needs a network');
  execFileSync(process.execPath, [BUILD], { stdio: 'ignore' });
  const starts: Pair[] = [];
  const nodeBytes: number[] = [];
  const torBytes: number[] = [];
  for (let i = 0; i < PAIRS; i++) {
    starts.push({
      baseline: await bootstrapMs(dir, network.clientConfig),
      value: await nodeMs(dir, network.dir, i >= PAIRS - 3 ? { nodeBytes, torBytes } : null),
    });
  }
  return [
    reported('transport', 'rss-node', 'MB', nodeBytes.map(megabytes)),
    reported('transport', 'rss-tor', 'MB', torBytes.map(megabytes)),
    compared('transport', 'up-to-reachable', 'ms', starts, {
      goal: "≤ tor's own bootstrap + 2,000 ms",
      holds: (_ratio, pairs) => medianOfDifferences(pairs) <= 2000,
    }),
  ];
}

function medianOfDifferences(pairs: readonly Pair[]): number {
  const sorted = pairs.map(({ value, baseline }) => value - baseline).toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}

function megabytes(bytes: number): number {
  return bytes / 1e6;
}

/** A tor with an empty data directory, from its start to "Bootstrapped 100 %". */
async function bootstrapMs(dir: string, config: readonly string[]): Promise<number> {
  const dataDir = join(dir, 'bare');
  await rm(dataDir, { recursive: true, force: true });
  const tor = new Tor({ dataDir, config });
  const startedAt = performance.now();
  await tor.start();
  const tookMs = performance.now() - startedAt;
  await tor.stop();
  return tookMs;
}

/** `kith up` with an empty data directory, from its start to "reachable"; the last runs also leave their memory. */
async function nodeMs(
  dir: string,
  networkDir: string,
  memory: { readonly nodeBytes: number[]; readonly torBytes: number[] } | null,
): Promise<number> {
  const data = join(dir, 'node');
  await rm(data, { recursive: true, force: true });
  const startedAt = performance.now();
  const child = spawn(process.execPath, [MAIN, '--json', '--data', data, 'up', '--testnet', networkDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await line(child, 'reachable');
  const tookMs = performance.now() - startedAt;
  if (memory !== null) {
    await sleep(IDLE_AFTER_MS);
    memory.nodeBytes.push(await residentBytes(child.pid as number));
    memory.torBytes.push(await residentBytes(await torOf(child.pid as number)));
  }
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  await closed;
  return tookMs;
}

async function line(child: ChildProcess, event: string): Promise<void> {
  if (child.stdout === null) throw new Error('no output');
  for await (const text of createInterface({ input: child.stdout })) {
    if ((JSON.parse(text) as { event?: string }).event === event) return;
  }
  throw new Error(`the node ended before "${event}"`);
}

async function residentBytes(pid: number): Promise<number> {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

async function torOf(pid: number): Promise<number> {
  return Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')[0]);
}
