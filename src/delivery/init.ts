/** What Delivery is made of and what it tells: the tables it needs, what it is handed, what waits. */

import type { Primitives } from '../kem/index.ts';
import type { Clock } from '../safety/clock.ts';
import { toHex } from '../safety/bytes.ts';
import { type Log, silent } from '../safety/log.ts';
import type { Database, TableSpec } from '../store/database.ts';
import type { Apply, ContactId } from './face.ts';
import type { Lane, WaitingCause } from './lane.ts';
import { WALK_ROWS } from './limits.ts';
import type { Outbox } from './outbox.ts';

/** What the database has to declare. */
export const DELIVERY_TABLES: readonly TableSpec[] = [
  { name: 'identity', inBackup: true },
  { name: 'prekeys', inBackup: false },
  { name: 'one_time', inBackup: false },
  { name: 'replay', inBackup: false },
  { name: 'session', inBackup: false },
  { name: 'skipped', inBackup: false },
  { name: 'peer', inBackup: true },
  { name: 'heard', inBackup: true },
  { name: 'said', inBackup: false },
  { name: 'outbox', inBackup: true },
  { name: 'ciphertext', inBackup: false },
];

export interface DeliveryInit {
  readonly database: Database;
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly apply: Apply;
  /** In the transaction that drops the content: the contact has it durably. It was put in at `since`, ms since 1970. */
  readonly onKept: (contact: ContactId, key: Uint8Array, since: number) => void;
  /** In the transaction that drops the content: the contact will never take it. */
  readonly onRefused?: ((contact: ContactId, key: Uint8Array) => void) | undefined;
  /** In the transaction that encrypts the content for the first time. */
  readonly onSent?: ((contact: ContactId, key: Uint8Array) => void) | undefined;
  /**
   * In the transaction that begins anew with a contact, because it has seen more of us than we know to have sent: after
   * a restore, or in an old copy of the data. Places that the domain has given since then may have been given before.
   */
  readonly onRolledBack?: ((contact: ContactId) => void) | undefined;
  /** After a commit: why contents wait has changed to something that a person or another part can mend. */
  readonly onTrouble?: ((contact: ContactId) => void) | undefined;
  readonly log?: Log | undefined;
  /** Called around every send and all verdicts of a turn: a place to fail in tests. */
  readonly onStep?: ((step: string) => void) | undefined;
}

/** With what is optional. */
export type WholeInit = { readonly [name in keyof DeliveryInit]-?: NonNullable<DeliveryInit[name]> };

export function withDefaults(init: DeliveryInit): WholeInit {
  const none = (): void => {};
  return {
    database: init.database,
    primitives: init.primitives,
    clock: init.clock,
    apply: init.apply,
    onKept: init.onKept,
    onRefused: init.onRefused ?? none,
    onSent: init.onSent ?? none,
    onRolledBack: init.onRolledBack ?? none,
    onTrouble: init.onTrouble ?? none,
    log: init.log ?? silent,
    onStep: init.onStep ?? none,
  };
}

export interface OutboxEntry {
  /** 16 bytes. */
  readonly key: Uint8Array;
  /** `sent`: it was encrypted, and is not acknowledged. */
  readonly state: 'saved' | 'sent';
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Times it was sent since the process began. */
  readonly attempts: number;
  /** What it waits for; null: for its turn, or for the verdict. */
  readonly cause: WaitingCause | null;
}

/** All of it, in order. Without a lane nothing was ever sent in this process. */
export function listOutbox(outbox: Outbox, lane: Lane | undefined, contact: ContactId): OutboxEntry[] {
  const cause = lane === undefined ? 'no-way' : lane.cause;
  const sent = new Set(outbox.entries(contact).map(({ id }) => id));
  const found: OutboxEntry[] = [];
  for (let after = 0; ; ) {
    const items = outbox.list(contact, after, WALK_ROWS);
    for (const { name, key, since, seq } of items) {
      const id = toHex(name);
      const state = sent.has(id) ? 'sent' : 'saved';
      found.push({ key, state, since, attempts: lane?.attempts(id) ?? 0, cause });
      after = seq;
    }
    if (items.length < WALK_ROWS) return found;
  }
}
