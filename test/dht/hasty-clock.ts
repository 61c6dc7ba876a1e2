/** The system's clock, some times as fast: for pauses of minutes among real sockets. */

import { type Clock, systemClock } from '../../src/safety/clock.ts';

export function hastyClock(times: number): Clock {
  const startMs = systemClock.monotonic();
  const passedMs = (): number => (systemClock.monotonic() - startMs) * times;
  const wallMs = systemClock.now();
  return {
    now: () => wallMs + passedMs(),
    monotonic: passedMs,
    sleep: (ms, signal) => systemClock.sleep(ms / times, signal),
  };
}
