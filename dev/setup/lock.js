/**
 * One set-up at a time in a checkout. The lock is a symbolic link whose target names its owner
 * ("pid:start:host"), because creating one is atomic and leaves no moment without an owner's name.
 *
 * A lock is stale when its owner's process is gone (process id and start time), or, for an owner on another
 * host, after STALE_MS. Takeover is by rename and a second look, so of two that try only the later goes on.
 */

import { lstatSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Longer than any set-up that still makes progress. */
const STALE_MS = 15 * 60_000;
/** How often a waiting set-up looks again. */
const POLL_MS = 200;
/** Time in which a rival that judged the same lock stale must have renamed over ours. */
const SETTLE_MS = 300;

/** @param {string} root */
const lockPath = (root) => join(root, '.kith-setup.lock');

/** When a process started, in the kernel's ticks; null when it does not exist (or without /proc: unknown). @param {number} pid */
function startOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? '?';
  } catch {
    try {
      process.kill(pid, 0);
      return '?';
    } catch (error) {
      return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM' ? '?' : null;
    }
  }
}

/** @param {string} path @returns {string | null} */
function ownerOf(path) {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** @param {string} path @param {string} owner */
function isStale(path, owner) {
  const [pid = '', start, host] = owner.split(':');
  if (host === hostname()) return startOf(Number(pid)) !== start;
  try {
    return Date.now() - lstatSync(path).mtimeMs > STALE_MS;
  } catch {
    return false;
  }
}

/** Whether some set-up is changing the checkout now. @param {string} root */
export function isLocked(root) {
  return ownerOf(lockPath(root)) !== null;
}

/**
 * Runs `work` as the only set-up of this checkout.
 * @template T
 * @param {string} root
 * @param {(line: string) => void} say
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(root, say, work) {
  const path = lockPath(root);
  const self = `${process.pid}:${startOf(process.pid)}:${hostname()}`;
  await acquire(path, self, say);
  try {
    return await work();
  } finally {
    if (ownerOf(path) === self) rmSync(path, { force: true });
  }
}

/** @param {string} path @param {string} self @param {(line: string) => void} say */
async function acquire(path, self, say) {
  for (let told = false; ; ) {
    try {
      symlinkSync(self, path);
      return;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    const owner = ownerOf(path);
    if (owner !== null && isStale(path, owner)) {
      const mine = `${path}.${process.pid}`;
      rmSync(mine, { force: true });
      symlinkSync(self, mine);
      renameSync(mine, path);
      await delay(SETTLE_MS);
      if (ownerOf(path) === self) return;
      continue;
    }
    if (owner !== null && !told)
      say(`another set-up of this checkout is running (process ${owner.split(':')[0]}); waiting`);
    told = true;
    await delay(POLL_MS);
  }
}
