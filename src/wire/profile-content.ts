/**
 * How somebody shows themselves to friends, as contents. docs/wire.md, "Contents".
 *
 *     profile = kind 0x38 ‖ revision 4 ‖ name (2, ≤ 64) ‖ status (2, ≤ 560) ‖ picture 0|1 ‖ [size 4 ‖ SHA-256 32]
 *     picture = kind 0x39 ‖ SHA-256 of the whole 32 ‖ index 1 ‖ bytes (2, ≤ 14,800)
 *
 * A picture travels in parts of {@link PICTURE_PART_BYTES}, the last one shorter, each naming the whole by its hash. What
 * the parts are is looked at when they are together (picture.ts).
 */

import { CONTENT_KIND } from './content-kind.ts';
import { FieldReader, FieldWriter } from './fields.ts';
import { MAX_PICTURE_BYTES } from './picture.ts';

/** A name as long as a line is wide, in UTF-8. */
export const MAX_NAME_BYTES = 64;
/** 140 characters of any script. */
export const MAX_STATUS_BYTES = 560;
/** So that a part fills one message of the largest size, with some room (14,934 bytes of content). */
const PICTURE_PART_BYTES = 14_800;

const HASH_BYTES = 32;
const MAX_PARTS = Math.ceil(MAX_PICTURE_BYTES / PICTURE_PART_BYTES);

export interface ProfileContent {
  /** Grows with each change; a lower one that comes later is old. */
  readonly revision: number;
  readonly name: string;
  readonly status: string;
  readonly picture: { readonly sizeBytes: number; readonly sha256: Uint8Array } | null;
}

export interface PicturePart {
  readonly sha256: Uint8Array;
  readonly index: number;
  readonly bytes: Uint8Array;
}

export function encodeProfile({ revision, name, status, picture }: ProfileContent): Uint8Array {
  const fields = new FieldWriter().u8(CONTENT_KIND.profile).u32(revision);
  fields
    .text(name, MAX_NAME_BYTES)
    .text(status, MAX_STATUS_BYTES)
    .flag(picture !== null);
  if (picture !== null) fields.u32(picture.sizeBytes).bytes(picture.sha256, HASH_BYTES);
  return fields.done();
}

/** Total: throws only MalformedError. */
export function decodeProfile(content: Uint8Array): ProfileContent {
  const fields = new FieldReader('profile', content);
  if (fields.u8() !== CONTENT_KIND.profile) fields.refuse('another kind');
  const revision = fields.u32();
  const name = fields.text(MAX_NAME_BYTES);
  const status = fields.text(MAX_STATUS_BYTES);
  const picture = fields.flag() ? { sizeBytes: fields.u32(), sha256: fields.bytes(HASH_BYTES) } : null;
  if (picture !== null && (picture.sizeBytes < 1 || picture.sizeBytes > MAX_PICTURE_BYTES)) {
    fields.refuse('a picture of an impossible size');
  }
  fields.end();
  return { revision, name, status, picture };
}

export function encodePicturePart({ sha256, index, bytes }: PicturePart): Uint8Array {
  const fields = new FieldWriter().u8(CONTENT_KIND.picture).bytes(sha256, HASH_BYTES).u8(index);
  return fields.sized(bytes, PICTURE_PART_BYTES).done();
}

/** Total: throws only MalformedError. */
export function decodePicturePart(content: Uint8Array): PicturePart {
  const fields = new FieldReader('picture-part', content);
  if (fields.u8() !== CONTENT_KIND.picture) fields.refuse('another kind');
  const sha256 = fields.bytes(HASH_BYTES);
  const index = fields.u8();
  if (index >= MAX_PARTS) fields.refuse('a part beyond the largest picture');
  const bytes = fields.sized(PICTURE_PART_BYTES);
  if (bytes.length === 0) fields.refuse('an empty part');
  fields.end();
  return { sha256, index, bytes };
}

/** A picture in as many parts as it takes. */
export function picturePartsOf(picture: Uint8Array, sha256: Uint8Array): PicturePart[] {
  return Array.from({ length: Math.ceil(picture.length / PICTURE_PART_BYTES) }, (_, index) => ({
    sha256,
    index,
    bytes: picture.subarray(index * PICTURE_PART_BYTES, (index + 1) * PICTURE_PART_BYTES),
  }));
}
