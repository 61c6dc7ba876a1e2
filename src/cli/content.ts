/** What `kith say` and `kith dht put` are given: a text, or standard input (a pipe, a file, or typed until Ctrl-D). */

import { addAbortSignal } from 'node:stream';
import { concat, utf8 } from '../safety/bytes.ts';
import { KithError } from '../safety/errors.ts';
import type { Context } from './context.ts';

/** Pieces of content, each of any size. */
export type Content = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * `text`, or standard input for `-` and for no text at all. Throws `nothing()` where there is no text and a terminal,
 * which nobody was told to type into; reading throws it where standard input is empty. Aborting ends the reading.
 */
export function contentOf(
  text: string | undefined,
  context: Pick<Context, 'host' | 'signal'>,
  nothing: () => KithError,
): Content {
  if (text !== undefined && text !== '-') return [utf8(text)];
  if (text === undefined && context.host.stdin.isTTY === true) throw nothing();
  return standardInput(context, nothing);
}

/** Longest text that is read, bytes: several times what a message takes, which the node checks. */
const TEXT_MAX_BYTES = 64 * 1024;

/** All of it as text, without the line end that a shell puts behind it. Throws `tooLong()`, and NOT_TEXT. */
export async function textOf(content: Content, tooLong: () => KithError = tooLongToSend): Promise<string> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of content) {
    sizeBytes += piece.length;
    if (sizeBytes > TEXT_MAX_BYTES) throw tooLong();
    pieces.push(piece);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(concat(...pieces)).replace(/\r?\n$/, '');
  } catch (cause) {
    throw new KithError('NOT_TEXT', 'that is no text in UTF-8', {
      hint: 'Send it as a file: kith send <who> --file <path>',
      cause,
    });
  }
}

function tooLongToSend(): KithError {
  return new KithError('MESSAGE_TOO_LONG', 'that is too long for a message', {
    hint: 'Send it as a file: kith send <who> --file <path>',
  });
}

async function* standardInput(
  { host, signal }: Pick<Context, 'host' | 'signal'>,
  nothing: () => KithError,
): AsyncGenerator<Uint8Array> {
  let empty = true;
  // destroyed when aborted, or a person's unfinished line would keep the process
  for await (const piece of addAbortSignal(signal, host.stdin) as AsyncIterable<Uint8Array>) {
    empty = false;
    yield piece;
  }
  if (empty) throw nothing();
}
