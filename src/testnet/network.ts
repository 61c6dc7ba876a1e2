/**
 * Starts and stops a real, private Tor network on loopback.
 *
 * Order of things: the reaper first, so that nothing can be left behind; then keys; then all tors at once; ready
 * when each of them has built a circuit. Whatever fails takes all of it down again.
 */

import { chmod, mkdir, mkdtemp, readdir, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { systemClock } from '../safety/clock.ts';
import { TorError } from '../transport-tor/tor/errors.ts';
import { locateTor } from '../transport-tor/tor/locate.ts';
import { launch, type Launched, type TestnetProgress } from './launch.ts';
import { TestnetError } from './errors.ts';
import { LAUNCH_ATTEMPTS, READY_TIMEOUT_MS } from './limits.ts';
import { identifyProcess, type ProcessIdentity } from './process-identity.ts';
import { Reaper } from './reaper.ts';
import { writeRecord } from './record.ts';
import { keepBusy } from './traffic.ts';

export interface TestnetInit {
  /** Must be missing or empty; it is made, and removed at the end. Default: a new one in the system's temporary folder. */
  readonly dir?: string;
  /** Gives up the start and cleans up. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TestnetProgress) => void;
  /** The tor program; default: found as {@link locateTor} does. */
  readonly binary?: string;
}

export interface Testnet {
  readonly dir: string;
  /** torrc lines that make a tor client join. */
  readonly clientConfig: readonly string[];
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  /** Milliseconds that the start took. */
  readonly tookMs: number;
  /** Resolves when the network is gone, whoever ended it. */
  readonly closed: Promise<void>;
  /** Ends all processes and removes the directory. May be called more than once. */
  stop(): Promise<void>;
}

/**
 * Starts a network of three authorities and four relays. Throws TestnetError, TorError or the signal's reason;
 * then nothing is left of it.
 */
export async function startTestnet(init: TestnetInit = {}): Promise<Testnet> {
  const startedAt = performance.now();
  const elapsedMs = (): number => Math.round(performance.now() - startedAt);
  const { path: torPath } = await locateTor({ binary: init.binary, signal: init.signal });
  const dir = await makeDir(init.dir);
  const reaper = new Reaper(dir);
  const deadline = AbortSignal.timeout(READY_TIMEOUT_MS);
  const signal = init.signal === undefined ? deadline : AbortSignal.any([deadline, init.signal]);
  const report = (phase: TestnetProgress['phase'], ready: number, total: number): void =>
    init.onProgress?.({ phase, ready, total, elapsedMs: elapsedMs() });
  let up: Launched | null = null;
  const ended = new AbortController();
  void reaper.done.then(() => ended.abort()); // never rejects
  const stop = async (): Promise<void> => {
    ended.abort();
    await Promise.all((up?.members ?? []).map((member) => member.stop()));
    await reaper.clean();
  };
  try {
    for (let attempt = 1; up === null; attempt++) {
      up = await launch({ dir: join(dir, `try${attempt}`), torPath, reaper, signal, report }).catch(
        (error: unknown) => {
          if (error instanceof TorError && error.code === 'TOR_BIND' && attempt < LAUNCH_ATTEMPTS)
            return null;
          throw error;
        },
      );
    }
    const processes = up.members.map(({ name, process: { pid } }) => ({ name, pid: pid as number }));
    const { clientConfig } = up;
    await writeRecord(dir, {
      version: 1,
      startedAt: new Date(Date.now() - elapsedMs()).toISOString(),
      tookMs: elapsedMs(),
      owner: await identify(process.pid),
      reaper: await identify(reaper.pid),
      processes,
      clientConfig,
    });
    void keepBusy(up.members, systemClock, ended.signal); // never rejects, ends with the network
    report('ready', processes.length, processes.length);
    return { dir, clientConfig, processes, tookMs: elapsedMs(), closed: reaper.done, stop };
  } catch (error) {
    await stop();
    throw deadline.aborted && error === deadline.reason ? tooSlow() : error;
  }
}

async function makeDir(wanted: string | undefined): Promise<string> {
  if (wanted === undefined) return realpath(await mkdtemp(join(tmpdir(), 'kith-testnet-')));
  const dir = resolve(wanted);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if ((await readdir(dir)).length > 0) {
    throw new TestnetError('TESTNET_DIR_IN_USE', 'the directory for the test network is not empty', {
      hint: 'Name a directory that does not exist yet: it is removed with the network.',
    });
  }
  await chmod(dir, 0o700); // it may have been there, and nobody joins a network that others could have written
  return realpath(dir);
}

async function identify(pid: number): Promise<ProcessIdentity> {
  const identity = await identifyProcess(pid);
  if (identity !== null) return identity;
  throw new TestnetError('TESTNET_RELAY_DIED', 'a process of the test network ended before it was ready', {
    hint: 'Something on this machine ended it; start again.',
  });
}

function tooSlow(): TestnetError {
  return new TestnetError('TESTNET_TIMEOUT', 'the test network was not ready in time', {
    hint: 'The machine may be overloaded; start again when it is less busy.',
    data: { limitMs: READY_TIMEOUT_MS },
  });
}
