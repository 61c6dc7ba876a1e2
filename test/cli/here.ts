/** The command line in this process: as a process of its own would run it, without signals and terminals. */

import { PassThrough, Writable } from 'node:stream';
import type { Host } from '../../src/cli/context.ts';
import { runProgram } from '../../src/cli/program.ts';

export interface Ran {
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly exitCode: unknown;
}

/** Its standard input is to be written and ended, and is no terminal; `shown` is what it has printed so far. */
export function startHere(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const stdin = new PassThrough();
  const [stdout, stderr] = [sink(), sink()];
  const host = { stdin, stdout: stdout.stream, stderr: stderr.stream, env, exitCode: 0 };
  const running = runProgram(args, host as unknown as Host, new AbortController().signal);
  const ended = running.then(
    (): Ran => ({ stdout: stdout.written(), stderr: stderr.written().toString(), exitCode: host.exitCode }),
  );
  return { stdin, ended, shown: () => stdout.written().toString() };
}

/** `input` is all that is on its standard input. */
export function runHere(
  args: readonly string[],
  input: Uint8Array | string = '',
  env?: NodeJS.ProcessEnv,
): Promise<Ran> {
  const { stdin, ended } = startHere(args, env);
  stdin.end(input);
  return ended;
}

function sink() {
  const pieces: Buffer[] = [];
  const stream = new Writable({
    write(piece: Buffer, _encoding, done) {
      pieces.push(piece);
      done();
    },
  });
  return { stream, written: () => Buffer.concat(pieces) };
}
