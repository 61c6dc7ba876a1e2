/**
 * Processes that a test run left behind: those started with its marker in their environment, or with its
 * temporary folder on their command line (tor runs with an environment of its own). Linux only: it reads /proc,
 * and finds nothing elsewhere.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Time that processes told to end still get, in milliseconds. */
const GRACE_MS = 3_000;

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // gone, or not ours to read
  }
}

function find(marker: string, scratch: string): { pid: number; command: string }[] {
  let names: string[] = [];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const pid = Number(name);
    if (pid === process.pid) return [];
    const command = read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim();
    const ours =
      command.includes(scratch) || read(`/proc/${name}/environ`).includes(`KITH_TEST_RUN=${marker}`);
    const ended = read(`/proc/${name}/stat`).includes(') Z ');
    return ours && !ended ? [{ pid, command }] : [];
  });
}

/** Waits a little for the run's processes to end, kills those that stay, and says which they were. */
export async function endLeftovers(marker: string, scratch: string, graceMs = GRACE_MS): Promise<string[]> {
  const deadline = performance.now() + graceMs;
  let left = find(marker, scratch);
  while (left.length > 0 && performance.now() < deadline) {
    await delay(100);
    left = find(marker, scratch);
  }
  for (const { pid } of left) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // ended by itself just now
    }
  }
  return left.map(({ pid, command }) => `${pid} ${command.slice(0, 200)}`);
}
