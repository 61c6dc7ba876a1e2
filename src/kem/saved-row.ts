/**
 * The fields of a saved session or contact, one after the other, written or read (session-codec.ts, contact-codec.ts).
 * Numbers are big-endian. What cannot be written is a RangeError; what cannot be read, a MalformedError of the format.
 */

import { copyOf } from '../safety/bytes.ts';
import { requireSize } from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';

const U32 = 2 ** 32;

export class SavedRow {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #format: string;
  readonly #view: DataView;
  #at = 0;

  /** Of `bytes` itself, from its start; `format` is for errors. */
  constructor(format: string, bytes: Uint8Array) {
    this.#format = format;
    this.bytes = bytes as Uint8Array<ArrayBuffer>;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  putByte(value: number): void {
    this.#view.setUint8(this.#at++, value);
  }

  putU32(value: number): void {
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
  }

  putU64(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('not a time');
    this.putU32(Math.floor(value / U32));
    this.putU32(value >>> 0);
  }

  put(field: Uint8Array, size: number): void {
    requireSize('field', field, size);
    this.bytes.set(field, this.#at);
    this.#at += size;
  }

  takeByte(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  takeU32(): number {
    return this.#view.getUint32(this.#skip(4));
  }

  takeU64(): number {
    const value = this.takeU32() * U32 + this.takeU32();
    if (!Number.isSafeInteger(value)) throw new MalformedError(this.#format, 'impossible time');
    return value;
  }

  /** A copy of the next `size` bytes. */
  take(size: number): Uint8Array<ArrayBuffer> {
    const at = this.#skip(size);
    return copyOf(this.bytes, at, at + size);
  }

  requireEnd(): void {
    if (this.#at !== this.bytes.length) throw new MalformedError(this.#format, 'too long');
  }

  #skip(size: number): number {
    const at = this.#at;
    if (at + size > this.bytes.length) throw new MalformedError(this.#format, 'cut off');
    this.#at = at + size;
    return at;
  }
}
