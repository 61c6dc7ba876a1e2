/**
 * One siege: hostile clients in a child process (attackers.ts) against a service in this one, and honest dials at
 * random moments of it. Whatever the service is and however it is reached is the scene's part.
 */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { AcceptorStats } from '../../src/net/acceptor.ts';
import { type Held, held, leftOver } from './leftovers.ts';

export interface Siege {
  readonly connections: number;
  readonly seconds: number;
  readonly dials: number;
  /** Whether to wait until the service has let go of everything while it runs on; adds some ten seconds. */
  readonly settle?: boolean;
  readonly progress?: (sentence: string) => void;
}

/** Where the attackers go: a unix socket, or an onion through the SOCKS port of a tor. */
export type Target =
  | { readonly path: string }
  | { readonly socksPath: string; readonly host: string; readonly port: number };

export interface Scene {
  readonly target: Target;
  /** One honest dial with its answer; `name` is another one each time. */
  dial(name: string, signal: AbortSignal): Promise<void>;
  stats(): AcceptorStats;
  /** Of the tor that serves the onion; its memory is watched too where the system shows it (Linux). */
  readonly torPid?: number | undefined;
}

/** What the attackers did; printed by attackers.ts. */
export interface Attack {
  /** Connections that came about, by kind. */
  readonly opened: Readonly<Record<string, number>>;
  /** Tries that failed. */
  readonly failed: number;
  /** When the last of them was open for the first time, ms; null: never. */
  readonly allOpenMs: number | null;
}

export interface SiegeResult extends Attack {
  readonly served: number;
  readonly dials: number;
  readonly slowestMs: number;
  readonly medianMs: number;
  /** Of each dial in the siege, answered or not. */
  readonly timesMs: readonly number[];
  /** Of as many dials before it. */
  readonly quietMs: readonly number[];
  /** Highest RSS of the service's process over that before the siege, MB. */
  readonly rssGrowthMb: number;
  /** The same of its tor; 0 without one. */
  readonly torRssGrowthMb: number;
  readonly refused: number;
  readonly maxPending: number;
  readonly maxLoopDelayMs: number;
  /** What is left of the siege, as "count kind". */
  readonly left: readonly string[];
}

export const SERVED_WITHIN_MS = 5_000;
/** Dials go on for longer than they may take, so that the figures tell late from never. */
const GIVE_UP_MS = 20_000;
const OPEN_WITHIN_MS = 8_000;
const PROBE_EVERY_MS = 50;
const PAGE_BYTES = 4096;
/** Longer than the acceptor's deadlines and its tarpit together. */
const SETTLE_MS = 40_000;

export async function besiege(scene: Scene, siege: Siege): Promise<SiegeResult> {
  const { connections, seconds, dials, settle = false, progress = () => {} } = siege;
  const quietMs: number[] = [];
  for (let i = 0; i < dials; i++) quietMs.push((await timed(scene, `quiet ${i}`)).tookMs);
  progress(`${dials} dials in peace: at most ${Math.round(Math.max(...quietMs))} ms`);

  const before = heldBy(scene);
  const probe = startProbe(scene);
  const attackers = startAttackers(scene.target, connections, seconds * 1000);
  try {
    const timesMs: number[] = [];
    let served = 0;
    const spacingMs = (seconds * 1000 - 1000) / dials;
    const tries = Array.from({ length: dials }, async (_, i) => {
      await delay((i + Math.random()) * spacingMs);
      const { tookMs, error } = await timed(scene, `siege ${i}`);
      const good = error === undefined && tookMs <= SERVED_WITHIN_MS;
      timesMs.push(tookMs);
      if (good) served++;
      const how = error === undefined ? (good ? 'served' : 'LATE') : `FAILED: ${String(error)}`;
      const { pending, refused } = scene.stats();
      progress(
        `dial ${timesMs.length}: ${Math.round(tookMs)} ms, ${how} (pending ${pending}, refused ${refused})`,
      );
    });
    await Promise.all(tries);
    const attack = await attackers.over;
    const figures = probe.stop();
    if (settle) progress('the siege is over; waiting for what it left');
    const left = settle ? await leftOver(before, SETTLE_MS, () => heldBy(scene)) : [];
    const sorted = timesMs.toSorted((a, b) => a - b);
    return {
      served,
      dials,
      slowestMs: Math.round(sorted.at(-1) ?? -1),
      medianMs: Math.round(sorted[sorted.length >> 1] ?? -1),
      timesMs,
      quietMs,
      ...attack,
      ...figures,
      refused: scene.stats().refused,
      left: left.map((what) => `${what} in the running service`),
    };
  } finally {
    attackers.stop();
    probe.stop();
  }
}

async function timed(scene: Scene, name: string): Promise<{ tookMs: number; error?: unknown }> {
  const startedAt = performance.now();
  try {
    await scene.dial(name, AbortSignal.timeout(GIVE_UP_MS));
    return { tookMs: performance.now() - startedAt };
  } catch (error) {
    return { tookMs: performance.now() - startedAt, error };
  }
}

function heldBy(scene: Scene): Held {
  const { pending, open } = scene.stats();
  return new Map([...held(), ['handshakes', pending], ['handlers', open]]);
}

function startProbe(scene: Scene) {
  globalThis.gc?.();
  const rss = process.memoryUsage.rss();
  const torRss = rssOf(scene.torPid);
  let torPeak = torRss;
  let [peak, maxPending, maxLoopDelayMs, last] = [rss, 0, 0, performance.now()];
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
    torPeak = Math.max(torPeak, rssOf(scene.torPid));
    maxPending = Math.max(maxPending, scene.stats().pending);
    maxLoopDelayMs = Math.max(maxLoopDelayMs, performance.now() - last - PROBE_EVERY_MS);
    last = performance.now();
  }, PROBE_EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      return {
        rssGrowthMb: Math.round((peak - rss) / 1e6),
        torRssGrowthMb: Math.round((torPeak - torRss) / 1e6),
        maxPending,
        maxLoopDelayMs: Math.round(maxLoopDelayMs),
      };
    },
  };
}

/** Bytes, from the pages in proc(5) statm; 0 where there is no such process or no /proc. */
function rssOf(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid ?? 0}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}

function startAttackers(target: Target, connections: number, forMs: number) {
  const script = fileURLToPath(new URL('attackers.ts', import.meta.url));
  const order = { target, connections, openMs: Math.min(OPEN_WITHIN_MS, forMs / 4), forMs };
  const child = spawn(process.execPath, [script, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const over = once(child, 'close').then(() => JSON.parse(output) as Attack);
  return { over, stop: () => void child.kill() };
}
