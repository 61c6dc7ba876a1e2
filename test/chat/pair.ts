/** Two chats with databases of their own, and a way between them that loses, doubles and reorders as a test says. */

import { Chat, CHAT_TABLES } from '../../src/chat/chat.ts';
import type { ChatEvent, Message } from '../../src/chat/message.ts';
import type { Outbox, Waiting } from '../../src/chat/outbox.ts';
import { type ContactId, NotNow } from '../../src/delivery/face.ts';
import { concat, copyOf, toHex } from '../../src/safety/bytes.ts';
import { KithError } from '../../src/safety/errors.ts';
import { StoreError } from '../../src/store/errors.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { Database } from '../../src/store/database.ts';
import { ManualClock } from '../manual-clock.ts';

const KEY = new Uint8Array(32).fill(7);
const TABLES = [...CHAT_TABLES, { name: 'fake_outbox', inBackup: true }];
const SENT = Uint8Array.of(1);

export const ALICE: ContactId = new Uint8Array(48).fill(0xa1);
export const BOB: ContactId = new Uint8Array(48).fill(0xb0);

/** Outbox rows in the database, so that they are rolled back and backed up with everything else. */
class FakeOutbox implements Outbox {
  readonly #database: Database;
  full = false;

  constructor(database: Database) {
    this.#database = database;
  }

  get #table() {
    return this.#database.table('fake_outbox');
  }

  enqueue(contact: ContactId, { key, content }: { key: Uint8Array; content: Uint8Array }): void {
    if (this.full) throw new KithError('OUTBOX_FULL', 'full', { hint: '' });
    // one that was sent already stays, and the new one goes beside it
    for (let slot = 0; ; slot++) {
      const name = concat(contact, key, Uint8Array.of(slot));
      const row = this.#table.get(name);
      if (row?.value[0] === 1) continue;
      this.#table.put({ name, scope: contact, value: concat(Uint8Array.of(0), content) });
      return;
    }
  }

  withdraw(contact: ContactId, key: Uint8Array): boolean {
    for (const { name, value } of this.rows(contact)) {
      if (toHex(name.subarray(48, 64)) === toHex(key) && value[0] === 0) return this.#table.delete(name);
    }
    return false;
  }

  has(contact: ContactId, key: Uint8Array): boolean {
    for (let slot = 0; slot < 8; slot++) {
      if (this.#table.has(concat(contact, key, Uint8Array.of(slot)))) return true;
    }
    return false;
  }

  outbox(contact: ContactId): Waiting[] {
    return this.rows(contact).map(({ name, value }) => ({
      key: copyOf(name, 48, 64),
      state: value[0] === 0 ? 'saved' : 'sent',
      since: 0,
      attempts: 0,
      cause: null,
    }));
  }

  rows(contact: ContactId, limit = 1_000) {
    return this.#table.page({ scope: contact, after: 0, limit });
  }

  /** Marks it as sent. */
  send(name: Uint8Array): void {
    const row = this.#table.get(name);
    if (row !== null) this.#table.put({ name, value: concat(SENT, row.value.subarray(1)) });
  }

  drop(name: Uint8Array): void {
    this.#table.delete(name);
  }
}

export interface SideInit {
  readonly clock: ManualClock;
  readonly generation?: number;
  readonly path?: string;
  readonly backup?: Backup;
  readonly onStep?: (step: string) => void;
}

export class Side {
  readonly self: ContactId;
  readonly database: Database;
  readonly outbox: FakeOutbox;
  readonly chat: Chat;
  readonly events: ChatEvent[] = [];
  readonly generation: number;
  readonly clock: ManualClock;
  /** Of what arrives, of its author before, and of the link. */
  proven = true;
  wasProven = false;
  linkProves = false;

  constructor(self: ContactId, init: SideInit) {
    const { clock, generation = 0, path = ':memory:', onStep } = init;
    this.self = self;
    this.clock = clock;
    this.generation = generation;
    this.database = Database.open({
      path,
      key: KEY,
      tables: TABLES,
      ...(onStep === undefined ? {} : { onStep }),
    });
    for (const [name, rows] of init.backup ?? []) {
      for (const row of rows) this.database.table(name).put(row);
    }
    this.outbox = new FakeOutbox(this.database);
    this.chat = Chat.open({
      database: this.database,
      self,
      outbox: this.outbox,
      clock,
      random: systemRandom,
      provider: nodeProvider,
      emit: (event) => this.events.push(event),
      generation: () => generation,
      reachOf: () => ({ connected: false, lastReachedAt: null, nextTryAt: null }),
      wasProven: () => this.wasProven,
      linkProves: () => this.linkProves,
    });
  }

