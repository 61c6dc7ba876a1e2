/** `npm run build`: src compiled into dist (JavaScript, declarations, source maps), from nothing; fails on any error. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

rmSync(join(root, 'dist'), { recursive: true, force: true });
const compiler = join(root, 'node_modules', '.bin', 'tsc');
const { status, error } = spawnSync(compiler, ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
if (error !== undefined) throw error;
if (status !== 0) process.exit(status ?? 1);

/** Files that package.json promises: the targets of its exports, and what the launcher starts. */
function promised(): string[] {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: object };
  const targets = JSON.stringify(exports).match(/\.\/dist\/[^"]+/g) ?? [];
  return [...targets, './dist/cli/main.js'];
}

const missing = promised().filter((path) => !existsSync(join(root, path)));
if (missing.length > 0) {
  process.stderr.write(`build: package.json names files that the build did not make: ${missing.join(' ')}\n`);
  process.exit(1);
}
