/** What a process that did not start a network can do with it, knowing its directory. */

import { access } from 'node:fs/promises';
import { systemClock } from '../safety/clock.ts';
import { TestnetError } from './errors.ts';
import { REAPER_TIMEOUT_MS } from './limits.ts';
import { identifyProcess, isRunning } from './process-identity.ts';
import { readRecord, type TestnetRecord } from './record.ts';

export interface TestnetStatus {
  /** The process that started the network and on whose life it hangs. */
  readonly pid: number;
  readonly processes: readonly { readonly name: string; readonly pid: number; readonly alive: boolean }[];
  /** ISO 8601. */
  readonly startedAt: string;
  /** Milliseconds that the start took. */
  readonly tookMs: number;
}

/**
 * torrc lines by which a client joins the network in `dir`. Throws TestnetError TESTNET_NOT_FOUND when none runs
 * there, MalformedError when its record is damaged.
 */
export async function joinTestnet(dir: string): Promise<{ readonly clientConfig: readonly string[] }> {
  const record = await running(dir);
  if (record === null) {
    throw new TestnetError('TESTNET_NOT_FOUND', 'no test network runs in that directory', {
      hint: 'Start one with `kith testnet up`, or name the directory it runs in.',
    });
  }
  return { clientConfig: record.clientConfig };
}

/** State of the network in `dir`; null when none runs there. Throws MalformedError on a damaged record. */
export async function testnetStatus(dir: string): Promise<TestnetStatus | null> {
  const record = await running(dir);
  if (record === null) return null;
  const { owner, startedAt, tookMs } = record;
  const processes = await Promise.all(
    record.processes.map(async ({ name, pid }) => ({
      name,
      pid,
      alive: (await identifyProcess(pid)) !== null,
    })),
  );
  return { pid: owner.pid, processes, startedAt, tookMs };
}

/**
 * Ends the network in `dir`, whoever started it, and waits until its directory is gone; its owner sees `closed`
 * resolve. Only the recorded reaper is signalled, and only while it is still that process. Returns false when
 * none runs there. Throws TestnetError TESTNET_TIMEOUT, MalformedError or the signal's reason.
 */
export async function stopTestnet(dir: string, signal?: AbortSignal): Promise<boolean> {
  const record = await running(dir);
  if (record === null) return false;
  process.kill(record.reaper.pid, 'SIGTERM');
  const deadline = systemClock.monotonic() + REAPER_TIMEOUT_MS;
  while (await exists(dir)) {
    if (systemClock.monotonic() > deadline) {
      throw new TestnetError('TESTNET_TIMEOUT', 'the test network did not end in time', {
        hint: 'Look at its processes with `kith testnet status`.',
      });
    }
    await systemClock.sleep(20, signal);
  }
  return true;
}

/** The record of a network whose reaper lives, which is to say that the network does. */
async function running(dir: string): Promise<TestnetRecord | null> {
  const record = await readRecord(dir);
  return record !== null && (await isRunning(record.reaper)) ? record : null;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
