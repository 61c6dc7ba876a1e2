/**
 * What waits for each contact, until it is kept there: contents (table `outbox`) in the order in which they were handed
 * over, and their ciphertexts (table `ciphertext`). A content without a ciphertext row was never encrypted: it can still
 * be replaced or withdrawn.
 *
 * Owner: Delivery; everything that writes is called inside a transaction.
 */

import { equal } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import type { Database } from '../store/database.ts';
import type { SealedTable, StoredRow } from '../store/sealed-table.ts';
import { decodeEntry, type Entry, encodeEntry, type EntryState, entryOf } from './entry.ts';
import { DeliveryError } from './errors.ts';
import type { ContactId } from './face.ts';
import { MAX_CONTENT_BYTES, MAX_SLOTS, MAX_WAITING, WALK_ROWS } from './limits.ts';
import { decodeItem, encodeItem, itemName, keyOf, type OutboxItem } from './outbox-row.ts';
import { RowCache } from './row-cache.ts';
import type { Streams } from './streams.ts';

/** A content in its place. */
export interface Waiting extends OutboxItem {
  readonly seq: number;
  readonly name: Uint8Array;
  readonly key: Uint8Array;
}

interface Sealed {
  /** In their order. */
  readonly entries: readonly Entry[];
  /** Outbox rows up to this place have an entry. */
  readonly through: number;
}

export class Outbox {
  readonly #clock: Clock;
  readonly #streams: Streams;
  readonly #items: SealedTable;
  readonly #ciphertexts: SealedTable;
  readonly #counts: RowCache<number>;
  readonly #sealed: RowCache<Sealed>;

  constructor(database: Database, clock: Clock, streams: Streams) {
    this.#clock = clock;
    this.#streams = streams;
    this.#items = database.table('outbox');
    this.#ciphertexts = database.table('ciphertext');
    this.#counts = new RowCache(database);
    this.#sealed = new RowCache(database);
  }

