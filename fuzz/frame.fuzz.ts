/**
 * A stream of frames under bounds that the input chooses, once in one chunk and once in pieces: both see the same
 * frames and the same refusal, and frames survive encoding.
 */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import { encodeFrame, FrameDecoder } from '../src/wire/frame.ts';

/** The frames of the chunks as hex, and "refused" at the end where a length was. */
function decode(chunks: readonly Uint8Array[], min: number, max: number): string[] {
  const decoder = new FrameDecoder();
  const seen: string[] = [];
  try {
    for (const chunk of chunks) {
      decoder.push(chunk);
      for (let frame = decoder.next(min, max); frame !== undefined; frame = decoder.next(min, max)) {
        assert.ok(frame.length >= min && frame.length <= max);
        assert.deepEqual(new Uint8Array(encodeFrame(frame).subarray(2)), new Uint8Array(frame));
        seen.push(Buffer.from(frame).toString('hex'));
      }
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    seen.push('refused');
  }
  return seen;
}

export function fuzz(data: Uint8Array): void {
  const [low = 0, span = 0, step = 0] = data;
  const stream = data.subarray(3);
  const chunks: Uint8Array[] = [];
  const size = 1 + step;
  for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size));
  const max = low + span * span;
  assert.deepEqual(decode(chunks, low, max), decode([stream], low, max));
}
