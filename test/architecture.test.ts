/** The layer picture holds in the code as it is, and each of its rules can fail. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { violations } from '../dev/architecture.ts';
import { FOLDERS, layerOf, mayImport } from '../dev/layers.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function readSources(): Map<string, string> {
  const sources = new Map<string, string>();
  for (const folder of ['src', 'web', 'dev', 'fuzz', 'bench', 'sim', 'examples']) {
    let entries;
    try {
      entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
    } catch {
      continue; // a part that does not exist yet
    }
    for (const entry of entries) {
      if (!entry.isFile() || !/\.[jt]s$/.test(entry.name) || entry.parentPath.includes('node_modules'))
        continue;
      const path = join(entry.parentPath, entry.name);
      sources.set(relative(root, path), readFileSync(path, 'utf8'));
    }
  }
  return sources;
}

test('the code follows the layer picture', () => {
  const sources = readSources();
  assert.ok(
    [...sources.keys()].some((path) => path.startsWith('src/safety/')),
    'the sources were found',
  );
  assert.deepEqual(violations(sources), []);
});

test('the table has an order: nothing may import what may import it', () => {
  for (const from of FOLDERS) {
    assert.equal(mayImport('safety', from), from === 'safety');
    const rank = layerOf(from)?.rank;
    const backwards = FOLDERS.filter(
      (to) => mayImport(from, to) && mayImport(to, from) && layerOf(to)?.rank !== rank,
    );
    assert.deepEqual(backwards, []);
  }
  assert.equal(mayImport('node', 'testnet'), false);
  assert.equal(mayImport('cli', 'testnet'), true);
  assert.equal(mayImport('chat', 'mailbox'), false);
  assert.equal(mayImport('nowhere', 'safety'), false);
});

/** Each broken tree is told by exactly the rule it breaks. */
const broken: [string, Record<string, string>, RegExp][] = [
  [
    'upward import',
    { 'src/wire/a.ts': "import { b } from '../net/b.ts';", 'src/net/b.ts': '' },
    /wire must not import net/,
  ],
  [
    'upward type',
    { 'src/safety/a.ts': "import type { B } from '../kem/b.ts';", 'src/kem/b.ts': '' },
    /safety must not import kem/,
  ],
  [
    'upward re-export',
    { 'src/net/a.ts': "export * from '../transport-tor/b.ts';" },
    /net must not import transport-tor/,
  ],
  ['dynamic import', { 'src/net/a.ts': "const b = await import('../node.ts');" }, /net must not import node/],
  [
    'import over several lines',
    { 'src/net/a.ts': "import {\n  a,\n  b,\n} from '../cli/b.ts';" },
    /net must not import cli/,
  ],
  [
    'siblings of L4',
    { 'src/chat/a.ts': "import { b } from '../mailbox/b.ts';" },
    /chat must not import mailbox/,
  ],
  [
    'the node and the test network',
    { 'src/node.ts': "import { b } from './testnet/b.ts';" },
    /node must not import testnet/,
  ],
  ['outside src', { 'src/net/a.ts': "import { b } from '../../dev/b.ts';" }, /outside src/],
  ['unknown folder', { 'src/utils/a.ts': '' }, /in no layer/],
  [
    'node in a pure layer',
    { 'src/wire/a.ts': "import { readFileSync } from 'node:fs';" },
    /pure layer wire imports node:fs/,
  ],
  [
    'libp2p in a pure layer',
    { 'src/kem/a.ts': "import type { PeerId } from '@libp2p/interface';" },
    /pure layer kem imports/,
  ],
  ['package of a like name', { 'src/wire/a.ts': "import '@noble/hashes-not';" }, /pure layer wire imports/],
  ['clock in a pure layer', { 'src/wire/a.ts': 'const now = Date.now();' }, /uses Date\.now/],
  ['randomness in a pure layer', { 'src/kem/a.ts': 'crypto.getRandomValues(bytes);' }, /uses crypto\./],
  [
    'file cycle',
    { 'src/net/a.ts': "import './b.ts';", 'src/net/b.ts': "import './a.ts';" },
    /cycle between files/,
  ],
  [
    'folder cycle',
    {
      'src/wire/a.ts': "import '../kem/a.ts';",
      'src/kem/a.ts': '',
      'src/kem/b.ts': "import '../wire/b.ts';",
      'src/wire/b.ts': '',
    },
    /cycle between folders/,
  ],
  ['too long', { 'src/net/a.ts': '\n'.repeat(251) }, /251 lines/],
  ['too long for the web', { 'web/a.ts': '\n'.repeat(251) }, /251 lines/],
  ['console', { 'src/net/a.ts': 'console.log(1);' }, /console outside/],
  ['left over', { 'src/net/a.ts': ['// TO', 'DO: later'].join('') }, /left in the file/],
  ['timer at import', { 'src/net/a.ts': 'const timer = setInterval(() => {}, 10);' }, /by importing/],
  ['handler at import', { 'src/net/a.ts': "process.on('exit', () => {});" }, /by importing/],
];

for (const [name, tree, expected] of broken) {
  test(`refused: ${name}`, () => {
    const found = violations(new Map(Object.entries(tree)));
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0] ?? '', expected);
  });
}

test('comments, strings, templates and regular expressions are not code', () => {
  const text = [
    "/* import { x } from '../cli/x.ts'; console.log() */",
    "// import '../cli/y.ts'; it's fine",
    "const a = 'console.log()';",
    'const b = `',
    "import '../cli/z.ts';",
    '`;',
    'const c = /[\'"]console.log\\(/.test(a) ? 4 / 2 : 1;',
    "import { ok } from '../safety/ok.ts';",
  ].join('\n');
  assert.deepEqual(violations(new Map([['src/net/a.ts', text]])), []);
  assert.equal(violations(new Map([['src/net/a.ts', `${text}\nconsole.log();`]])).length, 1);
});
