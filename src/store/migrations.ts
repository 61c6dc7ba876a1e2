/**
 * From the layout of an older version's file to this one's, step by step. The number of a file's layout is SQLite's
 * user_version; each step runs in the transaction that raises it, so that a file is always of exactly one version, and
 * one whose step fails stays as it was.
 *
 * Layout 1: the table `header`, and tables as `SealedTable.create` makes them. What changes only inside the values of a
 * table can be done by its owner, whose rows begin with a version of their own, or here.
 */

import { storeTooNew, upgradeFailed } from './errors.ts';
import type { SealedTable } from './sealed-table.ts';

/** What a step works with, inside its transaction. */
export interface MigrationContext {
  /** Runs SQL without parameters. */
  run(sql: string): void;
  /** The rows of a table, made where it is missing. */
  table(name: string): SealedTable;
}

/** Brings a file from layout `to - 1` to `to`. Throws where it cannot. */
export interface Migration {
  readonly to: number;
  readonly run: (context: MigrationContext) => void;
}

export const MIGRATIONS: readonly Migration[] = [
  {
    to: 1,
    run: (context) =>
      context.run(`CREATE TABLE header (only INTEGER PRIMARY KEY CHECK (only = 1), salt BLOB NOT NULL,
        proof BLOB NOT NULL) STRICT`),
  },
];

/** Runs the steps that a file of layout `version` lacks. Throws StoreError STORE_TOO_NEW or STORE_UPGRADE_FAILED. */
export function migrate(
  version: number,
  migrations: readonly Migration[],
  context: MigrationContext & { transaction<T>(work: () => T): T },
): void {
  const known = migrations.at(-1)?.to ?? 0;
  if (version > known) throw storeTooNew(version, known);
  for (const { to, run } of migrations.filter((migration) => migration.to > version)) {
    try {
      context.transaction(() => {
        run(context);
        context.run(`PRAGMA user_version = ${to}`);
      });
    } catch (error) {
      throw upgradeFailed(to, error);
    }
  }
}
