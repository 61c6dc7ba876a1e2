/**
 * `npm run sim -- sessions [--messages N] [--seed N] [--json]`: runs a simulation to its end and says what came of it, in
 * a line for people or, with `--json`, one JSON object a line. Exit code 1 when something happened that must not: the
 * same messages and seed show it again. Keys are not seeded, so nothing but the order of events is the same.
 */

import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { nodeProvider } from '../src/safety/crypto/node.ts';
import { type Figures, simulateSessions } from './sessions.ts';

const USAGE = 'npm run sim -- sessions [--messages N] [--seed N] [--json]';
const SIMULATION = 'sessions';
/** Seeds have 32 bits: a larger one would be another's double. */
const SEEDS = 2 ** 32;

interface Wanted {
  readonly messages: number;
  readonly seed: number;
  readonly json: boolean;
}

/** What is wrong with the command line, for a person; exit code 2. */
function refuse(message: string): never {
  process.stderr.write(`${message}: ${USAGE}\n`);
  process.exit(2);
}

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        messages: { type: 'string', default: '20000' },
        seed: { type: 'string', default: String(randomInt(SEEDS)) },
        json: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    // "Unknown option '--x'. To specify ...": the first sentence says it
    return refuse(String((error as Error).message).split(/[.\n]/)[0] as string);
  }
}

function wanted(): Wanted {
  const { values, positionals } = parsed();
  if (positionals.length !== 1 || positionals[0] !== SIMULATION) refuse(`the simulation is ${SIMULATION}`);
  const whole = (name: 'messages' | 'seed', least: number, below: number): number => {
    const value = /^\d+$/.test(values[name]) ? Number(values[name]) : Number.NaN;
    if (value >= least && value < below) return value;
    return refuse(`--${name} must be a whole number from ${least} to ${below - 1}`);
  };
  return { messages: whole('messages', 1, 1e9), seed: whole('seed', 0, SEEDS), json: values.json };
}

const { messages, seed, json } = wanted();
const startedAt = performance.now();
const elapsedMs = (): number => Math.round(performance.now() - startedAt);
const seconds = (): string => `${(elapsedMs() / 1000).toFixed(1)} s`;
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

function onProgress(sent: number, delivered: number): void {
  const state = { simulation: SIMULATION, messages, seed, sent, delivered, elapsedMs: elapsedMs() };
  if (json) print({ event: 'progress', ...state });
  else process.stderr.write(`${sent} of ${messages} sent, ${delivered} delivered, ${seconds()}\n`);
}

function passed(figures: Figures): void {
  const { sent, made, lost, delivered, restarts, restores, sessions, epochs, seals } = figures;
  const held = { simulation: SIMULATION, messages, ...figures, elapsedMs: elapsedMs() };
  if (json) return print({ result: 'passed', ...held });
  process.stdout.write(
    `${SIMULATION} passed: ${sent} messages with content and ${made - sent} without, ${lost} lost, ${delivered} delivered, ` +
      `${restarts} deaths, ${restores} old disks, ${sessions} sessions, ${epochs} epochs, ${seals} encryptions, ` +
      `seed ${seed}, ${seconds()}\n`,
  );
}

function failed(error: unknown): void {
  process.exitCode = 1;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const state = { simulation: SIMULATION, messages, seed, elapsedMs: elapsedMs() };
  if (json) return print({ result: 'failed', ...state, error: text });
  process.stderr.write(`${text}\n`);
  process.stdout.write(
    `${SIMULATION} failed after ${seconds()}; again: npm run sim -- ${SIMULATION} --messages ${messages} --seed ${seed}\n`,
  );
}

try {
  passed(simulateSessions({ provider: nodeProvider, messages, seed, onProgress }));
} catch (error) {
  failed(error);
}
