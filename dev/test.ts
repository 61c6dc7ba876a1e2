/**
 * The runner behind `npm test`: every test file in its own process with the leak tripwires preloaded, one real
 * test network for all of them, line coverage per folder, and a look at what is left behind.
 *
 *   npm test -- [--long] [--no-coverage] [--json] [part of a test file's path...]
 *
 * Fails on: a failed test, a tripwire that was hit, a folder below its coverage, a process left behind, or too
 * much time. Files named on the command line run without coverage, which would say nothing about them.
 */

import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { inspect, parseArgs } from 'node:util';
import { run } from 'node:test';
import { coverageShortfalls, type FileCoverage, folderCoverage } from './test/coverage.ts';
import { endLeftovers } from './test/leftovers.ts';
import { Report } from './test/report.ts';

const root = resolve(import.meta.dirname, '..');

/** A single test; longer ones are stuck. */
const TEST_TIMEOUT_MS = 60_000;
const LONG_TEST_TIMEOUT_MS = 30 * 60_000;
/** All tests of one file. */
const FILE_TIMEOUT_MS = 300_000;
/** The whole run without `--long`; the agreed share of it is 150 s on two cores. */
const RUN_LIMIT_MS = 600_000;
/** Test files at a time: one more than the smallest machine in use has cores, because tests on tor mostly wait. */
const CONCURRENCY = 3;

const { values: options, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: {
    long: { type: 'boolean', default: false },
    'no-coverage': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const startedAt = performance.now();
// short, because unix socket paths below it must stay under 104 bytes
const scratch = mkdtempSync(join(tmpdir(), 'kr-'));
const tripwireLog = join(scratch, 'tripwire.jsonl');
const marker = `${process.pid}-${Date.now()}`;
const report = new Report(root, options.json);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    process.exitCode = 128 + constants.signals[signal];
    interrupted.abort();
  });
}

/** Test files to run, the slowest of the last run first so that they do not end alone; at first those on real tor. */
function chooseFiles(): string[] {
  const files = globSync('test/**/*.test.ts', { cwd: root }).filter(
    (file) => filters.length === 0 || filters.some((filter) => file.includes(filter)),
  );
  const times = lastTimes();
  const timeOf = (file: string): number => times[file] ?? (usesNetwork(file) ? 30_000 : 0);
  return files.toSorted((a, b) => timeOf(b) - timeOf(a) || (a < b ? -1 : 1));
}

function usesNetwork(file: string): boolean {
  return /['/]testnet\.ts'/.test(readFileSync(join(root, file), 'utf8'));
}

const timesPath = join(root, 'node_modules', '.kith-test-times.json');

function lastTimes(): Record<string, number> {
  try {
    return JSON.parse(readFileSync(timesPath, 'utf8'));
  } catch {
    return {};
  }
}

/** Makes this process and all its children ones that tests may trust. */
async function prepareEnvironment(): Promise<void> {
  const tripwire = new URL('../test/tripwire.js', import.meta.url).href;
  Object.assign(process.env, {
    NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${tripwire}`.trim(),
    KITH_TRIPWIRE_LOG: tripwireLog,
    KITH_TEST_RUN: marker,
    TMPDIR: scratch,
    ...(options.long ? { KITH_LONG: '1' } : {}),
  });
  await import('../test/tripwire.js');
}

/** Starts the shared test network if one of the files asks for it. */
async function startNetwork(files: readonly string[]): Promise<() => Promise<void>> {
  if (!files.some(usesNetwork)) return async () => {};
  const { startTestnet } = await import('../src/testnet/index.ts');
  const networkAt = performance.now();
  const network = await startTestnet({ dir: join(scratch, 'net'), signal: interrupted.signal });
  const readyMs = Math.round(performance.now() - networkAt);
  process.env['KITH_TESTNET'] = network.dir;
  report.say('testnet', `test network ready in ${(readyMs / 1000).toFixed(1)} s`, { readyMs });
  return () => network.stop();
}

async function runTests(files: readonly string[], coverage: boolean): Promise<FileCoverage[]> {
  const stream = run({
    files: files.map((file) => join(root, file)),
    cwd: root,
    concurrency: CONCURRENCY,
    timeout: options.long ? LONG_TEST_TIMEOUT_MS : FILE_TIMEOUT_MS,
    execArgv: [`--test-timeout=${options.long ? LONG_TEST_TIMEOUT_MS : TEST_TIMEOUT_MS}`],
    forceExit: true,
    signal: interrupted.signal,
    coverage,
    coverageIncludeGlobs: ['src/**'],
  });
  let covered: FileCoverage[] = [];
  stream.on('test:coverage', ({ summary }) => {
    covered = summary.files.map(({ path, lines }) => ({ path: relative(root, path), lines }));
  });
  await report.follow(stream);
  return covered;
}

function reportTripwires(): boolean {
  const lines = existsSync(tripwireLog) ? readFileSync(tripwireLog, 'utf8').trimEnd().split('\n') : [];
  // test/tripwire.test.ts hits them on purpose, in children with logs of their own
  for (const line of lines) {
    const { what, stack } = JSON.parse(line) as { what: string; stack: string[] };
    report.problem('leak', `tripwire hit: ${what}\n  ${stack.slice(0, 8).join('\n  ')}`);
  }
  return lines.length === 0;
}

async function main(): Promise<number> {
  // the coverage counts lines with stripTypeScriptTypes, whose warning says nothing about the tests
  process.removeAllListeners('warning');
  const files = chooseFiles();
  if (files.length === 0) {
    process.stderr.write(`no test file matches ${filters.join(' or ')}\n`);
    return 2;
  }
  const coverage = !options['no-coverage'] && filters.length === 0;
  await prepareEnvironment();
  const stopNetwork = await startNetwork(files);
  const networkMs = performance.now() - startedAt;
  let covered: FileCoverage[] = [];
  try {
    covered = await runTests(files, coverage);
  } finally {
    await stopNetwork();
  }
  let good = report.failed === 0 && report.ran > 0 && !interrupted.signal.aborted;
  if (!reportTripwires()) good = false;
  if (coverage) {
    const folders = folderCoverage(root, covered);
    report.coverage(folders);
    for (const line of coverageShortfalls(folders)) {
      report.problem('coverage', line);
      good = false;
    }
  }
  for (const left of await endLeftovers(marker, scratch)) {
    report.problem('leftover', `process left behind: ${left}`);
    good = false;
  }
  const ownFiles = new Set(['tripwire.jsonl', 'node-compile-cache']);
  const left = readdirSync(scratch).filter((name) => !ownFiles.has(name));
  if (left.length > 0)
    report.say('leftover-files', `files left in the temporary folder: ${left.join(', ')}`, { left });
  const totalMs = performance.now() - startedAt;
  if (totalMs > RUN_LIMIT_MS && !options.long) {
    report.problem('time', `the run took more than ${RUN_LIMIT_MS / 1000} s`);
    good = false;
  }
  if (filters.length === 0) writeFileSync(timesPath, JSON.stringify(report.times()));
  report.close({ good, totalMs, networkMs });
  return good ? 0 : 1;
}

let code = 1;
try {
  code = await main();
} catch (error) {
  process.stderr.write(`the run could not go on: ${inspect(error)}\n`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
// a handle that some test machinery still holds must not keep the run open
process.exit(process.exitCode === undefined ? code : process.exitCode);
