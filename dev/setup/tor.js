/**
 * tor for the scripts that need it: found where it usually is, or installed from Debian's packages when we are
 * root there. Installing never starts a system tor service and leaves none to start at the next boot.
 *
 * The version floor and the search are those of src/transport-tor/tor/locate.ts (a test compares them).
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SetupError, run } from './command.js';
import { identify, isKnown } from './runtime.js';

/** The oldest tor that knows PoWDefensesEnabled in ADD_ONION. */
export const OLDEST_TOR = [0, 4, 9, 2];

const USUAL_FOLDERS = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/opt/homebrew/bin'];

/** @param {string} text output of `tor --version` */
export function torIsNewEnough(text) {
  const version = /Tor version (\d+)\.(\d+)\.(\d+)\.(\d+)/.exec(text)?.slice(1).map(Number);
  if (version === undefined) return false;
  for (const [i, oldest] of OLDEST_TOR.entries()) {
    const part = version[i] ?? 0;
    if (part !== oldest) return part > oldest;
  }
  return true;
}

/** @param {string} path */
function canServe(path) {
  const ask = (/** @type {string} */ flag) =>
    spawnSync(path, [flag], { encoding: 'utf8', timeout: 10_000 }).stdout ?? '';
  return torIsNewEnough(ask('--version')) && /^pow: yes$/m.test(ask('--list-modules'));
}

/**
 * The first tor that is new enough and has the pow module; KITH_TOR, where set, is the only one looked at.
 * @param {NodeJS.ProcessEnv} env
 * @param {{ tor?: import('./runtime.js').Binary }} [stamp] what an earlier run found
 * @param {string[]} [folders] where to look after PATH
 */
export function findTor(env, stamp = {}, folders = USUAL_FOLDERS) {
  const searched = [...(env.PATH ?? '').split(delimiter).filter(Boolean), ...folders];
  const candidates = env.KITH_TOR ? [env.KITH_TOR] : searched.map((folder) => join(folder, 'tor'));
  for (const path of new Set(candidates)) {
    const binary = identify(path);
    if (binary !== null && (isKnown(binary, stamp.tor) || canServe(path))) return binary;
  }
  return null;
}

/** The one line for a person without a usable tor. @param {NodeJS.ProcessEnv} env */
export function torAdvice(env) {
  const need = `tor ${OLDEST_TOR.join('.')} or newer with the pow module is needed`;
  if (env.KITH_TOR) return `${need}, and KITH_TOR names none; correct it or unset it`;
  const command =
    process.platform === 'darwin'
      ? 'brew install tor'
      : existsSync('/usr/bin/apt-get')
        ? 'sudo apt-get update && sudo apt-get install --no-install-recommends tor'
        : 'the install command of your system for the package "tor"';
  return `${need}; run: ${command}`;
}

/** First line after the interpreter's in the policy file that we put; tells a leftover of ours from anyone else's. */
const POLICY_MARK = '# kith set-up: no service is started while tor is being installed';

/**
 * Forbids service starts for the life of this process only: should we be killed before removing the file, it
 * allows everything again, and the next set-up removes it. A policy that is not ours is left alone.
 * @param {string} path
 * @returns {boolean} whether we put it there
 */
function forbidServices(path) {
  if (existsSync(path) && readFileSync(path, 'utf8').includes(POLICY_MARK)) rmSync(path);
  try {
    const body = `#!/bin/sh\n${POLICY_MARK}\n[ -d /proc/${process.pid} ] && exit 101\nexit 0\n`;
    writeFileSync(path, body, { flag: 'wx', mode: 0o755 });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/** @param {string} name @param {NodeJS.ProcessEnv} env */
const onPath = (name, env) =>
  (env.PATH ?? '').split(delimiter).some((folder) => identify(join(folder, name)) !== null);

/**
 * Installs Debian's tor where that is ours to do (root, apt-get, no KITH_TOR, KITH_NO_APT unset); elsewhere it
 * throws the advice, exit code 69.
 * @param {{ say: (line: string) => void, env?: NodeJS.ProcessEnv, isRoot?: boolean, policyPath?: string }} init
 */
export async function installTor({
  say,
  env = process.env,
  isRoot = process.getuid?.() === 0,
  policyPath = '/usr/sbin/policy-rc.d',
}) {
  if (env.KITH_TOR || env.KITH_NO_APT || !isRoot || !onPath('apt-get', env))
    throw new SetupError(69, torAdvice(env));
  say('installing tor (apt-get install tor); its system service is neither started nor enabled');
  const quiet = { ...env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const apt = (/** @type {string[]} */ ...args) =>
    run('apt-get', ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300', ...args], { env: quiet });
  const before = await run('dpkg-query', ['-W', '-f=${Status}', 'tor'], { env: quiet });
  const wasThere = before.output.includes('ok installed');
  const ours = forbidServices(policyPath);
  try {
    // a list that could not be refreshed may still be good enough; the install itself decides
    await apt('update');
    const { code, output } = await apt('install', '--no-install-recommends', 'tor');
    if (code !== 0)
      throw new SetupError(
        69,
        `apt-get could not install tor (exit code ${code}):\n${output}\n${torAdvice(env)}`,
      );
    if (!wasThere) await disableService(quiet);
  } finally {
    if (ours) rmSync(policyPath, { force: true });
  }
}

/** @param {NodeJS.ProcessEnv} env */
async function disableService(env) {
  if (onPath('systemctl', env)) await run('systemctl', ['disable', 'tor.service'], { env });
  if (onPath('update-rc.d', env)) await run('update-rc.d', ['tor', 'disable'], { env });
}
