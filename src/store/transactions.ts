/**
 * Transactions of one open SQLite file, and everything that is written in them: all of it is kept, or none. A
 * transaction inside another is a savepoint of it. Cost of a nested one: two short statements.
 *
 * Owner: the {@link Database} above it. Synchronous: no other code runs between two statements.
 */

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isSqliteError, isTaken, writeFailed } from './errors.ts';
import type { Statements } from './sealed-table.ts';

/** What a transaction, or a part nested in it, does at its end. */
interface Pending {
  readonly afterCommit: (() => void)[];
  readonly onRollback: (() => void)[];
}

export class Transactions implements Statements {
  readonly #sqlite: DatabaseSync;
  readonly #onStep: (step: string) => void;
  readonly #statements = new Map<string, StatementSync>();
  /** Of the transaction under way and the parts nested in it, outermost first. */
  readonly #pending: Pending[] = [];
  #undone = 0;

  constructor(sqlite: DatabaseSync, onStep: (step: string) => void) {
    this.#sqlite = sqlite;
    this.#onStep = onStep;
  }

  get underWay(): boolean {
    return this.#pending.length > 0;
  }

  get undone(): number {
    return this.#undone;
  }

  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#sqlite.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  transaction<T>(work: () => T): T {
    const depth = this.#pending.length;
    return depth === 0 ? this.#outermost(work) : this.#nested(`s${depth}`, work);
  }

  /** Several statements that belong together, of which only the last one writes: no savepoint is needed for them. */
  together<T>(work: () => T): T {
    return this.underWay ? work() : this.#outermost(work);
  }

  write<T>(step: string, run: () => T): T {
    return this.together(() => {
      // SQLite may have undone a transaction by itself, and what follows would be kept without it
      this.#requireOpen();
      this.#onStep(`before ${step}`);
      const result = named(run);
      this.#onStep(`after ${step}`);
      return result;
    });
  }

  afterCommit(work: () => void): void {
    const pending = this.#pending.at(-1);
    if (pending === undefined) work();
    else pending.afterCommit.push(work);
  }

  onRollback(work: () => void): void {
    this.#pending.at(-1)?.onRollback.push(work);
  }

  #outermost<T>(work: () => T): T {
    this.#onStep('before begin');
    named(() => this.prepare('BEGIN IMMEDIATE').run());
    const pending = this.#begin();
    let result: T;
    try {
      this.#onStep('after begin');
      result = settled(work());
      this.#requireOpen();
      this.#onStep('before commit');
      named(() => this.prepare('COMMIT').run());
    } catch (error) {
      throw this.#undo(error, pending, ['ROLLBACK']);
    }
    this.#pending.pop();
    this.#onStep('after commit');
    const [failed] = errorsOf(pending.afterCommit);
    if (failed !== undefined) throw failed.error;
    return result;
  }

  #nested<T>(savepoint: string, work: () => T): T {
    const outer = this.#pending.at(-1) as Pending;
    this.#requireOpen();
    named(() => this.prepare(`SAVEPOINT ${savepoint}`).run());
    const pending = this.#begin();
    let result: T;
    try {
      result = settled(work());
      this.#requireOpen();
      named(() => this.prepare(`RELEASE ${savepoint}`).run());
    } catch (error) {
      throw this.#undo(error, pending, [`ROLLBACK TO ${savepoint}`, `RELEASE ${savepoint}`]);
    }
    this.#pending.pop();
    outer.afterCommit.push(...pending.afterCommit);
    outer.onRollback.push(...pending.onRollback);
    return result;
  }

  /** Undoes what was written; what to throw then, which is the first error unless undoing failed too. */
  #undo(error: unknown, { onRollback }: Pending, sql: readonly string[]): unknown {
    this.#pending.pop();
    this.#undone++;
    // where SQLite has undone it by itself, there is nothing left to do
    const undo = (): void => {
      if (this.#sqlite.isTransaction) for (const statement of sql) this.prepare(statement).run();
    };
    const failed = errorsOf([undo, ...onRollback.toReversed()]);
    if (failed.length === 0) return error;
    return new AggregateError(
      [error, ...failed.map(({ error }) => error)],
      'a transaction was not undone as a whole',
    );
  }

  #begin(): Pending {
    const pending: Pending = { afterCommit: [], onRollback: [] };
    this.#pending.push(pending);
    return pending;
  }

  #requireOpen(): void {
    if (!this.#sqlite.isTransaction) throw writeFailed(undefined);
  }
}

/** Gives SQLite's errors the names that our callers know. */
function named<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (isTaken(error)) throw new RangeError('another row of the table has this alias', { cause: error });
    throw isSqliteError(error) ? writeFailed(error) : error;
  }
}

/** A promise would go on after the transaction has ended. */
function settled<T>(result: T): T {
  if (result instanceof Promise) {
    result.catch(() => {}); // the defect is told by what is thrown here
    throw new TypeError('a transaction cannot wait for a promise');
  }
  return result;
}

/** Runs each of them, whatever another throws; what they threw. */
function errorsOf(works: readonly (() => void)[]): { error: unknown }[] {
  return works.flatMap((work) => {
    try {
      work();
      return [];
    } catch (error) {
      return [{ error }];
    }
  });
}
