/**
 * When a command has to end before it is done: a signal, the terminal closed, or nobody reads what it prints.
 * Made once per process, by main.ts. Does not guarantee that a command notices at once.
 */

import { EXIT } from './output.ts';

/** Why a command was ended whose reader went away, as in `kith up | head -2`: nothing is left to print it to. */
export const READER_GONE = new Error('nobody reads the output any more');

/** First signal: stop cleanly. Second: now. A closed pipe stops cleanly too, however often it is noticed. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  let told = false;
  const onSignal = () => {
    if (told) process.exit(EXIT.failed);
    told = true;
    stop.abort(new Error('stopped by a signal'));
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      stop.abort(READER_GONE);
    });
  }
  return stop.signal;
}
