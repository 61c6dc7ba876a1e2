/**
 * The loop that owns the running tor: start, hand over what it should do, watch, replace.
 *
 * A tor that ends or freezes is replaced at once, then with growing delays. Order at each start: control
 * connection, events, onion services and client keys (while tor still bootstraps), then "ready".
 */

import type { Clock } from '../../safety/clock.ts';
import { KithError } from '../../safety/errors.ts';
import type { Log } from '../../safety/log.ts';
import type { RandomBytes } from '../../safety/random.ts';
import { RestartBackoff } from './backoff.ts';
import type { ControlClient } from './control.ts';
import { TorError, type TorErrorCode } from './errors.ts';
import { TorSession } from './session.ts';
import type { StatusBoard } from './status.ts';
import { type WatchdogLimits, watchTor } from './watchdog.ts';

/** Trouble that the next try would meet again: the first start reports it instead of retrying. */
const HOPELESS: readonly TorErrorCode[] = [
  'TOR_CONFIG',
  'TOR_DATA_DIR',
  'TOR_DATA_DIR_BUSY',
  'TOR_DISK_FULL',
  'TOR_BIND',
];

export interface SupervisorInit {
  readonly binary: string;
  readonly torrcPath: string;
  readonly controlPath: string;
  readonly watchdog: WatchdogLimits;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly status: StatusBoard;
  /** Told the connection to each new tor, and null when it is gone. Awaited before tor counts as ready. */
  readonly onControl: (control: ControlClient | null) => Promise<void>;
}

/** Keeps a tor running until `signal` is aborted; then none is left. Throws why it gave up. */
export async function superviseTor(init: SupervisorInit, signal: AbortSignal): Promise<void> {
  const backoff = new RestartBackoff();
  let everReady = false;
  for (;;) {
    const { error, readyMs } = await oneRun(init, signal);
    if (signal.aborted) return;
    everReady ||= readyMs > 0;
    if (!everReady && error instanceof TorError && HOPELESS.includes(error.code)) throw error;
    const delayMs = backoff.next(readyMs);
    if (delayMs === null) throw gaveUp(error);
    init.log('warn', 'tor is restarted', { why: error.message, delayMs });
    init.status.restarting(error.message);
    await init.clock.sleep(delayMs, signal).catch(() => {}); // an abort is seen by the next run
  }
}

/** One tor from its start to its end: why it ended, and for how long (ms) it had been ready. */
async function oneRun(init: SupervisorInit, signal: AbortSignal): Promise<{ error: Error; readyMs: number }> {
  const { clock, log, status } = init;
  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  let readyAt: number | null = null;
  let session: TorSession | null = null;
  let error: Error;
  try {
    session = await TorSession.open({
      ...init,
      onLine: (line) => log('debug', line),
      onBootstrap: (progress) => status.bootstrap(progress),
      signal,
    });
    status.set({ state: 'bootstrapping', pid: session.process.pid as number });
    await init.onControl(session.control);
    void session.bootstrapped.then(() => {
      if (until.aborted) return;
      readyAt = clock.monotonic();
      status.set({ state: 'ready', progress: 100 });
    });
    const frozen = watchTor({
      control: session.control,
      clock,
      log,
      limits: init.watchdog,
      signal: until,
      expectsCircuits: () => readyAt !== null,
      onCircuits: (working) =>
        status.set(working ? {} : { cause: 'no circuit works: the network may be down' }),
    });
    error = await Promise.race([session.lost, unlessNull(frozen), abortReason(until)]);
  } catch (caught) {
    error = caught as Error;
  }
  ended.abort(error);
  await init.onControl(null);
  await (signal.aborted ? session?.close() : session?.kill());
  return { error, readyMs: readyAt === null ? 0 : Math.max(1, clock.monotonic() - readyAt) };
}

/** Never settles when `promise` gives null. */
function unlessNull<T>(promise: Promise<T | null>): Promise<T> {
  return new Promise((resolve, reject) => {
    promise.then((value) => {
      if (value !== null) resolve(value);
    }, reject);
  });
}

function abortReason(signal: AbortSignal): Promise<Error> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(signal.reason as Error), { once: true });
    if (signal.aborted) resolve(signal.reason as Error);
  });
}

function gaveUp(cause: Error): TorError {
  return new TorError('TOR_GAVE_UP', `tor failed too often; last: ${cause.message}`, {
    hint: cause instanceof KithError ? cause.hint : 'Look at the log for the reason and start again.',
    cause,
  });
}
