/**
 * What stands before a content inside its message, so that it is applied once and in its turn, also when it was
 * encrypted anew. docs/wire.md, "Contents".
 *
 *     version 1 ‖ stream 8 ‖ number 6 ‖ after 6 ‖ content            number and after: big-endian, below 2^48
 *
 * A sender numbers its contents to one contact from 1 within a random stream; `after` is the number of the one that
 * has to be applied first, 0 where there is none. A message without content has no head: it is a reply.
 */

import { FieldReader, FieldWriter } from '../wire/fields.ts';

const VERSION = 1;
export const STREAM_BYTES = 8;
export const HEAD_BYTES = 1 + STREAM_BYTES + 6 + 6;

export interface ContentHead {
  /** 8 random bytes. A sender that does not know any more what it has numbered begins another one. */
  readonly stream: Uint8Array;
  /** From 1. */
  readonly number: number;
  /** Below `number`. */
  readonly after: number;
}

/** Head and content, as they are encrypted. Throws RangeError on what has no encoding. */
export function withHead(
  { stream, number, after }: ContentHead,
  content: Uint8Array,
): Uint8Array<ArrayBuffer> {
  if (number <= after || content.length === 0) throw new RangeError('content head');
  const writer = new FieldWriter().u8(VERSION).bytes(stream, STREAM_BYTES).u48(number).u48(after);
  return writer.bytes(content).done();
}

/** Total: throws only MalformedError('content-head'). The parts are copies. */
export function splitHead(bytes: Uint8Array): { readonly head: ContentHead; readonly content: Uint8Array } {
  const reader = new FieldReader('content-head', bytes);
  if (reader.u8() !== VERSION) reader.refuse('unknown version');
  const head = { stream: reader.bytes(STREAM_BYTES), number: reader.u48(), after: reader.u48() };
  if (head.number <= head.after) reader.refuse('a number that is not after the one before');
  if (reader.left === 0) reader.refuse('no content');
  return { head, content: reader.rest() };
}
