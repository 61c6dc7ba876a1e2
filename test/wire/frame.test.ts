import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { concat } from '../../src/safety/bytes.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import { encodeFrame, FrameDecoder, frameHeader, MAX_FRAME_BYTES } from '../../src/wire/frame.ts';

/** All frames of a stream that comes in these chunks. */
function decode(chunks: readonly Uint8Array[], min = 0, max = MAX_FRAME_BYTES): Uint8Array[] {
  const decoder = new FrameDecoder();
  const frames: Uint8Array[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let f = decoder.next(min, max); f !== undefined; f = decoder.next(min, max)) frames.push(f.slice());
  }
  assert.equal(decoder.partial, false);
  return frames;
}

describe('frames', () => {
  test('survive any chunking', () => {
    const bytes = fc.uint8Array({ maxLength: 3000 });
    fc.assert(
      fc.property(
        fc.array(bytes, { maxLength: 8 }),
        fc.array(fc.nat(4000), { maxLength: 12 }),
        (payloads, cuts) => {
          const stream = concat(...payloads.map(encodeFrame));
          const chunks: Uint8Array[] = [];
          let at = 0;
          for (const cut of cuts) {
            chunks.push(stream.subarray(at, at + cut));
            at = Math.min(stream.length, at + cut);
          }
          chunks.push(stream.subarray(at));
          assert.deepEqual(decode(chunks), payloads);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('of the largest size pass byte by byte and at once', () => {
    const payload = new Uint8Array(MAX_FRAME_BYTES).fill(7);
    const frame = encodeFrame(payload);
    assert.deepEqual(decode([frame]), [payload]);
    assert.deepEqual(decode(Array.from(frame, (byte) => Uint8Array.of(byte))), [payload]);
    assert.throws(() => encodeFrame(new Uint8Array(MAX_FRAME_BYTES + 1)), RangeError);
    assert.throws(() => frameHeader(MAX_FRAME_BYTES + 1), RangeError);
  });

  test('of a length that the step does not allow are refused at the second byte', () => {
    for (const length of [0, 9, 21, 65_535]) {
      const decoder = new FrameDecoder();
      const header = frameHeader(length);
      decoder.push(header.subarray(0, 1));
      assert.equal(decoder.next(10, 20), undefined);
      decoder.push(header.subarray(1));
      assert.throws(() => decoder.next(10, 20), MalformedError, String(length));
      assert.throws(() => decoder.next(10, 20), MalformedError, 'and stay refused');
    }
  });

  test('that lie whole in a chunk are views of it, not copies', () => {
    const chunk = concat(encodeFrame(Uint8Array.of(1, 2)), encodeFrame(Uint8Array.of(3)));
    const decoder = new FrameDecoder();
    decoder.push(chunk);
    assert.equal(decoder.next(0, 10)?.buffer, chunk.buffer);
    assert.equal(decoder.next(0, 10)?.buffer, chunk.buffer);
    assert.equal(decoder.next(0, 10), undefined);
  });

  test('promised but not sent cost no memory', () => {
    const decoder = new FrameDecoder();
    decoder.push(concat(frameHeader(65_535), Uint8Array.of(1)));
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 500; i++) {
      const other = new FrameDecoder();
      other.push(concat(frameHeader(65_535), Uint8Array.of(1)));
      assert.equal(other.next(0, MAX_FRAME_BYTES), undefined);
      assert.equal(other.partial, true);
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 8_000_000);
  });

  test('must be taken before the next chunk is pushed', () => {
    const decoder = new FrameDecoder();
    decoder.push(Uint8Array.of(0, 1, 5));
    assert.throws(() => decoder.push(Uint8Array.of(1)), RangeError);
  });
});
