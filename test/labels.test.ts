/** Labels separate the uses of a key or a hash: each stands once in the code, once in docs/wire.md, and begins no other. */

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeOf } from '../dev/source-text.ts';

const root = join(import.meta.dirname, '..');
const LABEL = /kith\/1\/[a-z0-9/-]*/g;

/** Labels in the code of a file: comments left out. */
function labelsOf(text: string): string[] {
  return [...codeOf(text, 'keep').matchAll(LABEL)].map(([label]) => label);
}

const inCode = new Map<string, string[]>();
for (const path of globSync('src/**/*.ts', { cwd: root })) {
  for (const label of labelsOf(readFileSync(join(root, path), 'utf8'))) {
    inCode.set(label, [...(inCode.get(label) ?? []), path]);
  }
}

test('each label stands in one place of the code', () => {
  assert.ok(inCode.size >= 10, 'labels were found');
  for (const [label, places] of inCode) assert.equal(places.length, 1, `${label}: ${places.join(', ')}`);
  for (const path of globSync('src/**/*.ts', { cwd: root })) {
    const templates = readFileSync(join(root, path), 'utf8').match(/`kith\/1\//);
    assert.equal(templates, null, `${path}: a label in a template is one that this test cannot see`);
  }
});

test('no label begins another, so none can be mistaken for another with data behind it', () => {
  const labels = [...inCode.keys()].toSorted();
  for (const [i, label] of labels.entries()) {
    assert.ok(!labels[i + 1]?.startsWith(label), `${label} begins ${labels[i + 1]}`);
  }
});

test('the table of docs/wire.md names them all and no other', () => {
  const [, table = ''] = readFileSync(join(root, 'docs/wire.md'), 'utf8').split(/^## Labels$/m);
  const rows = [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, label]) => label as string);
  assert.deepEqual(rows.toSorted(), [...inCode.keys()].toSorted());
});

test('labels are found in strings and not in comments', () => {
  assert.deepEqual(labelsOf("// kith/1/a/b\nconst A = utf8('kith/1/c/d');"), ['kith/1/c/d']);
});
