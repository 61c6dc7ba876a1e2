/**
 * Which Node.js runs the scripts: the one installed with the packages (dev/runtime), else the current one if
 * it is new enough. On Node.js that can, the script replaces this process, so there is no wrapper to signal.
 */

import { spawn, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ENDING_SIGNALS, SetupError, signalNumber } from './command.js';

/** The oldest Node.js that kith supports: [major, minor]. */
export const OLDEST_NODE = [24, 11];

/** @typedef {{ path: string, mtimeMs: number, size: number }} Binary */

/**
 * What identifies a binary on disk; null when it is not an executable file.
 * @param {string} path
 * @returns {Binary | null}
 */
export function identify(path) {
  try {
    const { mtimeMs, size, mode } = statSync(path);
    return (mode & 0o111) === 0 ? null : { path, mtimeMs, size };
  } catch {
    return null;
  }
}

/** Whether an earlier run already looked at exactly this binary. @param {Binary} binary @param {Binary} [known] */
export function isKnown(binary, known) {
  return known?.path === binary.path && known.mtimeMs === binary.mtimeMs && known.size === binary.size;
}

/** @param {string} version such as "v24.11.0" */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/**
 * @param {string} root
 * @param {{ runtime?: Binary }} stamp
 * @returns {Binary}
 */
export function chooseRuntime(root, stamp) {
  const bundled = identify(join(root, 'node_modules', '.bin', 'node'));
  // a package for another C library installs but does not start, hence the try
  if (bundled !== null && (isKnown(bundled, stamp.runtime) || starts(bundled.path))) return bundled;
  const current = identify(process.execPath);
  if (current !== null && isNewEnough(process.version)) return current;
  throw new SetupError(
    70,
    `Node.js ${OLDEST_NODE.join('.')} or newer is needed and none comes with the packages for ${process.platform}-${process.arch}; ` +
      'install one, or run: npx -y -p node@26 node dev/setup.js <script>',
  );
}

/** @param {string} path */
function starts(path) {
  const { status, stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  return status === 0 && isNewEnough(stdout.trim());
}

/**
 * Runs a program in the place of this one, or as a child that receives our signals and gives us its exit code.
 * @param {string} node
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
export async function launch(node, args, env) {
  if (typeof process.execve === 'function') {
    process.execve(node, [node, ...args], env);
  }
  const child = spawn(node, args, { stdio: 'inherit', env });
  for (const signal of ENDING_SIGNALS) {
    // a terminal sends its own interrupt to the child as well; a second one would mean "at once" to many programs
    process.on(signal, () => void (signal === 'SIGINT' && process.stdin.isTTY ? false : child.kill(signal)));
  }
  process.exitCode = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 128 + signalNumber(signal)));
  });
}
