/**
 * What is kept of the own homes, and its bytes: the one row of the table `home` (and so in backups). docs/wire.md,
 * "Saved friends".
 */

import { FieldReader, FieldWriter } from '../wire/fields.ts';
import { MAX_HOMES } from './limits.ts';

export interface HomeRow {
  /** At least one; the current one first, then the one before it, and so on: revisions fall. */
  readonly homes: readonly HomeEntry[];
  /** Somebody who is no friend any more knows the current one. */
  readonly rotationDue: boolean;
}

export interface HomeEntry {
  readonly revision: number;
  /** Ed25519 key of the onion, 32 bytes. */
  readonly onionKey: Uint8Array;
  /** Milliseconds since 1970. */
  readonly since: number;
}

const VERSION = 1;
const KEY_BYTES = 32;

/** Throws RangeError on what has no encoding. */
export function encodeHomeRow({ homes, rotationDue }: HomeRow): Uint8Array<ArrayBuffer> {
  if (homes.length === 0 || homes.length > MAX_HOMES) throw new RangeError('number of homes');
  if (!isFalling(homes)) throw new RangeError('order of homes');
  const fields = new FieldWriter().u8(VERSION).flag(rotationDue).u8(homes.length);
  for (const { revision, onionKey, since } of homes) {
    fields.u32(revision).bytes(onionKey, KEY_BYTES).u48(since);
  }
  return fields.done();
}

/** Total: throws only MalformedError. The parts are copies. */
export function decodeHomeRow(value: Uint8Array): HomeRow {
  const reader = new FieldReader('home-row', value);
  if (reader.u8() !== VERSION) reader.refuse('unknown version');
  const rotationDue = reader.flag();
  const count = reader.u8();
  if (count === 0 || count > MAX_HOMES) reader.refuse('impossible number of homes', { count });
  const homes = Array.from({ length: count }, () => ({
    revision: reader.u32(),
    onionKey: reader.bytes(KEY_BYTES),
    since: reader.u48(),
  }));
  if (!isFalling(homes)) reader.refuse('homes are not in order');
  reader.end();
  return { homes, rotationDue };
}

function isFalling(homes: readonly HomeEntry[]): boolean {
  return homes.every(({ revision }, i) => i === 0 || revision < (homes[i - 1] as HomeEntry).revision);
}
