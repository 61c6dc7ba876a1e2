/** The fuzzer finds what it should: a bug behind a condition, by mutation alone and guided, and it can be repeated. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');
const dir = mkdtempSync(join(tmpdir(), 'fuzz-'));
after(() => rmSync(dir, { recursive: true, force: true }));

const TARGETS: Record<string, string> = {
  shallow: "if (data[0] === 7 && data.length > 3) throw new Error('found');",
  nested: "if (data[0] === 7) { if (data[1] === 9) { throw new Error('found'); } }",
  sound: 'void data;',
};

before(() => {
  for (const name of ['run', 'targets', 'mutate', 'coverage', 'watchdog'])
    cpSync(join(root, `fuzz/${name}.ts`), join(dir, `fuzz/${name}.ts`));
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  mkdirSync(join(dir, 'src'));
  for (const [name, body] of Object.entries(TARGETS)) {
    writeFileSync(join(dir, `src/${name}.ts`), `export function fuzz(data: Uint8Array): void { ${body} }`);
    writeFileSync(join(dir, `fuzz/${name}.fuzz.ts`), `export { fuzz } from '../src/${name}.ts';`);
  }
});

interface Line {
  event?: string;
  result?: string;
  path?: string;
  executions?: number;
  seed?: number;
}

function fuzz(...args: string[]): { status: number | null; stderr: string; lines: Line[] } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(dir, 'fuzz/run.ts'), ...args], {
    encoding: 'utf8',
  });
  return {
    status,
    stderr,
    lines: stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line])),
  };
}

test('a bug ends the run with exit code 1; its input is kept, and shows the bug again', () => {
  const { status, lines } = fuzz('--target', 'shallow', '--count', '1e5', '--seed', '1');
  const crash = lines.find(({ event }) => event === 'crash');
  assert.equal(status, 1);
  assert.equal(lines.at(-1)?.result, 'failed');
  const input = readFileSync(crash?.path ?? '');
  assert.equal(input[0], 7);
  const again = fuzz('--target', 'shallow', '--input', crash?.path ?? '');
  assert.match(again.stderr, /Error: found/);
  assert.notEqual(again.status, 0);
});

test('coverage leads it through a nested condition', () => {
  const { status, lines } = fuzz('--target', 'nested', '--seconds', '30', '--seed', '1');
  assert.equal(status, 1, JSON.stringify(lines.at(-1)));
});

test('a sound target passes as many executions as asked, from the seed that is told', () => {
  const { status, lines } = fuzz('--target', 'sound', '--count', '1000', '--seed', '5');
  const last = lines.at(-1);
  assert.deepEqual([status, last?.result, last?.seed], [0, 'passed', 5]);
  assert.ok((last?.executions ?? 0) >= 1000);
});

test('--save keeps what was new; --list and wrong use say what there is', () => {
  assert.equal(fuzz('--target', 'sound', '--seconds', '1', '--save').status, 0);
  assert.ok(readdirSync(join(dir, 'fuzz/corpus/sound')).length > 0);
  assert.deepEqual(fuzz('--list').lines.length, 3);
  const wrong = fuzz('--target', 'none');
  assert.deepEqual([wrong.status, wrong.stderr], [2, '--target must be one of: all nested shallow sound\n']);
  assert.equal(fuzz('--target', 'sound', '--count', 'many').status, 2);
});
