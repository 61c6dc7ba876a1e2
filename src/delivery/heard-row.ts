/**
 * How far the contents of a contact were applied, as a row of the table `heard`. It is in backups, beside what the
 * contents have led to, so that both are of the same moment. docs/wire.md, "Saved rows of delivery".
 *
 *     version 1 ‖ firm 1 ‖ seen 6 ‖ tag 16 ‖ count 1 ‖ (stream 8 ‖ last number applied 6) each, last used first
 */

import { toHex } from '../safety/bytes.ts';
import { FieldReader, FieldWriter } from '../wire/fields.ts';
import { STREAM_BYTES } from './content-head.ts';
import { COUNT_TAG_BYTES } from './count-tag.ts';
import { MAX_STREAMS } from './limits.ts';

const VERSION = 1;

export interface HeardStream {
  readonly stream: Uint8Array;
  /** Number of the last content that was applied. */
  readonly last: number;
}

/** What a contact has told of its count. */
export interface Told {
  /** The highest count of ciphertexts that the contact has told; 0: none. */
  readonly seen: number;
  /** What it told along with that, 16 bytes: see Carried. */
  readonly tag: Uint8Array;
  /** Only the contact can have told it. Otherwise it gives way to what only the contact can have told, lower or not. */
  readonly isFirm: boolean;
}

export interface Heard extends Told {
  readonly streams: readonly HeardStream[];
}

export function encodeHeard({ seen, tag, isFirm, streams }: Heard): Uint8Array<ArrayBuffer> {
  if (streams.length > MAX_STREAMS) throw new RangeError('too many streams');
  const writer = new FieldWriter().u8(VERSION).flag(isFirm).u48(seen).bytes(tag, COUNT_TAG_BYTES);
  writer.u8(streams.length);
  for (const { stream, last } of streams) writer.bytes(stream, STREAM_BYTES).u48(last);
  return writer.done();
}

/** Total: throws only MalformedError. */
export function decodeHeard(bytes: Uint8Array): Heard {
  const reader = new FieldReader('heard-row', bytes);
  if (reader.u8() !== VERSION) reader.refuse('unknown version');
  const isFirm = reader.flag();
  const [seen, tag] = [reader.u48(), reader.bytes(COUNT_TAG_BYTES)];
  const count = reader.u8();
  if (count > MAX_STREAMS) reader.refuse('too many streams', { count });
  const streams: HeardStream[] = [];
  for (let i = 0; i < count; i++) streams.push({ stream: reader.bytes(STREAM_BYTES), last: reader.u48() });
  if (new Set(streams.map(({ stream }) => toHex(stream))).size < count) reader.refuse('a stream twice');
  reader.end();
  return { seen, tag, isFirm, streams };
}
