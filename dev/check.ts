/**
 * `npm run check`: everything that can be said about the code without running it. One line and a time per step;
 * the output of a step only when it fails. All steps run, whatever fails before.
 *
 *   npm run check -- [--json]
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { dependencyProblems, installScriptProblems, lockProblems } from './check/dependencies.ts';
import { trackedFileProblems } from './check/tracked-files.ts';
import { formatsWithoutTarget, targetsWithoutSeeds } from './fuzz-targets.ts';

const root = resolve(import.meta.dirname, '..');
const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } });

/** What is wrong, for a person; empty when all is well. */
type Step = () => string;

function command(name: string, ...args: string[]): Step {
  return () => {
    const { status, stdout, stderr, error } = spawnSync(name, args, {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
      maxBuffer: 64 * 1024 * 1024,
    });
    if (error !== undefined) return `${name}: ${error.message}`;
    return status === 0 ? '' : `${stdout}${stderr}`.trim() || `${name}: exit code ${status}`;
  };
}

function lines(find: () => readonly string[]): Step {
  return () => find().join('\n');
}

/** publint on the tarball that npm would publish, which is made aside. */
function packed(): string {
  const aside = mkdtempSync(join(tmpdir(), 'kith-pack-'));
  try {
    const failed = command('npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', aside)();
    if (failed !== '') return failed;
    const tarball = readdirSync(aside).find((name) => name.endsWith('.tgz'));
    return command('publint', 'run', join(aside, tarball ?? ''), '--strict')();
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

const steps: readonly (readonly [string, Step])[] = [
  ['types', command('tsc', '-p', '.')],
  ['lint', command('oxlint', '--type-aware', '--deny-warnings')],
  ['format', command('biome', 'format')],
  ['dead code', command('knip')],
  ['build', command(process.execPath, 'dev/build.ts')],
  ['package', packed],
  ['architecture', command(process.execPath, '--test', 'test/architecture.test.ts')],
  ['licences', lines(() => dependencyProblems(root))],
  ['install scripts', lines(() => installScriptProblems(root))],
  ['lock files', lines(() => lockProblems(root))],
  ['tracked files', lines(() => trackedFileProblems(root))],
  [
    'fuzz targets',
    lines(() => [
      ...formatsWithoutTarget().map((format) => `no fuzz target: ${format}`),
      ...targetsWithoutSeeds().map((name) => `no seeds: ${name}`),
    ]),
  ],
];

function print(json: object, text: string): void {
  process.stdout.write(options.json ? `${JSON.stringify(json)}\n` : `${text}\n`);
}

const startedAt = performance.now();
let failed = 0;
for (const [name, step] of steps) {
  const stepAt = performance.now();
  const problems = step();
  const durationMs = Math.round(performance.now() - stepAt);
  const passed = problems === '';
  if (!passed) failed++;
  print(
    { event: 'step', name, passed, durationMs, ...(passed ? {} : { problems }) },
    `${passed ? '✔' : '✖'} ${name.padEnd(16)} ${(durationMs / 1000).toFixed(1).padStart(5)} s${passed ? '' : `\n${problems}\n`}`,
  );
}
const totalMs = Math.round(performance.now() - startedAt);
print(
  { result: failed === 0 ? 'passed' : 'failed', steps: steps.length, failed, totalMs },
  `${failed === 0 ? 'all' : `${failed} of`} ${steps.length} steps ${failed === 0 ? 'passed' : 'FAILED'} in ${(totalMs / 1000).toFixed(1)} s`,
);
process.exitCode = failed === 0 ? 0 : 1;
