/** Decoders and their fuzz targets belong together by name: the format in a MalformedError is that of its target. */

import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readCorpus, targetNames } from '../fuzz/targets.ts';

const root = resolve(import.meta.dirname, '..');

/**
 * The format names with which a source text makes MalformedErrors, or readers that do: literals, or constants of the
 * same file.
 */
export function formatsOf(text: string): string[] {
  const literal = (word: string): string | undefined =>
    /^['"]/.test(word)
      ? word.slice(1, -1)
      : new RegExp(`const ${word}[^=]*= ['"]([^'"]+)['"]`).exec(text)?.[1];
  return [...text.matchAll(/new MalformedError\(\s*('[^']+'|"[^"]+"|[A-Z_]+)/g)].flatMap(
    (match) => literal(match[1] as string) ?? `(unreadable: ${match[1]})`,
  );
}

/** "format (file)" of every decoder in src without a fuzz target of its name. */
export function formatsWithoutTarget(): string[] {
  const targets = new Set(targetNames());
  const missing = globSync('src/**/*.ts', { cwd: root }).flatMap((path) =>
    formatsOf(readFileSync(join(root, path), 'utf8'))
      .filter((format) => !targets.has(format))
      .map((format) => `${format} (${path})`),
  );
  return [...new Set(missing)].toSorted();
}

/** Targets without a seed. */
export function targetsWithoutSeeds(): string[] {
  return targetNames().filter((name) => readCorpus(name).length === 0);
}
