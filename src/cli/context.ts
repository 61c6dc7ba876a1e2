/** What every command gets: where to print, which data directory, which private network, when to stop. */

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log, LogLevel } from '../safety/log.ts';
import { defaultDataDir } from '../store/data-dir.ts';
import { type Argon2Cost, PASSPHRASE_COST } from '../store/passphrase.ts';
import { Output } from './output.ts';

export interface GlobalOptions {
  readonly data?: string;
  readonly json?: boolean;
  readonly log?: LogLevel;
}

/** What a command has of its process: the real one, or what a test puts in its place. */
export interface Host {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
  exitCode?: number | string | null | undefined;
}

export interface Context {
  readonly host: Host;
  readonly output: Output;
  readonly dataDir: string;
  /** Of new passphrases. */
  readonly cost: Argon2Cost;
  readonly log: Log;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP, and when nobody reads the output any more. */
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** Log lines as JSON on stderr, from `level` up. */
function stderrLog({ stderr }: Host, level: LogLevel): Log {
  return (at, message, fields = {}) => {
    if (LEVELS.indexOf(at) < LEVELS.indexOf(level)) return;
    stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level: at, message, ...fields })}\n`);
  };
}

export function context(options: GlobalOptions, host: Host, signal: AbortSignal): Context {
  return {
    host,
    output: new Output(options.json ?? false, host, host.env),
    dataDir: options.data ?? defaultDataDir(host.env),
    cost: PASSPHRASE_COST,
    log: stderrLog(host, options.log ?? 'error'),
    signal,
    env: host.env,
  };
}

/** Where `kith testnet up` puts its network unless told otherwise. */
export function defaultTestnetDir(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_RUNTIME_DIR'] ?? tmpdir(), `kith-testnet-${process.getuid?.() ?? 'user'}`);
}

/** Resolves when `signal` is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Makes a commander action of what a command does. */
export type Run = (
  action: (context: Context, ...args: never[]) => Promise<void>,
) => (...args: unknown[]) => Promise<void>;
