/** Contents that say which one they are, and whose every byte can be checked without keeping them. */

import { contentCapacity } from '../src/kem/ratchet-message.ts';
import { seededChance } from '../src/testnet/seeded.ts';
import { BOX_PAYLOAD_BYTES, boxesFor, PARCEL_BOXES } from '../src/wire/parcel.ts';
import { OracleError } from './oracle.ts';

const ID_BYTES = 6;
/** What encryption adds to a content, at most. */
const OVERHEAD_BYTES = BOX_PAYLOAD_BYTES - contentCapacity(BOX_PAYLOAD_BYTES);
/** Most contents are text messages. */
const TEXT_BYTES = 300;
const LONGEST_BYTES = contentCapacity(Math.max(...PARCEL_BOXES) * BOX_PAYLOAD_BYTES);

/** Content `id`, of at most `limit` bytes. */
export function makeContent(id: number, limit = LONGEST_BYTES): Uint8Array<ArrayBuffer> {
  const chance = seededChance(id);
  const kind = chance();
  const longest = kind < 0.9 ? TEXT_BYTES : kind < 0.97 ? contentCapacity(BOX_PAYLOAD_BYTES) : LONGEST_BYTES;
  const size = ID_BYTES + Math.floor(chance() * (Math.min(longest, limit) - ID_BYTES + 1));
  const bytes = filler(id, size);
  Buffer.from(bytes.buffer).writeUIntBE(id, 0, ID_BYTES);
  return bytes;
}

/** The number of a content; null for an empty one. Throws OracleError when a byte is not what was made. */
export function checkContent(bytes: Uint8Array): number | null {
  if (bytes.length === 0) return null;
  if (bytes.length < ID_BYTES) throw new OracleError('a plaintext that nobody wrote');
  const id = Buffer.from(bytes.buffer, bytes.byteOffset).readUIntBE(0, ID_BYTES);
  const made = filler(id, bytes.length);
  if (Buffer.compare(made.subarray(ID_BYTES), bytes.subarray(ID_BYTES)) !== 0) {
    throw new OracleError('a plaintext that nobody wrote');
  }
  return id;
}

/** Bytes of the message that a content of this size goes into. */
export function messageBytesFor(contentBytes: number): number {
  return (boxesFor(contentBytes, OVERHEAD_BYTES) as number) * BOX_PAYLOAD_BYTES;
}

/** Bytes that depend on number and length alone. */
function filler(id: number, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let state = (id * 2_654_435_761 + size) >>> 0;
  for (let i = ID_BYTES; i < size; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
