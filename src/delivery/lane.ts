/**
 * What goes to one contact: a loop that turns verdicts and what waits into the next transaction, and sends what that has
 * committed. At most one way at a time; a newer one replaces the one before, and everything unacknowledged goes again.
 *
 * Owner: Delivery, one for each contact. A turn is synchronous; turns that are asked for at once are one, so many
 * verdicts and contents share a commit. Order of a turn: verdicts, encryption, commit, then the network.
 */

import { equal } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import type { Log } from '../safety/log.ts';
import type { Database } from '../store/database.ts';
import { StoreError } from '../store/errors.ts';
import type { CountTags } from './count-tag.ts';
import { carriedOf, type Entry } from './entry.ts';
import type { Encryption, EncryptionCause, EncryptionMemory } from './encryption.ts';
import type { ContactId, Route } from './face.ts';
import { BUSY_MAX_MS } from './limits.ts';
import { newOpeningMemory, openingWasTaken } from './openings.ts';
import type { Outbox } from './outbox.ts';
import { type Outcome, type PauseCause, Way } from './way.ts';

/** Why something waits. `store-failed`: the own disk refuses. */
export type WaitingCause = EncryptionCause | PauseCause | 'no-way' | 'store-failed';

export interface LaneParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly encryption: Encryption;
  readonly tags: CountTags;
  readonly onKept: (contact: ContactId, key: Uint8Array, since: number) => void;
  readonly onRefused: (contact: ContactId, key: Uint8Array) => void;
  readonly onTrouble: (contact: ContactId) => void;
  readonly onStep: (step: string) => void;
  readonly log: Log;
}

interface Report {
  readonly way: Way;
  /** As it was sent. */
  readonly entry: Entry;
  /** Whether no content was before it when it was sent. */
  readonly wasFirst: boolean;
  readonly outcome: Outcome;
}

export class Lane {
  readonly #parts: LaneParts;
  readonly #contact: ContactId;
  readonly #memory: EncryptionMemory = { opening: newOpeningMemory(), emptyUnder: null };
  readonly #attempts = new Map<string, number>();
  #way: Way | null = null;
  #reports: Report[] = [];
  #cause: WaitingCause | null = null;
  #isAsked = false;
  #isClosed = false;

  constructor(parts: LaneParts, contact: ContactId) {
    this.#parts = parts;
    this.#contact = contact;
  }

  get isAttached(): boolean {
    return this.#way !== null;
  }

  get cause(): WaitingCause | null {
    return this.#way === null ? 'no-way' : (this.#cause ?? this.#way.pause);
  }

  /** Times an entry was sent since the process began. */
  attempts(id: string): number {
    return this.#attempts.get(id) ?? 0;
  }