  /** Throws DeliveryError CONTENT_TOO_LONG or OUTBOX_FULL. */
  enqueue(contact: ContactId, key: Uint8Array, content: Uint8Array): void {
    requireFits(content);
    const since = Math.floor(this.#clock.now());
    for (let slot = 0; slot < MAX_SLOTS; slot++) {
      const name = itemName(contact, key, slot);
      const row = this.#items.get(name);
      if (row === null) {
        this.#count(contact, 1);
        this.#put(contact, name, { ...this.#streams.number(contact), since, content });
        return;
      }
      if (this.#wasEncrypted(contact, name)) continue;
      const old = decodeItem(row.value);
      if (equal(old.stream, this.#streams.streamOf(contact))) {
        this.#put(contact, name, { ...old, since, content });
      } else {
        // its number may have gone out before a restore, with the older content
        this.#items.delete(name);
        this.#put(contact, name, { ...this.#streams.number(contact), since, content });
      }
      return;
    }
    throw outboxFull();
  }

  /** False: there is none that was never encrypted. */
  withdraw(contact: ContactId, key: Uint8Array): boolean {
    for (let slot = 0; slot < MAX_SLOTS; slot++) {
      const name = itemName(contact, key, slot);
      if (!this.#items.has(name) || this.#wasEncrypted(contact, name)) continue;
      this.#count(contact, -1);
      this.#items.delete(name);
      return true;
    }
    return false;
  }

  /** Whether a content of this key waits. */
  has(contact: ContactId, key: Uint8Array): boolean {
    for (let slot = 0; slot < MAX_SLOTS; slot++) {
      if (this.#items.has(itemName(contact, key, slot))) return true;
    }
    return false;
  }

  /** Contents that wait. */
  waiting(contact: ContactId): number {
    return this.#counts.get(contact, () => this.#items.count(contact));
  }

  /** Contents behind place `after`, in their order. */
  list(contact: ContactId, after: number, limit: number): Waiting[] {
    return this.#items.page({ scope: contact, after, limit }).map(waitingOf);
  }

  /** The content of an entry, or null where it is gone. */
  contentOf({ name }: Entry): Waiting | null {
    const row = this.#items.get(name);
    return row === null ? null : waitingOf(row);
  }

  /** Those that were never encrypted, in their order. */
  fresh(contact: ContactId, limit: number): Waiting[] {
    return this.list(contact, this.#sealedOf(contact).through, limit);
  }

  entries(contact: ContactId): readonly Entry[] {
    return this.#sealedOf(contact).entries;
  }

  ciphertext({ name }: Entry): StoredRow | null {
    return this.#ciphertexts.get(name);
  }

  /** Keeps a ciphertext: in place of the entry of that name, or as the last one. `itemSeq`: place of its content, if any. */
  seal(contact: ContactId, name: Uint8Array, state: EntryState, bytes?: Uint8Array, itemSeq = 0): void {
    const { entries, through } = this.#sealedOf(contact);
    const value = encodeEntry(state, bytes);
    const seq = this.#ciphertexts.put({ name, value, scope: contact, alias: null });
    const entry = entryOf(seq, name, state);
    const at = entries.findIndex(({ id }) => id === entry.id);
    const next = at < 0 ? [...entries, entry] : entries.with(at, entry);
    this.#sealed.set(contact, { entries: next, through: Math.max(through, itemSeq) });
  }

  /** What was encrypted for it counts no more: it is to be encrypted anew, or, a reply, forgotten. */
  void(contact: ContactId, entry: Entry): void {
    if (entry.key === null) this.#unseal(contact, entry);
    else if (entry.form !== 'void') this.seal(contact, entry.name, { ...entry, form: 'void' });
  }

  /** It is done with. Its content as it was; null: a reply, or it was done with before. */
  drop(contact: ContactId, entry: Entry): OutboxItem | null {
    this.#unseal(contact, entry);
    const item = entry.key === null ? null : this.contentOf(entry);
    if (item === null) return null;
    this.#count(contact, -1);
    this.#items.delete(entry.name);
    return item;
  }

  /** Gives everything that is numbered in `stream` a number of the newest stream, and forgets all ciphertexts. */
  renumber(contact: ContactId, stream: Uint8Array): void {
    this.#ciphertexts.deleteScope(contact);
    this.#sealed.drop(contact);
    for (let after = 0; ; ) {
      const items = this.list(contact, after, WALK_ROWS);
      for (const item of items) {
        after = item.seq;
        if (!equal(item.stream, stream)) continue;
        this.#put(contact, item.name, { ...item, ...this.#streams.number(contact) });
      }
      if (items.length < WALK_ROWS) return;
    }
  }

  forget(contact: ContactId): void {
    this.#items.deleteScope(contact);
    this.#ciphertexts.deleteScope(contact);
    this.#counts.drop(contact);
    this.#sealed.drop(contact);
  }

  #unseal(contact: ContactId, { name, id }: Entry): void {
    const { entries, through } = this.#sealedOf(contact);
    this.#ciphertexts.delete(name);
    this.#sealed.set(contact, { entries: entries.filter((entry) => entry.id !== id), through });
  }

  #sealedOf(contact: ContactId): Sealed {
    return this.#sealed.get(contact, () => {
      const rows = this.#ciphertexts.page({ scope: contact, after: 0, limit: 2 * WALK_ROWS });
      const entries = rows
        .map((row) => decodeEntry(row))
        .map((entry) => entryOf(entry.seq, entry.name, entry));
      const last = entries.findLast(({ key }) => key !== null);
      return { entries, through: last === undefined ? 0 : (this.contentOf(last)?.seq ?? 0) };
    });
  }

  #wasEncrypted(contact: ContactId, name: Uint8Array): boolean {
    return this.#sealedOf(contact).entries.some((entry) => equal(entry.name, name));
  }

  /** To be called before the change: the first time, rows are counted. */
  #count(contact: ContactId, change: number): void {
    const count = this.waiting(contact) + change;
    if (count > MAX_WAITING) throw outboxFull();
    this.#counts.set(contact, count);
  }

  #put(contact: ContactId, name: Uint8Array, item: OutboxItem): void {
    this.#items.put({ name, value: encodeItem(item), scope: contact, alias: null });
  }
}

function waitingOf({ seq, name, value }: StoredRow): Waiting {
  return { ...decodeItem(value), seq, name, key: keyOf(name) };
}

function requireFits(content: Uint8Array): void {
  if (content.length === 0) throw new RangeError('a content has at least its kind');
  if (content.length <= MAX_CONTENT_BYTES) return;
  throw new DeliveryError('CONTENT_TOO_LONG', 'the content does not fit into one message', {
    hint: 'Send less at once, or in parts.',
    data: { contentBytes: content.length, maxBytes: MAX_CONTENT_BYTES },
  });
}

function outboxFull(): DeliveryError {
  return new DeliveryError('OUTBOX_FULL', 'too much waits for this contact', {
    hint: 'Wait until the contact was there, or withdraw something.',
    data: { maxWaiting: MAX_WAITING },
  });
}