  /** A new database with what a backup of this one holds, one generation later. */
  restored(backup: Backup = this.backup()): Side {
    return new Side(this.self, { clock: this.clock, generation: this.generation + 1, backup });
  }

  backup(): Backup {
    const tables = TABLES.filter(({ inBackup }) => inBackup);
    return new Map(
      tables.map(({ name }) => {
        const rows = this.database.table(name).page({ after: 0, limit: 1_000 });
        return [
          name,
          name === 'fake_outbox' ? rows.map((row) => ({ ...row, value: saved(row.value) })) : rows,
        ];
      }),
    );
  }

  texts(contact: ContactId): string[] {
    return this.history(contact).map((message) => lineOf(message));
  }

  history(contact: ContactId): Message[] {
    return this.chat.history(contact, { limit: 200 });
  }

  last(contact: ContactId): Message {
    return this.chat.history(contact, { limit: 1 })[0] as Message;
  }
}

export type Backup = ReadonlyMap<string, readonly Parameters<ReturnType<Database['table']>['put']>[0][]>;

export interface Weather {
  /** Puts what travels at a time in another order. */
  readonly order?: <T>(items: T[]) => T[];
  /** 0 to 1. */
  readonly lost?: () => boolean;
  readonly doubled?: () => boolean;
  /** How many at a time. */
  readonly window?: number;
}

/** Carries what `from` has for `to` until nothing is left, or `rounds` are over. Returns how many contents arrived. */
export function carry(from: Side, to: Side, weather: Weather = {}, rounds = 1_000): number {
  const { order = (items) => items, lost = () => false, doubled = () => false, window = 32 } = weather;
  let arrived = 0;
  for (let round = 0; round < rounds; round++) {
    const rows = from.outbox.rows(to.self, window);
    if (rows.length === 0) return arrived;
    for (const row of order(rows)) {
      const key = copyOf(row.name, 48, 64);
      from.database.transaction(() => {
        from.outbox.send(row.name);
        from.chat.onSent(to.self, key);
      });
      if (lost()) continue;
      const verdict = receive(to, from.self, copyOf(row.value, 1));
      arrived += 1;
      if (doubled()) receive(to, from.self, copyOf(row.value, 1));
      if (verdict === 'busy') continue;
      from.database.transaction(() => {
        from.outbox.drop(row.name);
        if (verdict === 'kept') from.chat.onKept(to.self, key);
        else from.chat.onRefused(to.self, key);
      });
    }
  }
  return arrived;
}

/** Both ways until both are quiet. */
export function settle(a: Side, b: Side, weather: Weather = {}): void {
  for (let i = 0; i < 200; i++) if (carry(a, b, weather) + carry(b, a, weather) === 0) return;
  throw new Error('they never come to rest');
}

export function receive(to: Side, contact: ContactId, content: Uint8Array): 'kept' | 'busy' | 'refused' {
  try {
    const arrived = {
      contact,
      content,
      proven: to.proven,
      oneTimePrekeyId: null,
      via: { kind: 'link' } as const,
    };
    to.database.transaction(() => to.chat.apply(arrived));
    return 'kept';
  } catch (error) {
    if (error instanceof NotNow) return 'busy';
    // what else is thrown is a fault of the test, as of a process that ends here
    if (error instanceof KithError && !(error instanceof StoreError)) return 'refused';
    throw error;
  }
}

export function pair(): { alice: Side; bob: Side; clock: ManualClock } {
  const clock = new ManualClock();
  const [alice, bob] = [new Side(ALICE, { clock }), new Side(BOB, { clock })];
  alice.chat.meet(BOB);
  bob.chat.meet(ALICE);
  return { alice, bob, clock };
}

/** A message as one short line. */
export function lineOf(message: Message): string {
  const { kind, mine, text, missing } = message;
  const by = mine ? '>' : '<';
  if (missing !== null) return `${by}(${missing.count} missing${missing.final ? ' for good' : ''})`;
  return kind === 'text' ? `${by}${text}` : `${by}[${kind}]${text}`;
}

/** As in a backup: encrypted nothing. */
function saved(value: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(0), value.subarray(1));
}
