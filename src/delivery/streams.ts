/**
 * The numbers of contents in both directions. `heard` (in backups): how far a contact's contents were applied. `said`
 * (never in backups): which numbers were given to a contact, and the count of ciphertexts. Who was restored has no
 * `said`, and begins another stream; who was rolled back without knowing hears it from the contact, and does so then.
 *
 * A count begins at the time of day, not at 0: so it is above all that was counted for the same contact before a restore,
 * or before they were removed, and no tag of then means anything. A clock that is wrong by more makes tags of then mean
 * that this is an old copy.
 *
 * Owner: Delivery; everything that writes is called inside a transaction.
 */

import { equal } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { Database } from '../store/database.ts';
import type { SealedTable } from '../store/sealed-table.ts';
import { FieldReader, FieldWriter } from '../wire/fields.ts';
import { type ContentHead, STREAM_BYTES } from './content-head.ts';
import type { ContactId } from './face.ts';
import { COUNT_TAG_BYTES } from './count-tag.ts';
import { decodeHeard, encodeHeard, type Heard, type HeardStream, type Told } from './heard-row.ts';
import { COUNTS_PER_SECOND, MAX_BELIEVED_COUNT, MAX_STREAMS } from './limits.ts';
import { RowCache } from './row-cache.ts';

const VERSION = 1;
const NOTHING_HEARD: Heard = {
  seen: 0,
  tag: new Uint8Array(COUNT_TAG_BYTES),
  isFirm: false,
  streams: [],
};

interface Said {
  readonly stream: Uint8Array;
  /** Number of the next content. */
  readonly next: number;
  /** Of the last ciphertext; see {@link Streams} for where it begins. */
  readonly sent: number;
}

/** The counts of the last ciphertexts that two have made for each other. */
export interface Counts {
  /** By us. */
  readonly sent: number;
  /** By them, as they have told with the ciphertexts. */
  readonly seen: number;
  /** What they told along with `seen`, 16 bytes; zeros for 0. */
  readonly tag: Uint8Array;
}

/** A place among the contents of one contact. */
export interface Numbered {
  readonly stream: Uint8Array;
  readonly number: number;
}

export class Streams {
  readonly #random: RandomBytes;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #saidRows: SealedTable;
  readonly #heardRows: SealedTable;
  readonly #said: RowCache<Said>;
  readonly #heard: RowCache<Heard>;

  constructor(database: Database, random: RandomBytes, clock: Pick<Clock, 'now'>) {
    this.#random = random;
    this.#clock = clock;
    this.#saidRows = database.table('said');
    this.#heardRows = database.table('heard');
    this.#said = new RowCache(database);
    this.#heard = new RowCache(database);
  }

  counts(contact: ContactId): Counts {
    const { seen, tag } = this.#heardOf(contact);
    return { sent: this.#saidOf(contact).sent, seen, tag };
  }

  /** The stream that new contents are numbered in. */
  streamOf(contact: ContactId): Uint8Array {
    return this.#saidOf(contact).stream;
  }

  /** The next number. */
  number(contact: ContactId): Numbered {
    const said = this.#saidOf(contact);
    this.#putSaid(contact, { ...said, next: said.next + 1 });
    return { stream: said.stream, number: said.next };
  }

  /** `sent` ciphertexts have been made. */
  setSent(contact: ContactId, sent: number): void {
    this.#putSaid(contact, { ...this.#saidOf(contact), sent });
  }

  /** Before the first session: an older copy has to know where the count began to find that it is one. */
  prepare(contact: ContactId): void {
    if (!this.#saidRows.has(contact)) this.#putSaid(contact, this.#saidOf(contact));
  }

  /** From here on numbers are of another stream, and counts above `sent` and above all that a copy has made by now. */
  begin(contact: ContactId, sent: number): void {
    const above = Math.max(sent, this.#saidOf(contact).sent, this.#countOfNow());
    this.#putSaid(contact, { stream: this.#random(STREAM_BYTES), next: 1, sent: above });
  }

  /** `twice`: it was applied. `early`: another one has to be applied first. */
  place(contact: ContactId, { stream, number, after }: ContentHead): 'next' | 'twice' | 'early' {
    const last = this.#heardOf(contact).streams.find((entry) => equal(entry.stream, stream))?.last ?? 0;
    if (number <= last) return 'twice';
    return after <= last ? 'next' : 'early';
  }

  /** In the transaction that applies the content of this number, if any. `told`: null for what nobody should believe. */
  received(contact: ContactId, numbered: Numbered | null, told: Told | null): void {
    const { streams, ...before } = this.#heardOf(contact);
    const isNew = told !== null && takesPlace(told, before);
    if (numbered === null && !isNew) return;
    this.#putHeard(contact, {
      ...(isNew ? told : before),
      streams: numbered === null ? streams : withLast(streams, numbered),
    });
  }

  forget(contact: ContactId): void {
    this.#saidRows.delete(contact);
    this.#heardRows.delete(contact);
    this.#said.drop(contact);
    this.#heard.drop(contact);
  }

  #saidOf(contact: ContactId): Said {
    return this.#said.get(contact, () => {
      const row = this.#saidRows.get(contact);
      if (row === null) return { stream: this.#random(STREAM_BYTES), next: 1, sent: this.#countOfNow() };
      const reader = new FieldReader('said-row', row.value.subarray(1));
      return { stream: reader.bytes(STREAM_BYTES), next: reader.u48(), sent: reader.u48() };
    });
  }

  /** Half of what is believed is not reached before the year 2242, and leaves room to count on. */
  #countOfNow(): number {
    const count = Math.floor((this.#clock.now() / 1000) * COUNTS_PER_SECOND);
    return Math.max(0, Math.min(count, MAX_BELIEVED_COUNT / 2));
  }

  #heardOf(contact: ContactId): Heard {
    return this.#heard.get(contact, () => {
      const row = this.#heardRows.get(contact);
      return row === null ? NOTHING_HEARD : decodeHeard(row.value);
    });
  }

  #putSaid(contact: ContactId, said: Said): void {
    const { stream, next, sent } = said;
    const value = new FieldWriter().u8(VERSION).bytes(stream, STREAM_BYTES).u48(next).u48(sent).done();
    this.#saidRows.put({ name: contact, value, scope: contact, alias: null });
    this.#said.set(contact, said);
  }

  #putHeard(contact: ContactId, heard: Heard): void {
    this.#heardRows.put({ name: contact, value: encodeHeard(heard), scope: contact, alias: null });
    this.#heard.set(contact, heard);
  }
}

function takesPlace({ seen, isFirm }: Told, before: Told): boolean {
  if (seen > MAX_BELIEVED_COUNT) return false;
  return isFirm === before.isFirm ? seen > before.seen : isFirm;
}

function withLast(streams: readonly HeardStream[], { stream, number }: Numbered): HeardStream[] {
  const others = streams.filter((entry) => !equal(entry.stream, stream));
  return [{ stream, last: number }, ...others].slice(0, MAX_STREAMS);
}
