/**
 * The acceptor under hostile load on a unix socket, with honest dials in between. Alone:
 *
 *     node test/load/acceptor.load.ts --connections 1000 --seconds 60 --dials 20
 *
 * prints one JSON object with what was measured. The normal tests run a small version.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Acceptor } from '../../src/net/acceptor.ts';
import { socketChannel } from '../../src/net/byte-channel.ts';
import { Channels } from '../../src/net/channel.ts';
import { linkIdentity } from '../../src/net/link-identity.ts';
import { concat, utf8 } from '../../src/safety/bytes.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { onionOf } from '../../src/wire/onion.ts';

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  readonly dials: number;
}

export interface LoadResult {
  readonly served: number;
  readonly dials: number;
  readonly slowestMs: number;
  readonly medianMs: number;
  readonly rssGrowthMb: number;
  readonly opened: Readonly<Record<string, number>>;
  readonly refused: number;
  readonly maxPending: number;
  readonly maxLoopDelayMs: number;
  /** Sockets and timers that are left after everything is closed. */
  readonly left: readonly string[];
}

const SERVED_WITHIN_MS = 5_000;

export async function runLoad({ connections, seconds, dials }: LoadOptions): Promise<LoadResult> {
  const before = countResources();
  const dir = await mkdtemp(join(tmpdir(), 'kith-load-'));
  const path = join(dir, 's');
  const identity = linkIdentity(systemRandom(32));
  const acceptor = new Acceptor({ identity });
  acceptor.handle('/kith/echo', async (channel) => {
    for (let bytes = await channel.read(); bytes !== null; bytes = await channel.read())
      await channel.write(bytes);
  });
  const server = createServer({ pauseOnConnect: true, highWaterMark: 16_384 }, (socket) =>
    acceptor.accept(socket),
  );
  server.listen({ path, backlog: 4096 });
  await once(server, 'listening');

  const dial = async (): Promise<number> => {
    const start = performance.now();
    const signal = AbortSignal.timeout(SERVED_WITHIN_MS);
    const channels = new Channels({
      open: async (_onion, { early }) => {
        const lower = socketChannel(connect(path));
        await lower.write(early);
        return lower;
      },
    });
    const as = linkIdentity(systemRandom(32));
    const options = { as, protocol: '/kith/echo', purpose: 'load', isolation: 'load', signal };
    const channel = await channels.dial(onionOf(identity.publicKey), options);
    await channel.write(utf8('hello'));
    await channel.close();
    const reply: Uint8Array[] = [];
    for (let b = await channel.read(signal); b !== null; b = await channel.read(signal)) reply.push(b);
    if (concat(...reply).length !== 5) throw new Error('wrong reply');
    return performance.now() - start;
  };

  for (let i = 0; i < 20; i++) await dial();
  globalThis.gc?.();
  const rss = process.memoryUsage.rss();
  let [peak, maxPending, maxLoopDelayMs, last] = [rss, 0, 0, performance.now()];
  const probe = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
    maxPending = Math.max(maxPending, acceptor.stats().pending);
    maxLoopDelayMs = Math.max(maxLoopDelayMs, performance.now() - last - 50);
    last = performance.now();
  }, 50);

  const script = fileURLToPath(new URL('attackers.ts', import.meta.url));
  const openMs = Math.min(10_000, (seconds * 1000) / 4);
  const args = [script, path, String(connections), String(openMs), String(seconds * 1000)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const childOver = once(child, 'close');
  const times: number[] = [];
  for (let i = 0; i < dials; i++) {
    await delay((seconds * 1000 - 500) / dials);
    const at = performance.now();
    await dial().then(
      (ms) => times.push(ms),
      (error: unknown) =>
        process.stderr.write(`dial failed after ${performance.now() - at} ms: ${String(error)}\n`),
    );
  }
  await childOver;
  clearInterval(probe);
  const { refused } = acceptor.stats();
  await acceptor.close();
  server.close();
  await once(server, 'close');
  await rm(dir, { recursive: true });
  times.sort((a, b) => a - b);
  return {
    served: times.filter((ms) => ms <= SERVED_WITHIN_MS).length,
    dials,
    slowestMs: Math.round(times.at(-1) ?? -1),
    medianMs: Math.round(times[times.length >> 1] ?? -1),
    rssGrowthMb: Math.round((peak - rss) / 1e6),
    opened: JSON.parse(output) as Record<string, number>,
    refused,
    maxPending,
    maxLoopDelayMs: Math.round(maxLoopDelayMs),
    left: await leftOver(before),
  };
}

/** Sockets, servers and timers that keep the process alive, counted by kind. */
function countResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (/Pipe|Timeout|Process/.test(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** Kinds of which there are more than before, once the event loop had time to close them. */
async function leftOver(before: ReadonlyMap<string, number>): Promise<string[]> {
  for (let tries = 0; ; tries++) {
    const left = [...countResources()].filter(([kind, count]) => count > (before.get(kind) ?? 0));
    if (left.length === 0 || tries === 100) return left.map(([kind, count]) => `${count} ${kind}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      connections: { type: 'string', default: '150' },
      seconds: { type: 'string', default: '6' },
      dials: { type: 'string', default: '6' },
    },
  });
  const result = await runLoad({
    connections: Number(values.connections),
    seconds: Number(values.seconds),
    dials: Number(values.dials),
  });
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
