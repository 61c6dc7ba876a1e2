/** A row of a table as it is read. */

export interface StoredRow {
  /** Place in the order, from 1. */
  readonly seq: number;
  readonly name: Uint8Array;
  /** Empty where none was given. */
  readonly scope: Uint8Array;
  readonly alias: Uint8Array | null;
  readonly value: Uint8Array;
}
