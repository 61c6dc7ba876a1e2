/**
 * `npm run sim -- sessions [--messages N] [--seed N] [--json]`: runs a simulation to its end and prints its figures, one
 * JSON object with `--json`. Exit code 1 when something happened that must not; the seed then shows it again.
 */

import { parseArgs } from 'node:util';
import { nodeProvider } from '../src/safety/crypto/node.ts';
import { simulateSessions } from './sessions.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    messages: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    json: { type: 'boolean', default: false },
  },
});
const [messages, seed] = [Number(values.messages), Number(values.seed)];
if (positionals[0] !== 'sessions' || !(messages >= 1) || !Number.isSafeInteger(seed)) {
  console.error('Which simulation? npm run sim -- sessions [--messages N] [--seed N] [--json]');
  process.exit(2);
}

const startedAt = performance.now();
const seconds = (): number => Math.round(performance.now() - startedAt) / 1000;
const onProgress = (sent: number, delivered: number): void => {
  process.stderr.write(`${sent} sent, ${delivered} delivered, ${seconds()} s\n`);
};
try {
  const run = simulateSessions({ provider: nodeProvider, messages, seed, onProgress });
  const figures = { simulation: 'sessions', ...run, seconds: seconds() };
  console.log(values.json ? JSON.stringify(figures) : sentenceOf(figures));
} catch (error) {
  console.error(`seed ${seed} after ${seconds()} s:`, error);
  process.exitCode = 1;
}

function sentenceOf(figures: object): string {
  return Object.entries(figures)
    .map(
      ([name, value]) =>
        `${name.padEnd(14)} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
    )
    .join('\n');
}
