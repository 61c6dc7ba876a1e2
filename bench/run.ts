/**
 * `npm run bench -- <name> [--json] [--write] [--only row,row]`: measures and prints one row after the other;
 * `--write` also puts them into bench/RESULTS.md. The machine is shared, so every figure that can be is a ratio to a
 * baseline measured in the same run, in turn with it.
 */

import { parseArgs } from 'node:util';
import { writeResults } from './results.ts';
import type { Bench, Row } from './row.ts';
import { chat } from './chat/index.ts';
import { e2e } from './e2e/index.ts';
import { overlay } from './overlay/index.ts';
import { transport } from './transport/index.ts';

const BENCHES: ReadonlyMap<string, Bench> = new Map([
  ['transport', transport],
  ['overlay', overlay],
  ['e2e', e2e],
  ['chat', chat],
]);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, write: { type: 'boolean' }, only: { type: 'string' } },
});
const [name = ''] = positionals;
const bench = BENCHES.get(name);
if (bench === undefined) {
  console.error(`Which bench? One of: ${[...BENCHES.keys()].join(', ')}`);
  process.exit(2);
}

const only = values.only === undefined ? null : new Set(values.only.split(','));
const rows: Row[] = [];
for await (const row of bench(only, (sentence) => process.stderr.write(`${sentence}\n`))) {
  rows.push(row);
  console.log(values.json === true ? JSON.stringify(row) : sentenceOf(row));
}
if (values.write === true) await writeResults(name, rows);
process.exitCode = rows.some(({ holds }) => holds === false) ? 1 : 0;

function sentenceOf({ name: row, value, unit, baseline, ratio, low, high, goal, holds }: Row): string {
  const against = baseline === null ? '' : `, baseline ${baseline} ${unit}, ratio ${String(ratio)}`;
  const verdict = holds === null ? '' : holds ? `  ok (${String(goal)})` : `  MISSED (${String(goal)})`;
  return `${row.padEnd(26)} ${value} ${unit}${against} [${low}, ${high}]${verdict}`;
}
