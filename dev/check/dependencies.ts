/** What `npm install kith` brings along: its licences, its install scripts, and a lock file that names no registry. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** An entry of package-lock.json, lockfileVersion 3. */
export interface LockEntry {
  readonly license?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

export type Lock = Readonly<Record<string, LockEntry>>;

/** Licences that leave kith's own `Apache-2.0 OR MIT` as it is. */
const ALLOWED_LICENCES: ReadonlySet<string> = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Unlicense',
  'CC0-1.0',
  'BlueOak-1.0.0',
]);

/** Every lock file in the repository, from its root. */
const LOCK_FILES: readonly string[] = ['package-lock.json', 'bench/e2e/comparator/package-lock.json'];

/** Packages that may run code when they are installed, with the reason. None does. */
const ALLOWED_INSTALL_SCRIPTS: Readonly<Record<string, string>> = {};

export function readLock(root: string, file = 'package-lock.json'): Lock {
  return (JSON.parse(readFileSync(join(root, file), 'utf8')) as { packages: Lock }).packages;
}

/** Whether a licence expression (SPDX) can be satisfied by allowed licences alone. Unknown syntax is a no. */
export function isAllowedLicence(expression: string): boolean {
  const text = expression.trim();
  if (text.startsWith('(') && text.endsWith(')') && !text.slice(1, -1).includes('('))
    return isAllowedLicence(text.slice(1, -1));
  if (text.includes('(')) return false;
  return text
    .split(/ OR /i)
    .some((choice) => choice.split(/ AND /i).every((part) => ALLOWED_LICENCES.has(part.trim())));
}

/** Lock paths of the default install: everything reachable from the package without its development dependencies. */
export function defaultInstall(lock: Lock): string[] {
  const reached = new Set<string>();
  const waiting = [''];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    for (const name of needsOf(lock[path] ?? {})) {
      const found = resolveIn(lock, path, name);
      if (found === null || reached.has(found)) continue;
      reached.add(found);
      waiting.push(found);
    }
  }
  return [...reached].toSorted();
}

function needsOf(entry: LockEntry): string[] {
  const peers = Object.keys(entry.peerDependencies ?? {}).filter(
    (name) => entry.peerDependenciesMeta?.[name]?.optional !== true,
  );
  return [
    ...Object.keys(entry.dependencies ?? {}),
    ...Object.keys(entry.optionalDependencies ?? {}),
    ...peers,
  ];
}

/** Node's own search: the nearest node_modules upwards. */
function resolveIn(lock: Lock, from: string, name: string): string | null {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('node_modules/') - 1))) {
    const path = `${base === '' ? '' : `${base}/`}node_modules/${name}`;
    if (lock[path] !== undefined) return path;
    if (base === '') return null;
  }
}

/** Packages of the default install under a licence that is not allowed. */
export function dependencyProblems(root: string): string[] {
  const lock = readLock(root);
  return defaultInstall(lock).flatMap((path) => {
    const licence = licenceOf(root, path, lock);
    return isAllowedLicence(licence)
      ? []
      : [`${path}: licence ${licence} is not on the list in dev/check/dependencies.ts`];
  });
}

function licenceOf(root: string, path: string, lock: Lock): string {
  const manifest = join(root, path, 'package.json');
  // an optional package of another platform is not on disk
  if (!existsSync(manifest)) return lock[path]?.license ?? 'unknown';
  const { license } = JSON.parse(readFileSync(manifest, 'utf8')) as { license?: unknown };
  return typeof license === 'string' ? license : 'unknown';
}

/** Packages, development ones too, that want to run code at install without being on the list. */
export function installScriptProblems(root: string): string[] {
  return Object.entries(readLock(root)).flatMap(([path, entry]) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return entry.hasInstallScript === true && ALLOWED_INSTALL_SCRIPTS[name] === undefined
      ? [`${name}: has an install script and no reason in dev/check/dependencies.ts`]
      : [];
  });
}

/** Entries of all lock files that say from where they were downloaded: the machine's business, not the project's. */
export function lockProblems(root: string): string[] {
  return LOCK_FILES.flatMap((file) =>
    Object.entries(readLock(root, file)).flatMap(([path, { resolved, link }]) =>
      resolved === undefined || link === true
        ? []
        : [`${file}: ${path}: has a "resolved" address; .npmrc should have kept it out`],
    ),
  );
}
