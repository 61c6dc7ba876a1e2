/**
 * The records of a backup from its sealed pieces. Format: `backup-format.ts`. Nothing of a piece is looked at before it has
 * been verified, and what is not exactly what was written is StoreError BACKUP_DAMAGED.
 */

import { concat } from '../safety/bytes.ts';
import { CryptoError, type Provider } from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';
import {
  type BackupRecord,
  decodeRecord,
  MAX_RECORD_BYTES,
  PIECE_TAG_BYTES,
  pieceNonce,
  RECORD_LENGTH_BYTES,
} from './backup-format.ts';
import { backupDamaged } from './key-errors.ts';
import { BACKUP_PIECE_BYTES } from './limits.ts';

/** What follows the head, read by `read` front to back; the last one is an `end`. */
export function backupRecords(
  read: (size: number) => Uint8Array,
  provider: Provider,
  key: Uint8Array,
  head: Uint8Array,
): Generator<BackupRecord, void, undefined> {
  return checked(decoded(framed(pieces(read, provider, key, head))));
}

/** The plaintext, piece by piece; ends after the one that was sealed as the last, and refuses what does not. */
function* pieces(
  read: (size: number) => Uint8Array,
  provider: Provider,
  key: Uint8Array,
  head: Uint8Array,
): Generator<Uint8Array, void, undefined> {
  let sealed = read(BACKUP_PIECE_BYTES + PIECE_TAG_BYTES);
  for (let index = 0; ; index++) {
    const next = read(BACKUP_PIECE_BYTES + PIECE_TAG_BYTES);
    const last = next.length === 0;
    yield provider.aes256Gcm.open(key, pieceNonce(index, last), head, sealed);
    if (last) return;
    sealed = next;
  }
}

/** Cuts the stream into records. */
function* framed(pieces: Generator<Uint8Array, void, undefined>): Generator<Uint8Array, void, undefined> {
  let rest: Uint8Array = new Uint8Array(0);
  /** Takes from the front, reading on where it must; null at a clean end. */
  function take(size: number, mayEnd: boolean): Uint8Array | null {
    const parts = [rest];
    let length = rest.length;
    while (length < size) {
      const { value } = pieces.next();
      if (value === undefined) {
        if (mayEnd && length === 0) return null;
        throw backupDamaged();
      }
      parts.push(value);
      length += value.length;
    }
    const joined = parts.length === 1 ? rest : concat(...parts);
    rest = joined.subarray(size);
    return joined.subarray(0, size);
  }
  for (;;) {
    const length = take(RECORD_LENGTH_BYTES, true);
    if (length === null) return;
    const size = new DataView(length.buffer, length.byteOffset).getUint32(0);
    if (size > MAX_RECORD_BYTES) throw backupDamaged();
    yield take(size, false) as Uint8Array;
  }
}

/** Gives the errors of what was read the one name that our callers know. */
function* decoded(records: Generator<Uint8Array, void, undefined>): Generator<BackupRecord, void, undefined> {
  try {
    for (const bytes of records) yield decodeRecord(bytes);
  } catch (error) {
    throw error instanceof MalformedError || error instanceof CryptoError ? backupDamaged(error) : error;
  }
}

/** Nothing follows the end, which must be there. */
function* checked(
  records: Generator<BackupRecord, void, undefined>,
): Generator<BackupRecord, void, undefined> {
  let ended = false;
  for (const record of records) {
    if (ended) throw backupDamaged();
    ended = record.kind === 'end';
    yield record;
  }
  if (!ended) throw backupDamaged();
}
