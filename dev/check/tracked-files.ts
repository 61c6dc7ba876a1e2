/** Files that would be committed must not tell about the machine they were written on. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** [what it is, pattern]. Each is written so that it does not find its own line. */
const FORBIDDEN: readonly (readonly [string, RegExp])[] = [
  [
    'a package registry',
    /\bhttps?:\/\/[\w.-]*(?:registry|artifactory|verdaccio|nexus)[\w.-]*|\bregistry\.[a-z0-9-]+\.[a-z]{2,}/i,
  ],
  ['a path of one machine', /(?<![\w.~-])\/(?:work|root|home\/[\w-]+|Users\/[\w-]+)\/[\w.-]/],
];

/** "path:line: what" for each find in files that git tracks or would add. */
export function trackedFileProblems(root: string): string[] {
  const list = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  });
  return list.split('\0').flatMap((path) => (path === '' ? [] : problemsOf(path, read(join(root, path)))));
}

/** What a text tells about its machine. */
export function problemsOf(path: string, text: string): string[] {
  return text.split('\n').flatMap((line, i) =>
    FORBIDDEN.flatMap(([what, pattern]) => {
      const found = pattern.exec(line)?.[0];
      return found === undefined ? [] : [`${path}:${i + 1}: ${what}: ${found}`];
    }),
  );
}

/** Text of a file; nothing for one that git still lists and that was deleted, or that is not text. */
function read(path: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    return text.includes('\0') ? '' : text;
  } catch {
    return '';
  }
}
