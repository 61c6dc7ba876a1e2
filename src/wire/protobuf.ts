/**
 * As much of protobuf (wire format of proto3) as libp2p's Kademlia messages need, in a form that leaves a sender no
 * room: every byte is looked at once, nothing is allocated by a length that was only promised, nothing recurses.
 *
 * Narrower than protobuf: groups, varints with padding and varints above 64 bits are refused. What is done about
 * repeated or unknown fields is up to the caller.
 */

import { concat } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';

/** A field: a number for a varint (imprecise above 2^53), bytes, or null for a fixed-size number, which is skipped. */
export interface ProtobufField {
  readonly number: number;
  readonly value: number | Uint8Array | null;
}

const VARINT = 0;
const FIXED_64 = 1;
const BYTES = 2;
const FIXED_32 = 5;

const MAX_FIELD_NUMBER = 2 ** 29 - 1;
/** A 64-bit varint takes 10 bytes, the last of which holds one bit. */
const MAX_VARINT_BYTES = 10;

/** The fields of a message in the order they come; bytes are views. Throws only {@link MalformedError} of `format`. */
export function* decodeFields(format: string, bytes: Uint8Array): Generator<ProtobufField> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = bytes[at++];
      if (byte === undefined) throw new MalformedError(format, 'cut inside a number');
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte >= 0x80) continue;
      if (byte === 0 && i > 0) throw new MalformedError(format, 'a number is padded');
      if (i === MAX_VARINT_BYTES - 1 && byte > 1) break;
      return value;
    }
    throw new MalformedError(format, 'a number has more than 64 bits');
  };
  const take = (size: number): Uint8Array => {
    if (size > bytes.length - at) throw new MalformedError(format, 'cut inside a field');
    at += size;
    return bytes.subarray(at - size, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (number < 1 || number > MAX_FIELD_NUMBER)
      throw new MalformedError(format, 'an impossible field number');
    const type = tag % 8;
    if (type === VARINT) yield { number, value: varint() };
    else if (type === BYTES) yield { number, value: take(varint()) };
    else if (type === FIXED_32 || type === FIXED_64) {
      take(type === FIXED_32 ? 4 : 8);
      yield { number, value: null };
    } else throw new MalformedError(format, 'a wire type that is not served');
  }
}

/** A field of bytes. */
export function bytesField(number: number, value: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(encodeVarint(number * 8 + BYTES), encodeVarint(value.length), value);
}

/** A field of a small number; proto3 leaves it out where it is zero. */
export function varintField(number: number, value: number): Uint8Array<ArrayBuffer> {
  return value === 0 ? new Uint8Array(0) : concat(encodeVarint(number * 8 + VARINT), encodeVarint(value));
}

/** Unsigned LEB128, below 2^31. */
export function encodeVarint(value: number): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
