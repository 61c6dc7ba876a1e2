/** What the documents cite exists: a promise without its test is none. */

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
/** A path from the root in backquotes: of a file, or of a folder of tests. */
const CITED = /`((?:src|test|sim|bench|fuzz|examples|dev)\/[\w./-]+)`/g;

for (const path of globSync('{*.md,docs/*.md}', { cwd: root })) {
  test(`every path that ${path} cites exists`, () => {
    const missing = [...readFileSync(join(root, path), 'utf8').matchAll(CITED)]
      .map(([, cited]) => cited as string)
      .filter((cited) => !existsSync(join(root, cited)));
    assert.deepEqual(missing, []);
  });
}
