/** What `kith say` and `kith dht put` are given: a text, or standard input (a pipe, a file, or typed until Ctrl-D). */

import { addAbortSignal } from 'node:stream';
import { utf8 } from '../safety/bytes.ts';
import type { KithError } from '../safety/errors.ts';

/** Pieces of content, each of any size. */
export type Content = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * `text`, or standard input for `-` and for no text at all. Throws `nothing()` where there is no text and a terminal,
 * which nobody was told to type into; reading throws it where standard input is empty. Aborting ends the reading.
 */
export function contentOf(text: string | undefined, signal: AbortSignal, nothing: () => KithError): Content {
  if (text !== undefined && text !== '-') return [utf8(text)];
  if (text === undefined && process.stdin.isTTY === true) throw nothing();
  return standardInput(signal, nothing);
}

async function* standardInput(signal: AbortSignal, nothing: () => KithError): AsyncGenerator<Uint8Array> {
  let empty = true;
  // destroyed when aborted, or a person's unfinished line would keep the process
  for await (const piece of addAbortSignal(signal, process.stdin) as AsyncIterable<Uint8Array>) {
    empty = false;
    yield piece;
  }
  if (empty) throw nothing();
}
