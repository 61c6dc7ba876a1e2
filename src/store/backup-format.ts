/**
 * The format of a backup. docs/wire.md, "Backups". One file: a head, then a stream of records that lies in sealed
 * pieces, so that it can be written and read with little memory, and any change, a cut at the end included, is noticed.
 *
 * | bytes | field of the head |
 * |---|---|
 * | 11 | `kith-backup` |
 * | 1 | version, 1 |
 * | 16 | salt |
 * | 6 | cost of Argon2id |
 * | 16 | check: tells a wrong passphrase |
 *
 * HKDF-SHA256(Argon2id(passphrase), salt = all of the head before the check, the label below, 48) = key (32) ‖
 * check (16). Piece i = AES-256-GCM(key, nonce = zeros (7) ‖ i (4) ‖ 1 for the last, else 0, aad = head, plaintext);
 * each but the last has 65,536 bytes of plaintext. The key is of this one file, as the salt is.
 */

import { concat, utf8 } from '../safety/bytes.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { FieldReader, FieldWriter } from '../wire/fields.ts';
import { MAX_ROW_NAME_BYTES, MAX_VALUE_BYTES } from './limits.ts';
import { type Argon2Cost, decodeCost, encodeCost, SALT_BYTES } from './passphrase.ts';
import type { StoredRow } from './stored-row.ts';

const MAGIC = utf8('kith-backup');
const VERSION = 1;
const LABEL = utf8('kith/1/store/backup');
const CHECK_BYTES = 16;

/** Bytes of a head. */
export const HEAD_BYTES = 11 + 1 + SALT_BYTES + 6 + CHECK_BYTES;

/** Bytes that sealing adds to a piece. */
export const PIECE_TAG_BYTES = 16;

/** Bytes before each record: how long it is. */
export const RECORD_LENGTH_BYTES = 4;

/** The longest record: a row with everything as long as it may be. */
export const MAX_RECORD_BYTES = 16 + 3 * (2 + MAX_ROW_NAME_BYTES) + MAX_VALUE_BYTES;

export interface BackupHead {
  readonly salt: Uint8Array;
  readonly cost: Argon2Cost;
  readonly check: Uint8Array;
}

export function encodeHead({ salt, cost, check }: BackupHead): Uint8Array {
  return concat(uncheckedHead({ salt, cost }), new FieldWriter().bytes(check, CHECK_BYTES).done());
}

/** Throws MalformedError; `version` in its data says when it is a newer one. */
export function decodeHead(bytes: Uint8Array): BackupHead {
  const reader = new FieldReader('backup-head', bytes);
  if (!reader.bytes(MAGIC.length).every((byte, i) => byte === MAGIC[i])) reader.refuse('not a backup');
  const version = reader.u8();
  if (version !== VERSION) reader.refuse('unknown version', { version });
  const head = { salt: reader.bytes(SALT_BYTES), cost: decodeCost(reader), check: reader.bytes(CHECK_BYTES) };
  reader.end();
  return head;
}

/** Of the 32 bytes that Argon2id gave. */
export function backupKeys(
  provider: Provider,
  stretched: Uint8Array,
  head: Omit<BackupHead, 'check'>,
): { key: Uint8Array; check: Uint8Array } {
  const keys = provider.hkdfSha256(stretched, uncheckedHead(head), LABEL, 32 + CHECK_BYTES);
  return { key: keys.slice(0, 32), check: keys.slice(32) };
}

export function pieceNonce(index: number, last: boolean): Uint8Array {
  return new FieldWriter().bytes(new Uint8Array(7)).u32(index).flag(last).done();
}

function uncheckedHead({ salt, cost }: Omit<BackupHead, 'check'>): Uint8Array {
  const writer = new FieldWriter().bytes(MAGIC).u8(VERSION).bytes(salt, SALT_BYTES);
  return encodeCost(writer, cost).done();
}

/** In this order: meta; then for each table table and its rows; then end. */
export type BackupRecord =
  | { readonly kind: 'meta'; readonly createdAt: number; readonly generation: number }
  | { readonly kind: 'table'; readonly name: string; readonly lastSeq: number }
  | ({ readonly kind: 'row' } & StoredRow)
  | { readonly kind: 'end'; readonly rows: number };

/**
 * First byte 1 meta: time (6, ms), generation (6). 2 table: name (2 + n), last place (6). 3 row: place (6), name, scope
 * (2 + n each), alias (1 where there is one, then 2 + n; else 0), value (rest). 4 end: rows before it (6).
 */
export function encodeRecord(record: BackupRecord): Uint8Array {
  const writer = new FieldWriter();
  switch (record.kind) {
    case 'meta':
      return writer.u8(1).u48(record.createdAt).u48(record.generation).done();
    case 'table':
      return writer.u8(2).text(record.name, MAX_ROW_NAME_BYTES).u48(record.lastSeq).done();
    case 'row': {
      const { seq, name, scope, alias, value } = record;
      writer.u8(3).u48(seq).sized(name, MAX_ROW_NAME_BYTES).sized(scope, MAX_ROW_NAME_BYTES);
      if (alias === null) writer.flag(false);
      else writer.flag(true).sized(alias, MAX_ROW_NAME_BYTES);
      return writer.bytes(value).done();
    }
    default:
      return writer.u8(4).u48(record.rows).done();
  }
}

/** Throws MalformedError. */
export function decodeRecord(bytes: Uint8Array): BackupRecord {
  const reader = new FieldReader('backup-record', bytes);
  const record = recordOf(reader);
  reader.end();
  return record;
}

function recordOf(reader: FieldReader): BackupRecord {
  const kind = reader.u8();
  switch (kind) {
    case 1:
      return { kind: 'meta', createdAt: reader.u48(), generation: reader.u48() };
    case 2:
      return { kind: 'table', name: reader.text(MAX_ROW_NAME_BYTES), lastSeq: reader.u48() };
    case 3: {
      const seq = reader.u48();
      if (seq === 0) reader.refuse('a row without a place');
      const name = reader.sized(MAX_ROW_NAME_BYTES);
      const scope = reader.sized(MAX_ROW_NAME_BYTES);
      const alias = reader.flag() ? reader.sized(MAX_ROW_NAME_BYTES) : null;
      if (reader.left > MAX_VALUE_BYTES) reader.refuse('a value is too long', { sizeBytes: reader.left });
      return { kind: 'row', seq, name, scope, alias, value: reader.rest() };
    }
    case 4:
      return { kind: 'end', rows: reader.u48() };
    default:
      return reader.refuse('unknown record', { kind });
  }
}
