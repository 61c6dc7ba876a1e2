/**
 * A profile as the bytes of a row, one's own or a friend's.
 *
 *     version 1 ‖ revision 4 ‖ name (2, ≤ 64) ‖ status (2, ≤ 560) ‖ picture (2, ≤ 65,535 bytes; none: 0) ‖
 *     wanted 0|1 ‖ [size 4 ‖ SHA-256 32]
 *
 * `wanted` is the picture that a friend has announced and whose parts are on their way.
 */

import { FieldReader, FieldWriter } from '../wire/fields.ts';
import { MAX_PICTURE_BYTES } from '../wire/picture.ts';
import { MAX_NAME_BYTES, MAX_STATUS_BYTES, type ProfileContent } from '../wire/profile-content.ts';

const VERSION = 1;
const HASH_BYTES = 32;

export interface ProfileRow extends Omit<ProfileContent, 'picture'> {
  /** The picture itself, or null where there is none (yet). */
  readonly picture: Uint8Array | null;
  readonly wanted: ProfileContent['picture'];
}

export function encodeProfileRow({ revision, name, status, picture, wanted }: ProfileRow): Uint8Array {
  const fields = new FieldWriter().u8(VERSION).u32(revision);
  fields.text(name, MAX_NAME_BYTES).text(status, MAX_STATUS_BYTES);
  fields.sized(picture ?? new Uint8Array(0), MAX_PICTURE_BYTES).flag(wanted !== null);
  if (wanted !== null) fields.u32(wanted.sizeBytes).bytes(wanted.sha256, HASH_BYTES);
  return fields.done();
}

/** Total: throws only MalformedError. */
export function decodeProfileRow(bytes: Uint8Array): ProfileRow {
  const fields = new FieldReader('profile-row', bytes);
  if (fields.u8() !== VERSION) fields.refuse('unknown version');
  const revision = fields.u32();
  const name = fields.text(MAX_NAME_BYTES);
  const status = fields.text(MAX_STATUS_BYTES);
  const picture = fields.sized(MAX_PICTURE_BYTES);
  const wanted = fields.flag() ? { sizeBytes: fields.u32(), sha256: fields.bytes(HASH_BYTES) } : null;
  fields.end();
  return { revision, name, status, picture: picture.length === 0 ? null : picture, wanted };
}
