/** The parts of `npm run check` that are the project's own, on inputs that must fail. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import {
  defaultInstall,
  isAllowedLicence,
  type Lock,
  lockProblems,
  readLock,
} from '../../dev/check/dependencies.ts';
import { problemsOf } from '../../dev/check/tracked-files.ts';
import { formatsOf } from '../../dev/fuzz-targets.ts';

const root = resolve(import.meta.dirname, '../..');

test('licence expressions: one allowed choice is enough, every part of a choice is needed', () => {
  for (const licence of [
    'MIT',
    '(Apache-2.0 OR MIT)',
    'GPL-3.0-only OR MIT',
    'MIT AND ISC',
    '(GPL-3.0 AND MIT) OR BSD-3-Clause'.replace(/[()]/g, ''),
  ]) {
    assert.equal(isAllowedLicence(licence), true, licence);
  }
  for (const licence of [
    'GPL-3.0-only',
    'AGPL-3.0-or-later',
    'MIT AND GPL-3.0-only',
    'unknown',
    '',
    'SEE LICENSE IN x',
    '(MIT OR (GPL-2.0 AND ISC))',
  ]) {
    assert.equal(isAllowedLicence(licence), false, licence);
  }
});

test('the default install is what the package reaches without its development dependencies', () => {
  const lock: Lock = {
    '': { dependencies: { a: '1' }, devDependencies: { dev: '1' } },
    'node_modules/a': {
      dependencies: { b: '1' },
      peerDependencies: { peer: '1', maybe: '1' },
      peerDependenciesMeta: { maybe: { optional: true } },
    },
    'node_modules/a/node_modules/b': { optionalDependencies: { c: '1', absent: '1' } },
    'node_modules/b': { dependencies: { dev: '1' } },
    'node_modules/c': { dependencies: { a: '1' } },
    'node_modules/peer': {},
    'node_modules/maybe': {},
    'node_modules/dev': {},
  };
  assert.deepEqual(defaultInstall(lock), [
    'node_modules/a',
    'node_modules/a/node_modules/b',
    'node_modules/c',
    'node_modules/peer',
  ]);
});

test('the real lock file has a default install without the tools', () => {
  const installed = defaultInstall(readLock(root));
  assert.ok(installed.includes('node_modules/@libp2p/interface'));
  assert.ok(!installed.some((path) => /typescript|oxlint|node-linux/.test(path)));
});

test('an address in either lock file is found, a link is not one', (context) => {
  const dir = mkdtempSync(join(tmpdir(), 'lock-'));
  context.after(() => rmSync(dir, { recursive: true, force: true }));
  const files = ['package-lock.json', 'bench/e2e/comparator/package-lock.json'];
  const write = (file: string, packages: Lock): void => {
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    writeFileSync(join(dir, file), JSON.stringify({ packages }));
  };
  const clean: Lock = { '': {}, 'node_modules/a': {}, 'node_modules/b': { resolved: 'b', link: true } };
  for (const file of files) write(file, clean);
  assert.deepEqual(lockProblems(dir), []);
  for (const file of files) {
    write(file, { ...clean, 'node_modules/c': { resolved: 'https://c.example/c.tgz' } });
    const problems = lockProblems(dir);
    assert.equal(problems.length, 1, file);
    assert.ok(problems[0]?.startsWith(`${file}: node_modules/c: `), problems.join('\n'));
    write(file, clean);
  }
  assert.deepEqual(lockProblems(root), []);
});

test('registries and paths of one machine are found, other text is not', () => {
  // put together here, so that this file itself passes the check
  const slash = '/';
  const host = ['registry', 'example', 'org'].join('.');
  for (const bad of [
    `see https://${host}/kith`,
    `npm config set ${host}`,
    `run it in ${slash}root${slash}kith`,
    `"${slash}home${slash}someone${slash}kith"`,
  ]) {
    assert.equal(problemsOf('a.md', `fine\n${bad}\n`).length, 1, bad);
    assert.match(problemsOf('a.md', `fine\n${bad}\n`)[0] ?? '', /^a\.md:2: a /);
  }
  for (const good of [
    '/usr/bin/tor',
    'network/root/x',
    '~/work/kith',
    'https://www.npmjs.com/package/kith',
    'the registry. It',
  ]) {
    assert.deepEqual(problemsOf('a.md', good), [], good);
  }
});

test('format names are read from literals and constants, and an unreadable one is told', () => {
  const text =
    "const FORMAT = 'b-c';\nthrow new MalformedError('a', 'x');\nthrow new MalformedError(\n  FORMAT,\n  'x',\n);\nnew MalformedError(OTHER, '')";
  assert.deepEqual(formatsOf(text), ['a', 'b-c', '(unreadable: OTHER)']);
});

describe('lint', () => {
  const dir = mkdtempSync(join(tmpdir(), 'lint-'));

  test('refuses what breaks the layers, and floating promises', (context) => {
    context.after(() => rmSync(dir, { recursive: true, force: true }));
    for (const name of ['oxlint.config.ts', 'tsconfig.json', 'package.json', 'dev/layers.ts']) {
      cpSync(join(root, name), join(dir, name), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
    const files: Record<string, string> = {
      'src/wire/a.ts': [
        "import { b } from '../net/b.ts';",
        "import { readFileSync } from 'node:fs';",
        "import type { PeerId } from '@libp2p/interface';",
        "import { sha256 } from '@noble/hashes/sha2.js';",
        "import { c } from '../safety/c.ts';",
        'export const all: [unknown, unknown, unknown, unknown, PeerId?] = [b, readFileSync, sha256, c];',
      ].join('\n'),
      'src/net/b.ts': "import { n } from '../node.ts';\nexport const b = n;\nconsole.log(b);\n",
      'src/chat/d.ts':
        'export async function d(): Promise<void> {}\nexport function e(): void {\n  d();\n}\n',
      'src/mailbox/f.ts': "export { d } from '../chat/d.ts';\n",
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
    }
    const { stdout, status } = spawnSync(
      process.execPath,
      [join(root, 'node_modules/.bin/oxlint'), '--type-aware', '-f', 'unix'],
      { cwd: dir, encoding: 'utf8' },
    );
    const found = stdout
      .split('\n')
      .flatMap(
        (line) =>
          /^(src\/[\w./]+):(\d+):.*\[Error\/[\w-]*\(?([\w-]+)\)?\]/.exec(line)?.slice(1).join(' ') ?? [],
      )
      .toSorted();
    assert.deepEqual(
      found,
      [
        'src/chat/d.ts 3 no-floating-promises',
        'src/mailbox/f.ts 1 no-restricted-imports',
        'src/net/b.ts 1 no-restricted-imports',
        'src/net/b.ts 3 no-console',
        'src/wire/a.ts 1 no-restricted-imports',
        'src/wire/a.ts 2 no-restricted-imports',
        'src/wire/a.ts 3 no-restricted-imports',
      ],
      stdout,
    );
    assert.notEqual(status, 0);
  });
});
