/**
 * node_modules against package-lock.json: npm's own record of what it installed is compared entry by entry,
 * so a tree that npm already made right is taken as it is.
 *
 * `npm install --no-save` and this comparison stand in for `npm ci`, which refuses a lock file that lacks the
 * optional packages of other platforms; a registry mirror without them makes such lock files.
 */

import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SetupError, run } from './command.js';

/**
 * @typedef {{ version?: string, integrity?: string, link?: boolean, optional?: boolean }} LockEntry
 * @typedef {Record<string, unknown>} Manifest
 */

/** @param {string} path */
function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

/**
 * Whether `installed` (node_modules/.package-lock.json) is what `wanted` (package-lock.json) asks for. Optional
 * packages may be missing: they are for other platforms.
 * @param {Record<string, LockEntry>} wanted
 * @param {Record<string, LockEntry>} installed
 */
export function sameTree(wanted, installed) {
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = installed[path];
    if (found === undefined && entry.optional === true) continue;
    if (found === undefined || found.version !== entry.version || found.integrity !== entry.integrity)
      return false;
  }
  return Object.keys(installed).every((path) => wanted[path] !== undefined);
}

const DEPENDENCY_FIELDS = ['dependencies', 'devDependencies', 'optionalDependencies', 'workspaces'];

/** A dependency field as text, whatever the order of its names. @param {unknown} field */
function spell(field) {
  return typeof field === 'object' && field !== null
    ? Object.entries(field).map(String).toSorted().join('\n')
    : '';
}

/**
 * Whether a lock file was made for this package.json.
 * @param {Manifest | null} manifest
 * @param {Manifest | undefined} locked
 */
export function sameManifest(manifest, locked) {
  return (
    manifest !== null && DEPENDENCY_FIELDS.every((field) => spell(manifest[field]) === spell(locked?.[field]))
  );
}

/** @param {string} root */
export function packagesAreCurrent(root) {
  const wanted = readJson(join(root, 'package-lock.json'))?.packages;
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  return (
    wanted !== undefined &&
    installed !== undefined &&
    lockIsCurrent(root, wanted) &&
    sameTree(wanted, installed)
  );
}

/** @param {string} root @param {Record<string, Manifest>} wanted */
function lockIsCurrent(root, wanted) {
  const ours = Object.keys(wanted).filter((path) => !path.includes('node_modules'));
  return ours.every((path) => sameManifest(readJson(join(root, path, 'package.json')), wanted[path]));
}

/** @param {string} root @param {(line: string) => void} say */
export async function installPackages(root, say) {
  const wanted = readJson(join(root, 'package-lock.json'))?.packages;
  if (wanted === undefined || !lockIsCurrent(root, wanted)) {
    throw new SetupError(1, 'package-lock.json does not match package.json; run: npm install');
  }
  say('installing packages');
  const started = Date.now();
  // npm must not run on the Node.js below node_modules, which it may be about to replace
  const inside = join(root, 'node_modules');
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.startsWith(inside))
    .join(delimiter);
  const cli = process.env.npm_execpath;
  const node = process.env.npm_node_execpath ?? process.execPath;
  const direct = cli?.endsWith('.js') === true && !node.startsWith(inside) ? [node, cli] : ['npm'];
  const [command = 'npm', ...head] = direct;
  const flags = [
    '--no-save',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    '--loglevel=error',
  ];
  const { code, output } = await run(command, [...head, 'install', ...flags], {
    cwd: root,
    env: { ...process.env, PATH: path },
  });
  if (code === 127) throw new SetupError(1, 'npm was not found; install npm and run the same command again');
  if (code !== 0) throw new SetupError(1, `npm install failed (exit code ${code}):\n${output}`);
  if (!packagesAreCurrent(root)) {
    throw new SetupError(1, 'npm installed something else than package-lock.json asks for; run: npm install');
  }
  say(`packages installed in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}
