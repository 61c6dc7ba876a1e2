/** The runner's own judgement: what counts as a line of code, and which processes were left behind. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeLines, coverageShortfalls, folderCoverage } from '../../dev/test/coverage.ts';
import { endLeftovers } from '../../dev/test/leftovers.ts';

test('comments, types, blank lines and lone brackets are not lines of code', () => {
  const text = [
    '/** A comment.',
    ' * More of it. */',
    'export interface A {',
    '  readonly a: number;',
    '}',
    '',
    "import type { B } from './b.ts';",
    'export const c = 1; // and why',
    'export function d(',
    '  x: number,',
    '): number {',
    '  return x;',
    '}',
  ].join('\n');
  assert.deepEqual(codeLines(text), [8, 9, 10, 12]);
});

test('a file that no test loaded counts as uncovered, and a low folder is told with where to look', (context) => {
  const dir = mkdtempSync(join(tmpdir(), 'cov-'));
  context.after(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'src/wire'), { recursive: true });
  mkdirSync(join(dir, 'src/cli'), { recursive: true });
  writeFileSync(join(dir, 'src/wire/a.ts'), 'export const a = 1;\n'.repeat(9));
  writeFileSync(join(dir, 'src/wire/b.ts'), 'export const b = 1;\n');
  writeFileSync(join(dir, 'src/cli/c.ts'), 'export const c = 1;\n');
  const lines = Array.from({ length: 9 }, (_, i) => ({ line: i + 1, count: 1 }));
  const full = folderCoverage(dir, [{ path: 'src/wire/a.ts', lines }]);
  assert.deepEqual(
    full.map(({ folder, percent }) => [folder, percent]),
    [
      ['cli', 0],
      ['wire', 90],
    ],
  );
  assert.deepEqual(coverageShortfalls(full), [], '90 % is enough, and cli has promised nothing');
  const less = folderCoverage(dir, [
    { path: 'src/wire/a.ts', lines: lines.map((line) => ({ ...line, count: line.line > 7 ? 0 : 1 })) },
  ]);
  assert.deepEqual(coverageShortfalls(less), [
    'line coverage of src/wire is 70.0 %, below 90 %\n  src/wire/a.ts: 8-9\n  src/wire/b.ts: 1',
  ]);
});

test('a process with the marker or the folder is found and ended, another is not', {
  skip: process.platform !== 'linux',
}, async () => {
  const marker = `marker-${process.pid}`;
  const folder = join(tmpdir(), `folder-${process.pid}`);
  const start = (env: object, ...args: string[]) => {
    const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)', ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: process.env['PATH'], ...env },
    });
    return { child, ready: once(child.stdout, 'data'), closed: once(child, 'close') };
  };
  const marked = start({ KITH_TEST_RUN: marker });
  const named = start({}, join(folder, 'torrc'));
  const other = start({ KITH_TEST_RUN: `${marker}0x` }, 'elsewhere');
  await Promise.all([marked, named, other].map(({ ready }) => ready));
  const left = await endLeftovers(`${marker}\0`, folder, 200);
  assert.deepEqual(
    new Set(left.map((line) => Number(line.split(' ')[0]))),
    new Set([marked.child.pid, named.child.pid]),
  );
  await Promise.all([marked.closed, named.closed]);
  assert.equal(other.child.exitCode, null);
  other.child.kill();
  await other.closed;
});
