/**
 * Boxes and parcels: the one size that mail has on the wire and on disk, so that who carries or keeps it learns a
 * number of boxes (1, 2 or 4) and nothing about the content. DESIGN 7; bytes in docs/wire.md.
 *
 * box: version 1 ‖ tag 16 ‖ index 1 ‖ count 1 ‖ zeros 13 ‖ payload 4,064. A parcel is `count` boxes with one tag, and
 * its payload is theirs in order of index. Integers are one byte.
 *
 * Neither secret nor authentic: the payload is a ciphertext of src/kem, which is where a box that was changed or put
 * into another parcel is noticed. Who may deposit under a tag is no question of this file.
 */

import { concat, copyOf, equal } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';

const VERSION = 1;
/** A parcel's name at its holders, and the first bytes of the hash of the one-time key it is deposited with. */
export const TAG_BYTES = 16;
const INDEX_AT = 1 + TAG_BYTES;
const COUNT_AT = INDEX_AT + 1;
const ZEROS_AT = COUNT_AT + 1;

/** A whole box: what disks and protocols like as a block. */
export const BOX_BYTES = 4_096;
/** Version, tag, index, count and zeros. */
export const BOX_HEAD_BYTES = 32;
/** What a box carries. */
export const BOX_PAYLOAD_BYTES = BOX_BYTES - BOX_HEAD_BYTES;

/** Numbers of boxes that a parcel may have: three, so that the number says little. */
export const PARCEL_BOXES: readonly number[] = [1, 2, 4];

/** Sizes of a parcel's payload: 4,064, 8,128 and 16,256 bytes. */
export const PARCEL_PAYLOAD_SIZES: readonly number[] = PARCEL_BOXES.map((count) => count * BOX_PAYLOAD_BYTES);

export interface Box {
  /** 16 bytes, the same in all boxes of a parcel and in no others. */
  readonly tag: Uint8Array;
  /** Place in the parcel, from 0. */
  readonly index: number;
  /** Boxes in the parcel: one of {@link PARCEL_BOXES}. */
  readonly count: number;
  /** 4,064 bytes. */
  readonly payload: Uint8Array;
}

export interface Parcel {
  readonly tag: Uint8Array;
  /** One of {@link PARCEL_PAYLOAD_SIZES}. */
  readonly payload: Uint8Array;
}

/** Throws RangeError on fields that have no encoding. */
export function encodeBox(box: Box): Uint8Array<ArrayBuffer> {
  if (box.tag.length !== TAG_BYTES) throw new RangeError('tag');
  if (!isPlace(box.index, box.count)) throw new RangeError('index or count');
  if (box.payload.length !== BOX_PAYLOAD_BYTES) throw new RangeError('payload');
  const bytes = new Uint8Array(BOX_BYTES);
  bytes[0] = VERSION;
  bytes.set(box.tag, 1);
  bytes[INDEX_AT] = box.index;
  bytes[COUNT_AT] = box.count;
  bytes.set(box.payload, BOX_HEAD_BYTES);
  return bytes;
}

/** Total: throws only {@link MalformedError}. The parts are copies. */
export function decodeBox(bytes: Uint8Array): Box {
  if (bytes.length !== BOX_BYTES) {
    throw new MalformedError('box', 'wrong length', { sizeBytes: bytes.length });
  }
  if (bytes[0] !== VERSION) throw new MalformedError('box', 'unknown version');
  const index = bytes[INDEX_AT] as number;
  const count = bytes[COUNT_AT] as number;
  if (!isPlace(index, count)) throw new MalformedError('box', 'no such place in a parcel', { index, count });
  if (bytes.subarray(ZEROS_AT, BOX_HEAD_BYTES).some((byte) => byte !== 0)) {
    throw new MalformedError('box', 'reserved bytes are not zero');
  }
  return { tag: copyOf(bytes, 1, INDEX_AT), index, count, payload: copyOf(bytes, BOX_HEAD_BYTES) };
}

/** The encoded boxes of a parcel, in order. Throws RangeError on a tag or payload of another size. */
export function cutParcel({ tag, payload }: Parcel): Uint8Array<ArrayBuffer>[] {
  if (!PARCEL_PAYLOAD_SIZES.includes(payload.length)) throw new RangeError('payload');
  const count = payload.length / BOX_PAYLOAD_BYTES;
  return Array.from({ length: count }, (_, index) => {
    const at = index * BOX_PAYLOAD_BYTES;
    return encodeBox({ tag, index, count, payload: payload.subarray(at, at + BOX_PAYLOAD_BYTES) });
  });
}

/**
 * The parcel of all its boxes, given in any order. Total for decoded boxes: throws only {@link MalformedError}, for
 * none, for mixed tags or counts, and for boxes that are missing or there twice.
 */
export function joinParcel(boxes: readonly Box[]): Parcel {
  const [first] = boxes;
  if (first === undefined) throw new MalformedError('parcel', 'no boxes');
  const { tag, count } = first;
  if (boxes.length !== count) {
    throw new MalformedError('parcel', 'boxes are missing or too many', { boxes: boxes.length, count });
  }
  const payloads = new Array<Uint8Array | undefined>(count).fill(undefined);
  for (const box of boxes) {
    if (!equal(box.tag, tag)) throw new MalformedError('parcel', 'boxes of two parcels');
    if (box.count !== count) throw new MalformedError('parcel', 'boxes that count differently');
    if (payloads[box.index] !== undefined) {
      throw new MalformedError('parcel', 'a box is there twice', { index: box.index });
    }
    payloads[box.index] = box.payload;
  }
  // as many boxes as places and none twice, so each place is taken
  return { tag: copyOf(tag), payload: concat(...(payloads as Uint8Array[])) };
}

/**
 * Boxes of the smallest parcel that holds `contentBytes` and the `overheadBytes` that encryption adds; null when none
 * does, and the content has to be cut first.
 */
export function boxesFor(contentBytes: number, overheadBytes: number): number | null {
  const needed = contentBytes + overheadBytes;
  return PARCEL_BOXES.find((count) => count * BOX_PAYLOAD_BYTES >= needed) ?? null;
}

function isPlace(index: number, count: number): boolean {
  return PARCEL_BOXES.includes(count) && Number.isInteger(index) && index >= 0 && index < count;
}
