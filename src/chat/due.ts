/**
 * What has a time: messages that disappear, gaps and parts that are asked for, what is put off. Rows of the table `chat_due` by second, so that
 * what is due is found without looking at the rest; in memory is only which seconds there may be rows for. A second too
 * many does no harm (nothing is found in it), so that set needs no care when a transaction is rolled back.
 */

import { concat, copyOf } from '../safety/bytes.ts';
import { FieldWriter } from '../wire/fields.ts';
import { WALK_ROWS } from './limits.ts';
import type { ChatTables } from './tables.ts';

/** `answer` (a `restored` of theirs, answered too often) and `owed` (the outbox was full) are of a contact. */
export type DueKind = 'disappear' | 'ask' | 'parts' | 'answer' | 'owed';
const KINDS: readonly DueKind[] = ['disappear', 'ask', 'parts', 'answer', 'owed'];
const PRESENT = Uint8Array.of(1);
const SCOPE_BYTES = 6;

export interface DueItem {
  readonly kind: DueKind;
  /** Name of the message or chain, or the contact. */
  readonly name: Uint8Array;
  /** What was given with it. */
  readonly value: Uint8Array;
}

export class Due {
  readonly #tables: ChatTables;
  readonly #seconds = new Set<number>();

  constructor(tables: ChatTables) {
    this.#tables = tables;
    for (let after = 0; ; ) {
      const rows = tables.due.page({ after, limit: WALK_ROWS });
      for (const { scope } of rows) this.#seconds.add(secondOf(scope));
      const last = rows.at(-1);
      if (last === undefined || rows.length < WALK_ROWS) return;
      after = last.seq;
    }
  }

  /** Never before its time, and within a second after it. Takes the place of an earlier time of the same. */
  set(kind: DueKind, name: Uint8Array, atMs: number, value: Uint8Array = PRESENT): void {
    const second = Math.ceil(atMs / 1000);
    this.#tables.due.put({ name: nameOf(kind, name), value, scope: scopeOf(second) });
    this.#seconds.add(second);
  }

  clear(kind: DueKind, name: Uint8Array): void {
    const full = nameOf(kind, name);
    if (this.#seconds.size > 0) this.#tables.due.delete(full);
  }

  /** Wall ms. */
  next(): number | null {
    let first: number | null = null;
    for (const second of this.#seconds) first = first === null || second < first ? second : first;
    return first === null ? null : first * 1000;
  }

  /** Some of what is due, oldest second first; each stays due until it is set anew or cleared. Empty: nothing is. Never called in a transaction: there, that a second is empty could be undone. */
  take(nowMs: number): DueItem[] {
    const due = [...this.#seconds].filter((second) => second * 1000 <= nowMs).sort((a, b) => a - b);
    for (const second of due) {
      const rows = this.#tables.due.page({ scope: scopeOf(second), after: 0, limit: WALK_ROWS });
      if (rows.length > 0) {
        return rows.map(({ name, value }) => ({
          kind: KINDS[name[0] as number] ?? 'disappear',
          name: copyOf(name, 1),
          value,
        }));
      }
      this.#seconds.delete(second);
    }
    return [];
  }
}

function nameOf(kind: DueKind, name: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(KINDS.indexOf(kind)), name);
}

function scopeOf(second: number): Uint8Array {
  return new FieldWriter().u48(second).done();
}

function secondOf(scope: Uint8Array): number {
  if (scope.length !== SCOPE_BYTES) return 0;
  const view = new DataView(scope.buffer, scope.byteOffset);
  return view.getUint16(0) * 2 ** 32 + view.getUint32(2);
}
