/**
 * Frames of a byte stream: a 16-bit big-endian length, then that many bytes. Noise messages travel in them (they
 * have at most 65,535 bytes), during the handshake and after it.
 *
 * The reader says before each frame which lengths it expects, so a wrong one is refused at its first two bytes and
 * nobody can make us wait for, or hold, more than that step needs. Says nothing about who wrote the bytes.
 */

import { concat, u16 } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';

/** Longest frame a 16-bit length can say. */
export const MAX_FRAME_BYTES = 65_535;

const FIRST_ALLOCATION = 1024;
const NOTHING = new Uint8Array(0);

/** The header of a frame of `length` bytes. Throws RangeError above {@link MAX_FRAME_BYTES}. */
export function frameHeader(length: number): Uint8Array {
  if (length > MAX_FRAME_BYTES) throw new RangeError('a frame holds at most 65535 bytes');
  return u16(length);
}

/** `payload` with its header in front. Throws RangeError above {@link MAX_FRAME_BYTES}. */
export function encodeFrame(payload: Uint8Array): Uint8Array {
  return concat(frameHeader(payload.length), payload);
}

/**
 * Incremental decoder. Give it a chunk with {@link push}, take frames with {@link next} until it has none, push
 * again. Frames that lie whole inside a chunk are views of it; others are gathered in memory that grows with what
 * has come, not with what the length promises.
 */
export class FrameDecoder {
  #chunk: Uint8Array = NOTHING;
  #at = 0;
  #length: number | undefined;
  #highByte: number | undefined;
  #gathered: Uint8Array = NOTHING;
  #filled = 0;

  /** Whether a frame has begun that is not complete: the end of the stream would cut it. */
  get partial(): boolean {
    return this.#length !== undefined || this.#highByte !== undefined;
  }

  /** Whether bytes have come that belong to no frame taken so far. */
  get ahead(): boolean {
    return this.partial || this.#at < this.#chunk.length;
  }

  /** Throws RangeError while frames of the previous chunk have not been taken. */
  push(chunk: Uint8Array): void {
    if (this.#at < this.#chunk.length) throw new RangeError('take all frames before pushing the next chunk');
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** The next frame, or undefined when more bytes are needed. Throws {@link MalformedError} on a length outside. */
  next(minBytes: number, maxBytes: number): Uint8Array | undefined {
    const length = this.#length ?? this.#readLength();
    if (length === undefined) return undefined;
    this.#length = length;
    if (length < minBytes || length > maxBytes) {
      throw new MalformedError('frame', 'length is not what this step allows', {
        length,
        minBytes,
        maxBytes,
      });
    }
    const missing = length - this.#filled;
    const available = this.#chunk.length - this.#at;
    if (this.#filled === 0 && available >= length) return this.#done(this.#take(length));
    this.#gather(this.#take(Math.min(missing, available)), length);
    if (this.#filled < length) return undefined;
    const frame = this.#gathered.subarray(0, length);
    this.#gathered = NOTHING;
    this.#filled = 0;
    return this.#done(frame);
  }

  #done(frame: Uint8Array): Uint8Array {
    this.#length = undefined;
    if (this.#at === this.#chunk.length) {
      // no longer hold on to a chunk that was used up
      this.#chunk = NOTHING;
      this.#at = 0;
    }
    return frame;
  }

  #take(size: number): Uint8Array {
    const piece = this.#chunk.subarray(this.#at, this.#at + size);
    this.#at += size;
    return piece;
  }

  #readLength(): number | undefined {
    while (this.#at < this.#chunk.length) {
      const byte = this.#chunk[this.#at++] as number;
      if (this.#highByte !== undefined) {
        const length = this.#highByte * 256 + byte;
        this.#highByte = undefined;
        return length;
      }
      this.#highByte = byte;
    }
    return undefined;
  }

  #gather(piece: Uint8Array, length: number): void {
    const size = this.#filled + piece.length;
    if (size > this.#gathered.length) {
      const grown = new Uint8Array(Math.min(length, Math.max(FIRST_ALLOCATION, 2 * size)));
      grown.set(this.#gathered.subarray(0, this.#filled));
      this.#gathered = grown;
    }
    this.#gathered.set(piece, this.#filled);
    this.#filled = size;
  }
}
