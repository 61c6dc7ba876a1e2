#!/usr/bin/env node
/** The command line as a process: `program.ts` with its arguments, streams and signals. */

import { runProgram } from './program.ts';
import { stopSignal } from './stop-signal.ts';

await runProgram(process.argv.slice(2), process, stopSignal());
