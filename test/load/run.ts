/**
 * `npm run load -- [--tor] [--connections n] [--seconds n] [--dials n] [--json]`: a service under siege, on its unix
 * socket or, with `--tor`, through real tor on a private network (KITH_TESTNET, or one of its own). Prints what was
 * promised next to what was measured; exit code 1 when a promise does not hold.
 */

import { parseArgs } from 'node:util';
import { compared, type Pair, type Row } from '../../bench/row.ts';
import { joinTestnet, startTestnet } from '../../src/testnet/index.ts';
import { runLoad } from './acceptor.load.ts';
import { runOnionLoad } from './onion.load.ts';
import { SERVED_WITHIN_MS, type SiegeResult } from './siege.ts';

const SERVED_SHARE = 0.95;
const RSS_GROWTH_MB = 60;
const OPEN_WITHIN_MS = 10_000;

const { values: options } = parseArgs({
  options: {
    tor: { type: 'boolean', default: false },
    connections: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    dials: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
});
const place = options.tor ? 'tor' : 'unix';
const siege = {
  connections: positive('connections', options.connections ?? (options.tor ? '100' : '1000')),
  seconds: positive('seconds', options.seconds),
  dials: positive('dials', options.dials),
  settle: true,
  progress: (sentence: string) => void process.stderr.write(`${sentence}\n`),
};
siege.progress(`${siege.connections} hostile connections for ${siege.seconds} s`);
const result = await (options.tor ? throughTor() : runLoad(siege));
for (const what of result.left) siege.progress(`left behind: ${what}`);
siege.progress(`attackers: ${JSON.stringify(result.opened)}, ${result.failed} tries failed`);
const rows = rowsOf(result);
for (const row of rows) console.log(options.json ? JSON.stringify(row) : sentenceOf(row));
process.exitCode = rows.some(({ holds }) => holds === false) ? 1 : 0;

function rowsOf({ served, dials, timesMs, quietMs, left, allOpenMs, ...rest }: SiegeResult): readonly Row[] {
  const pairs = timesMs.map((value, i): Pair => ({ value, baseline: quietMs[i] as number }));
  const within = `within ${SERVED_WITHIN_MS / 1000} s`;
  return [
    one(
      'served',
      served,
      'dials',
      `≥ ${SERVED_SHARE * 100} % of ${dials} ${within}`,
      served >= SERVED_SHARE * dials,
    ),
    compared('load', `${place}-dial`, 'ms', pairs, null),
    one('slowest-dial', rest.slowestMs, 'ms'),
    one('rss-growth', rest.rssGrowthMb, 'MB', `≤ ${RSS_GROWTH_MB} MB`, rest.rssGrowthMb <= RSS_GROWTH_MB),
    one('left-over', left.length, 'kinds', 'nothing', left.length === 0),
    one(
      'all-open',
      allOpenMs ?? -1,
      'ms',
      `≤ ${OPEN_WITHIN_MS} ms`,
      allOpenMs !== null && allOpenMs <= OPEN_WITHIN_MS,
    ),
    ...(options.tor ? [one('rss-growth-of-tor', rest.torRssGrowthMb, 'MB')] : []),
    one('loop-delay', rest.maxLoopDelayMs, 'ms'),
    one('refused', rest.refused, 'connections'),
    one('most-pending', rest.maxPending, 'handshakes'),
  ];
}

function one(
  name: string,
  value: number,
  unit: string,
  goal: string | null = null,
  holds: boolean | null = null,
): Row {
  const plain = { baseline: null, ratio: null, low: value, high: value };
  return { bench: 'load', name: `${place}-${name}`, value, unit, ...plain, goal, holds };
}

function sentenceOf({ name, value, unit, baseline, ratio, goal, holds }: Row): string {
  const against = baseline === null ? '' : `, in peace ${baseline} ${unit}, ratio ${String(ratio)}`;
  const verdict = holds === null ? '' : holds ? `  ok (${String(goal)})` : `  MISSED (${String(goal)})`;
  return `${name.padEnd(20)} ${value} ${unit}${against}${verdict}`;
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number <= 0) {
    console.error(`--${name} takes a number above zero`);
    process.exit(2);
  }
  return number;
}

async function throughTor(): Promise<SiegeResult> {
  const shared = process.env['KITH_TESTNET'];
  if (shared !== undefined && shared !== '') return runOnionLoad(await joinTestnet(shared), siege);
  siege.progress('starting a private Tor network');
  const network = await startTestnet();
  try {
    return await runOnionLoad(network, siege);
  } finally {
    await network.stop();
  }
}
