/** How long to wait before tor is started again, and when to give up. Pure: its owner holds the clock. */

import {
  MAX_FAILED_FIRST_STARTS,
  MAX_FAILED_STARTS,
  RESTART_BASE_DELAY_MS,
  RESTART_FIRST_DELAY_MS,
  RESTART_MAX_DELAY_MS,
  SOUND_AFTER_MS,
} from './limits.ts';

export class RestartBackoff {
  #failures = 0;
  #everReady = false;

  /**
   * Milliseconds to wait after a run that was ready for `readyMs` (0: never); null to give up. The first restart
   * comes at once, each further one after double the time, until a run was sound again.
   */
  next(readyMs: number): number | null {
    this.#everReady ||= readyMs > 0;
    if (readyMs >= SOUND_AFTER_MS) this.#failures = 0;
    this.#failures += 1;
    if (this.#failures > (this.#everReady ? MAX_FAILED_STARTS : MAX_FAILED_FIRST_STARTS)) return null;
    if (this.#failures === 1) return RESTART_FIRST_DELAY_MS;
    return Math.min(RESTART_BASE_DELAY_MS * 2 ** (this.#failures - 2), RESTART_MAX_DELAY_MS);
  }
}