  attach(route: Route): () => void {
    this.#way?.end();
    const way = new Way(route, this.#parts.clock, () => this.ask());
    this.#way = way;
    this.#memory.emptyUnder = null;
    this.ask();
    return () => {
      way.end();
      if (this.#way === way) this.#way = null;
    };
  }

  /** Asks for a turn, soon. */
  ask(): void {
    if (this.#isAsked || this.#isClosed) return;
    this.#isAsked = true;
    setImmediate(() => {
      this.#isAsked = false;
      if (!this.#isClosed) this.#turn();
    });
  }

  /** What was learned lets an opening be tried at once. */
  mayOpen(): void {
    this.#memory.opening.nextAt = 0;
    openingWasTaken(this.#memory.opening);
    this.ask();
  }

  close(): void {
    this.#isClosed = true;
    this.#way?.end();
    this.#way = null;
  }

  #turn(): void {
    const reports = this.#reports;
    this.#reports = [];
    try {
      this.#commit(reports);
      if (this.#way !== null) this.#send(this.#way);
    } catch (error) {
      this.#fail(error, reports);
    }
  }

  #commit(reports: readonly Report[]): void {
    const { database, encryption, clock, onTrouble, onStep } = this.#parts;
    onStep('before verdicts');
    const cause = database.transaction(() => {
      for (const report of reports) this.#settle(report);
      if (this.#way === null) return null;
      const times = { now: clock.now(), monotonic: clock.monotonic() };
      return encryption.prepare(this.#contact, this.#memory, times, this.#way);
    });
    onStep('after verdicts');
    const isNew = cause !== this.#cause;
    this.#cause = cause;
    if (isNew && (cause === 'device-changed' || cause === 'no-current-bundle')) onTrouble(this.#contact);
    if (cause === 'session-refused') this.#way?.turnAfter(this.#memory.opening.nextAt - clock.monotonic());
  }

  #settle({ way, entry, outcome, wasFirst }: Report): void {
    const { outbox, onKept, onRefused, encryption } = this.#parts;
    // a name is used again, a number is not; and a reply has none
    const now = outbox.entries(this.#contact).find((other) => isSameContent(other, entry));
    if (now === undefined) return;
    if (outcome === 'kept') {
      // also where it was encrypted anew in the meantime: it is one content, and it is there
      const item = outbox.drop(this.#contact, now);
      if (item !== null) onKept(this.#contact, entry.key as Uint8Array, item.since);
      this.#attempts.delete(entry.id);
      way.goOn();
      openingWasTaken(this.#memory.opening);
    } else if (now.count !== entry.count) {
      return; // about bytes that count no more
    } else if (outcome === 'refused') {
      this.#refuse(now, () => onRefused(this.#contact, entry.key as Uint8Array));
    } else if (outcome === 'unknown-session') {
      outbox.void(this.#contact, now);
      encryption.refuse(this.#contact, this.#memory, now.transcript);
    } else {
      way.hold(entry.id);
      if (outcome === 'lost') way.rest('way-lost');
      else if (wasFirst) way.rest('busy-there');
    }
  }

  /** Those behind it say that they come after it: they are encrypted anew, and say so no more. */
  #refuse(entry: Entry, tell: () => void): void {
    const { outbox } = this.#parts;
    if (outbox.drop(this.#contact, entry) !== null) tell();
    this.#attempts.delete(entry.id);
    if (entry.key === null) return;
    for (const other of outbox.entries(this.#contact)) {
      if (other.key !== null && other.seq > entry.seq) outbox.void(this.#contact, other);
    }
  }

  #send(way: Way): void {
    const entries = this.#parts.outbox.entries(this.#contact);
    const first = entries.find(({ key }) => key !== null);
    if (first !== undefined) way.release(first.id);
    const { isNarrow } = way;
    let contents = 0;
    for (const entry of entries) {
      if (entry.key !== null && (isNarrow || ++contents > way.width)) continue;
      if (entry.form === 'void' || way.isGone || !way.isFree(entry.id)) continue;
      this.#launch(way, entry, entry.key === null || entry === first);
    }
  }

  #launch(way: Way, entry: Entry, wasFirst: boolean): void {
    const { outbox, tags, onStep } = this.#parts;
    const row = outbox.ciphertext(entry);
    const ciphertext = row === null ? null : carriedOf(row);
    if (ciphertext === null) return;
    const carried = { ...ciphertext, tag: tags.of(this.#contact, ciphertext.count) };
    this.#attempts.set(entry.id, this.attempts(entry.id) + 1);
    onStep('before send');
    void way.send(entry.id, carried).then((outcome) => {
      // what is lost because the way is gone goes again on the next one
      if (outcome === 'lost' && way.isGone) return;
      this.#reports.push({ way, entry, wasFirst, outcome });
      this.ask();
    });
    onStep('after send');
  }

  /** The own disk may have room again in a while; anything else is a defect, and this way ends with it. */
  #fail(error: unknown, reports: readonly Report[]): void {
    const { log, onTrouble } = this.#parts;
    // what was settled before it failed finds nothing to do
    this.#reports.unshift(...reports);
    this.#memory.emptyUnder = null;
    this.#cause = 'store-failed';
    log('error', 'delivery to a contact has stopped', {
      error: error instanceof Error ? error.name : 'unknown',
    });
    if (error instanceof StoreError) {
      this.#way?.turnAfter(BUSY_MAX_MS);
    } else {
      this.#way?.end();
      this.#way = null;
    }
    onTrouble(this.#contact);
  }
}

function isSameContent(a: Entry, b: Entry): boolean {
  if (a.key === null || b.key === null) return a.id === b.id && a.count === b.count;
  return a.number === b.number && equal(a.stream, b.stream);
}
