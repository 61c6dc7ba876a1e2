/**
 * Notices what tor does not say: that it no longer answers, that the machine slept, that no circuit works.
 *
 * - No answer to a heartbeat for `frozenAfterMs`: tor is stopped or stuck. It is left alone until then, because a
 *   tor that was only stopped for half a minute goes on with all its circuits; after that only SIGKILL helps.
 * - The machine slept or the clock jumped: tor is woken (SIGNAL ACTIVE). After a long jump its connections are
 *   dead though they look open, so networking is switched off and on: that closes them and resets tor's backoff
 *   towards its guards, while guards, services and configuration stay. NEWNYM would keep the dead connections,
 *   and DROPGUARDS would change guards, which is what an attacker who cuts connections would like.
 * - No working circuit for `noCircuitAfterMs` though there was one: the same switch, again after each such time.
 */

import type { Clock } from '../../safety/clock.ts';
import type { Log } from '../../safety/log.ts';
import type { ControlClient } from './control.ts';
import { ControlError, TorError } from './errors.ts';
import {
  CLOCK_JUMP_MS,
  FROZEN_AFTER_MS,
  LONG_CLOCK_JUMP_MS,
  NO_CIRCUIT_AFTER_MS,
  WATCHDOG_INTERVAL_MS,
} from './limits.ts';

/** Milliseconds; see limits.ts for the defaults and their reasons. */
export interface WatchdogLimits {
  readonly intervalMs: number;
  readonly frozenAfterMs: number;
  readonly noCircuitAfterMs: number;
}

export const DEFAULT_WATCHDOG: WatchdogLimits = {
  intervalMs: WATCHDOG_INTERVAL_MS,
  frozenAfterMs: FROZEN_AFTER_MS,
  noCircuitAfterMs: NO_CIRCUIT_AFTER_MS,
};

export interface WatchdogInit {
  readonly control: ControlClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: WatchdogLimits;
  /** Whether circuits should work by now; during the bootstrap they need not. */
  readonly expectsCircuits: () => boolean;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** Told when circuits stop and start working. */
  readonly onCircuits: (working: boolean) => void;
}

/** Watches a running tor. Resolves with TOR_FROZEN when it must be killed; null when the watch was ended. */
export async function watchTor(init: WatchdogInit): Promise<TorError | null> {
  const { clock, limits, signal } = init;
  let working = true;
  let lastWorkingAt = clock.monotonic();
  let last = { wall: clock.now(), monotonic: clock.monotonic() };
  try {
    for (;;) {
      await clock.sleep(limits.intervalMs, signal);
      const now = { wall: clock.now(), monotonic: clock.monotonic() };
      await afterJump(
        init,
        Math.max(now.wall - last.wall, now.monotonic - last.monotonic) - limits.intervalMs,
      );
      const alive = (await heartbeat(init)) || !init.expectsCircuits();
      if (alive !== working) init.onCircuits(alive);
      working = alive;
      last = { wall: clock.now(), monotonic: clock.monotonic() };
      if (working) lastWorkingAt = last.monotonic;
      else if (last.monotonic - lastWorkingAt >= limits.noCircuitAfterMs) {
        await reconnect(init, 'no circuit works');
        lastWorkingAt = clock.monotonic();
      }
    }
  } catch (error) {
    if (error instanceof ControlError && error.code === 'CONTROL_TIMEOUT') return frozen(limits);
    return null; // ended by the signal, or the connection is gone: its owner knows
  }
}

async function afterJump(init: WatchdogInit, jumpMs: number): Promise<void> {
  if (jumpMs < CLOCK_JUMP_MS) return;
  init.log('info', 'the machine slept or its clock jumped', { jumpMs: Math.round(jumpMs) });
  await init.control.command('SIGNAL', ['ACTIVE'], {
    signal: init.signal,
    timeoutMs: init.limits.frozenAfterMs,
  });
  if (jumpMs >= LONG_CLOCK_JUMP_MS) await reconnect(init, 'long sleep');
}

/** Whether tor says that its circuits work. Throws CONTROL_TIMEOUT when it stays silent. */
async function heartbeat({ control, limits, signal }: WatchdogInit): Promise<boolean> {
  const ask = async (timeoutMs: number): Promise<boolean> => {
    const reply = await control.command('GETINFO', ['status/circuit-established', 'network-liveness'], {
      signal,
      timeoutMs,
    });
    const text = reply.lines.map((line) => line.text);
    return text.includes('status/circuit-established=1') && !text.includes('network-liveness=down');
  };
  const secondTryMs = Math.min(limits.intervalMs, limits.frozenAfterMs / 2);
  try {
    return await ask(limits.frozenAfterMs - secondTryMs);
  } catch (error) {
    if (!(error instanceof ControlError) || error.code !== 'CONTROL_TIMEOUT') throw error;
    // if this very process was stopped, its timers fire before it reads the answer that waits in the socket
    return await ask(secondTryMs);
  }
}

async function reconnect({ control, log, signal, limits }: WatchdogInit, why: string): Promise<void> {
  log('warn', 'switching tor off and on the network', { why });
  const options = { signal, timeoutMs: limits.frozenAfterMs };
  await control.command('SETCONF', ['DisableNetwork=1'], options);
  await control.command('SETCONF', ['DisableNetwork=0'], options);
}

function frozen(limits: WatchdogLimits): TorError {
  return new TorError('TOR_FROZEN', 'tor stopped answering', {
    hint: 'kith kills and restarts it. If it happens again, look whether the machine is out of memory.',
    data: { silentMs: limits.frozenAfterMs },
  });
}
