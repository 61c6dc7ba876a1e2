/** Running one command during set-up: quiet unless it fails, and never left behind by a signal. */

import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** Set-up cannot go on: one line for a person and the exit code of the whole. */
export class SetupError extends Error {
  /** @param {number} exitCode @param {string} message */
  constructor(exitCode, message) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A signal ended set-up; callers clean up in `finally` and the program exits with 128 + its number. */
export class Interrupted extends Error {
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

/** @param {NodeJS.Signals} signal */
export function signalNumber(signal) {
  return constants.signals[signal];
}

/** The end of a failed command's output that is shown: enough for npm's and apt's own explanation. */
const SHOWN_CHARACTERS = 4_000;

/** @type {NodeJS.Signals[]} */
export const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Resolves with the command's exit code and its joined output; rejects with Interrupted when we are told to end
 * (after the command itself has ended, so that nothing of it is left running).
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    let output = '';
    /** @type {NodeJS.Signals | null} */
    let ending = null;
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const stop = (/** @type {NodeJS.Signals} */ signal) => {
      ending = signal;
      child.kill(signal);
    };
    for (const signal of ENDING_SIGNALS) process.on(signal, stop);
    const settle = (/** @type {() => void} */ act) => {
      for (const signal of ENDING_SIGNALS) process.off(signal, stop);
      if (ending !== null) reject(new Interrupted(ending));
      else act();
    };
    const collect = (/** @type {string} */ text) => {
      output = (output + text).slice(-SHOWN_CHARACTERS);
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.on('error', (error) => settle(() => resolve({ code: 127, output: error.message })));
    child.on('close', (code) => settle(() => resolve({ code: code ?? 1, output: output.trim() })));
  });
}
