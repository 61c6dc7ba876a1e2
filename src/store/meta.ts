/** What a store says about itself: its generation, a number that every restore of a backup raises. */

import { utf8 } from '../safety/bytes.ts';
import { FieldReader, FieldWriter } from '../wire/fields.ts';
import type { Database, TableSpec } from './database.ts';
import { SECRET_TABLE } from './secrets.ts';

/** Name: which fact. Not in a backup: a restore writes its own. */
const META_TABLE: TableSpec = { name: 'meta', inBackup: false };

/** The tables of the store itself; everybody who opens a database declares them. */
export const STORE_TABLES: readonly TableSpec[] = [META_TABLE, SECRET_TABLE];

const GENERATION = utf8('generation');
const VERSION = 1;

/** 0 for a store that never was restored, else one more than that of the backup it came from. Below 2^48. */
export function generationOf(database: Database): number {
  const row = database.table(META_TABLE.name).get(GENERATION);
  return row === null ? 0 : decodeGeneration(row.value);
}

/** In the transaction of a restore. */
export function setGeneration(database: Database, generation: number): void {
  database.table(META_TABLE.name).put({ name: GENERATION, value: encodeGeneration(generation) });
}

export function encodeGeneration(generation: number): Uint8Array {
  return new FieldWriter().u8(VERSION).u48(generation).done();
}

/** Throws MalformedError. */
export function decodeGeneration(value: Uint8Array): number {
  const reader = new FieldReader('meta-row', value);
  if (reader.u8() !== VERSION) reader.refuse('unknown version');
  const generation = reader.u48();
  reader.end();
  return generation;
}
