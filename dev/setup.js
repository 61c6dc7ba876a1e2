/**
 * Everything a checkout needs before one of its scripts can run: packages, a new enough Node.js, tor.
 *
 *   node dev/setup.js [--no-tor] [script [arguments...]]
 *
 * Plain JavaScript for Node.js 20 and its standard library alone, because it runs before anything is installed.
 * Says nothing when there is nothing to do, and never writes to stdout, so a script's `--json` stays pure.
 * Exit codes: the script's own; 1 an installation failed; 69 tor is missing; 70 no Node.js is new enough.
 *
 * Not guaranteed: packages deleted by hand from node_modules are not noticed (npm's own record is compared).
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Interrupted, SetupError, signalNumber } from './setup/command.js';
import { withLock, isLocked } from './setup/lock.js';
import { installPackages, packagesAreCurrent } from './setup/packages.js';
import { chooseRuntime, launch } from './setup/runtime.js';
import { findTor, installTor, torAdvice } from './setup/tor.js';

const root = resolve(fileURLToPath(new URL('..', import.meta.url)));
const stampPath = join(root, 'node_modules', '.kith-setup.json');

/** @type {(line: string) => void} */
const say = (line) => void process.stderr.write(`set-up: ${line}\n`);

/** What earlier runs found out about binaries, each valid as long as the file keeps its size and time. */
function readStamp() {
  try {
    return JSON.parse(readFileSync(stampPath, 'utf8'));
  } catch {
    return {};
  }
}

/** @param {boolean} wantsTor */
async function prepare(wantsTor) {
  const before = readStamp();
  const locked = isLocked(root);
  if (!locked && packagesAreCurrent(root)) {
    const runtime = chooseRuntime(root, before);
    const tor = wantsTor ? findTor(process.env, before) : null;
    if (!wantsTor || tor !== null) return save(before, runtime, tor);
  }
  return withLock(root, say, async () => {
    if (!packagesAreCurrent(root)) await installPackages(root, say);
    const stamp = readStamp();
    const runtime = chooseRuntime(root, stamp);
    let tor = wantsTor ? findTor(process.env, stamp) : null;
    if (wantsTor && tor === null) {
      await installTor({ say });
      tor = findTor(process.env, stamp);
      if (tor === null) throw new SetupError(69, torAdvice(process.env));
    }
    return save(stamp, runtime, tor);
  });
}

/**
 * @param {object} before
 * @param {import('./setup/runtime.js').Binary} runtime
 * @param {import('./setup/runtime.js').Binary | null} tor
 */
function save(before, runtime, tor) {
  const after = { ...before, runtime, ...(tor === null ? {} : { tor }) };
  if (JSON.stringify(after) !== JSON.stringify(before))
    writeFileSync(stampPath, `${JSON.stringify(after)}\n`);
  return runtime;
}

const given = process.argv.slice(2);
const wantsTor = given[0] !== '--no-tor';
const [script, ...args] = wantsTor ? given : given.slice(1);
try {
  const runtime = await prepare(wantsTor);
  if (script !== undefined) {
    const path = [join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter);
    await launch(runtime.path, [resolve(root, script), ...args], { ...process.env, PATH: path });
  }
} catch (error) {
  if (error instanceof Interrupted) process.exit(128 + signalNumber(error.signal));
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exit(error.exitCode);
}
