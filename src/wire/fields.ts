/**
 * The fields of a format, one after the other: what every decoder of this layer and of saved rows is made of, so that
 * bounds are checked in one place. Numbers are big-endian, lengths stand in front, text is strict UTF-8.
 *
 * A reader throws {@link MalformedError} of its format and nothing else; what it returns are copies. A writer throws
 * RangeError on what has no encoding, which is a defect of the caller.
 */

import { concat, copyOf, u16, utf8 } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';

const U32 = 2 ** 32;
const U48 = 2 ** 48;

/** Reads a byte string from its start. End with {@link FieldReader.end}. */
export class FieldReader {
  readonly #format: string;
  readonly #bytes: Uint8Array;
  #at = 0;

  /** `format` is the name of the fuzz target. */
  constructor(format: string, bytes: Uint8Array) {
    this.#format = format;
    this.#bytes = bytes;
  }

  u8(): number {
    return this.#skip(1)[0] as number;
  }

  u16(): number {
    const [a, b] = this.#skip(2) as unknown as [number, number];
    return (a << 8) | b;
  }

  u32(): number {
    return this.u16() * 2 ** 16 + this.u16();
  }

  /** For times in milliseconds and counters: below 2^48, so always exact. */
  u48(): number {
    return this.u16() * U32 + this.u32();
  }

  /** 0 or 1; anything else is refused, so that a value has one encoding. */
  flag(): boolean {
    const value = this.u8();
    if (value > 1) this.refuse('a flag that is neither 0 nor 1');
    return value === 1;
  }

  bytes(size: number): Uint8Array<ArrayBuffer> {
    return copyOf(this.#skip(size));
  }

  /** A length (2 bytes), then as many bytes; refuses more than `max`. */
  sized(max: number): Uint8Array<ArrayBuffer> {
    const size = this.u16();
    if (size > max) this.refuse('a field is too long', { sizeBytes: size, maxBytes: max });
    return this.bytes(size);
  }

  /** As {@link sized}, in strict UTF-8: no invalid sequence, and no byte order mark is dropped. */
  text(maxBytes: number): string {
    const bytes = this.sized(maxBytes);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return this.refuse('text that is not UTF-8');
    }
  }

  /** All that is left. */
  rest(): Uint8Array<ArrayBuffer> {
    return this.bytes(this.left);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** Nothing may follow. */
  end(): void {
    if (this.left > 0) this.refuse('bytes after the end', { sizeBytes: this.left });
  }

  refuse(what: string, data: Readonly<Record<string, number>> = {}): never {
    throw new MalformedError(this.#format, what, data);
  }

  #skip(size: number): Uint8Array {
    if (size > this.left) this.refuse('cut off');
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }
}

/** Writes fields in the order of the calls. */
export class FieldWriter {
  readonly #parts: Uint8Array[] = [];

  u8(value: number): this {
    return this.#number(value, 2 ** 8, () => Uint8Array.of(value));
  }

  u16(value: number): this {
    return this.#number(value, 2 ** 16, () => u16(value));
  }

  u32(value: number): this {
    return this.#number(value, U32, () => concat(u16(Math.floor(value / 2 ** 16)), u16(value % 2 ** 16)));
  }

  u48(value: number): this {
    return this.#number(value, U48, () => {
      const bytes = new Uint8Array(6);
      new DataView(bytes.buffer).setUint16(0, Math.floor(value / U32));
      new DataView(bytes.buffer).setUint32(2, value % U32);
      return bytes;
    });
  }

  flag(value: boolean): this {
    return this.u8(value ? 1 : 0);
  }

  /** `field` must have `size` bytes. */
  bytes(field: Uint8Array, size: number = field.length): this {
    if (field.length !== size) throw new RangeError(`a field of ${field.length} bytes instead of ${size}`);
    this.#parts.push(field);
    return this;
  }

  sized(field: Uint8Array, max: number): this {
    if (field.length > max || field.length >= 2 ** 16) throw new RangeError('a field is too long');
    return this.u16(field.length).bytes(field);
  }

  text(value: string, maxBytes: number): this {
    if (!value.isWellFormed()) throw new RangeError('text with half a character');
    return this.sized(utf8(value), maxBytes);
  }

  /** What was written, in one new array. */
  done(): Uint8Array<ArrayBuffer> {
    return concat(...this.#parts);
  }

  #number(value: number, bound: number, encode: () => Uint8Array): this {
    if (!Number.isSafeInteger(value) || value < 0 || value >= bound) {
      throw new RangeError('a number that does not fit its field');
    }
    this.#parts.push(encode());
    return this;
  }
}
