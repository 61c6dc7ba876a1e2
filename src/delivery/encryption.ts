/**
 * From what waits to ciphertexts, as many as may be on their way at once: contents in their order, then the replies that
 * are owed. Contents go under the live session; what was encrypted under another one and is not acknowledged is
 * encrypted anew, because nobody may read that one any more. Whoever has read it knows the content by its number.
 *
 * Owner: a lane, inside one transaction. Nothing that was made here goes anywhere before that is committed.
 */

import { type ContactSession, findSession, KemError, repliesOwed } from '../kem/index.ts';
import { concat, equal } from '../safety/bytes.ts';
import { Batch, type BatchParts } from './batch.ts';
import { withHead } from './content-head.ts';
import { type Entry, NO_NUMBER } from './entry.ts';
import type { ContactId } from './face.ts';
import { MAX_OPENING_CONTENT_BYTES, OPENING_WINDOW, WINDOW } from './limits.ts';
import { type OpeningMemory, Openings, type OpeningTimes } from './openings.ts';
import type { Outbox, Waiting } from './outbox.ts';
import type { Way } from './way.ts';

const NOTHING = new Uint8Array(0);

/** Why contents wait that are not on their way. */
export type EncryptionCause =
  /** Their device key is another one than before: confirm it first. */
  | 'device-changed'
  /** Their bundle is too old to open a session: theirs must come first. */
  | 'no-current-bundle'
  /** They do not know our session, and a new one was opened only just now. */
  | 'session-refused'
  /** They have to answer the opening before anything so large can go. */
  | 'unanswered';

/** What a lane remembers for this. */
export interface EncryptionMemory {
  readonly opening: OpeningMemory;
  /** Transcript of the session under which something without content went out on this way, so that an answer comes. */
  emptyUnder: Uint8Array | null;
}

export interface EncryptionParts extends BatchParts {
  readonly outbox: Outbox;
  readonly openings: Openings;
  readonly onSent: (contact: ContactId, key: Uint8Array) => void;
}

export class Encryption {
  readonly #parts: EncryptionParts;

  constructor(parts: EncryptionParts) {
    this.#parts = parts;
  }

  /** Encrypts what may go over this way now; null, or why something has to wait. */
  prepare(
    contact: ContactId,
    memory: EncryptionMemory,
    times: OpeningTimes,
    way: Pick<Way, 'isNarrow'>,
  ): EncryptionCause | null {
    const { peers, outbox, openings } = this.#parts;
    const peer = peers.get(contact);
    if (peer === null) return null;
    if (peer.changedTo !== null) return 'device-changed';
    // over a narrow way also for nothing: they may have lost what they had, and come to a pair key only with our answer
    const wants = way.isNarrow || outbox.waiting(contact) > 0;
    let cause: EncryptionCause | null = wants ? openings.ensure(contact, memory.opening, times) : null;
    const which = way.isNarrow ? 'nothing' : 'all';
    if (!this.#encrypt(contact, memory, times, wants && cause === null ? which : null)) {
      cause = openings.ensure(contact, memory.opening, times);
      if (cause === null) this.#encrypt(contact, memory, times, which);
    }
    if (wants && cause === null && which === 'all' && way.isNarrow) {
      // a content was the first of the epoch that gives the pair key: it is held back now, and they get the key from
      // nothing but a message of that epoch
      memory.emptyUnder = null;
      this.#encrypt(contact, memory, times, 'nothing');
    }
    if (wants && cause === null && this.#isLongWaiting(contact)) return 'unanswered';
    return cause;
  }

  /** The contact does not know the session with this transcript. */
  refuse(contact: ContactId, { opening }: EncryptionMemory, transcript: Uint8Array): void {
    const { live } = this.#parts.sessions.get(contact);
    if (live !== null && equal(live.session.transcript, transcript)) opening.refused = transcript;
  }

  /** False: the live session cannot be used any more, and `memory` says so now. */
  #encrypt(
    contact: ContactId,
    memory: EncryptionMemory,
    { now }: OpeningTimes,
    contents: 'all' | 'nothing' | null,
  ): boolean {
    const batch = new Batch(this.#parts, contact, now);
    this.#voidOthers(contact, batch);
    const { live } = batch.sessions;
    let isUsable = true;
    try {
      if (contents === 'all') this.#contents(contact, batch, memory);
      if (contents === 'nothing') this.#nothing(contact, batch, memory);
    } catch (error) {
      if (!(error instanceof KemError) || live === null) throw error;
      memory.opening.refused = live.session.transcript;
      isUsable = false;
    }
    if (isUsable) this.#replies(contact, batch, now);
    batch.save();
    return isUsable;
  }

  /** What is under a session that is not the live one. Replies stay as long as their session. */
  #voidOthers(contact: ContactId, { sessions }: Batch): void {
    const { outbox } = this.#parts;
    for (const entry of outbox.entries(contact)) {
      const isCurrent =
        entry.key === null
          ? findSession(sessions, entry.transcript) !== null
          : sessions.live !== null && equal(entry.transcript, sessions.live.session.transcript);
      if (!isCurrent) outbox.void(contact, entry);
    }
  }

  #contents(contact: ContactId, batch: Batch, memory: EncryptionMemory): void {
    const { outbox } = this.#parts;
    const contents = outbox.entries(contact).filter(({ key }) => key !== null);
    const again = contents.filter(({ form }) => form === 'void');
    const isOpening = batch.sessions.live?.session.opening !== null;
    const room = (isOpening ? OPENING_WINDOW : WINDOW) - (contents.length - again.length);
    if (room <= 0) return;
    for (const entry of again.slice(0, room)) {
      const item = outbox.contentOf(entry);
      if (item === null) outbox.drop(contact, entry);
      else if (!this.#content(contact, batch, memory, item)) return;
    }
    if (room <= again.length) return;
    for (const item of outbox.fresh(contact, room - again.length)) {
      if (!this.#content(contact, batch, memory, item)) return;
      this.#parts.onSent(contact, item.key);
    }
  }

  /** False: this one has to wait, and so all behind it. */
  #content(contact: ContactId, batch: Batch, memory: EncryptionMemory, item: Waiting): boolean {
    const { outbox } = this.#parts;
    const live = batch.sessions.live as ContactSession;
    const before = this.#contentBefore(contact, item);
    // numbers of two streams say nothing about each other
    if (before !== undefined && !equal(before.stream, item.stream)) return false;
    if (live.session.opening !== null && item.content.length > MAX_OPENING_CONTENT_BYTES) {
      const isUnderWay = outbox
        .entries(contact)
        .some((entry) => entry.form === 'opening' && equal(entry.transcript, live.session.transcript));
      if (!isUnderWay) this.#nothing(contact, batch, memory);
      return false;
    }
    const { stream, number, name, seq } = item;
    const made = batch.encrypt(live, withHead({ stream, number, after: before?.number ?? 0 }, item.content));
    outbox.seal(contact, name, { ...made, stream, number }, made.bytes, seq);
    return true;
  }

  /** The content that has to be applied before this one. */
  #contentBefore(contact: ContactId, { name }: Waiting): Entry | undefined {
    const contents = this.#parts.outbox.entries(contact).filter(({ key }) => key !== null);
    const at = contents.findIndex((entry) => equal(entry.name, name));
    return at < 0 ? contents.at(-1) : contents[at - 1];
  }

  /** Something without content, once on each way and session, so that an answer comes: there is room for more then. */
  #nothing(contact: ContactId, batch: Batch, memory: EncryptionMemory): void {
    const live = batch.sessions.live as ContactSession;
    const { transcript } = live.session;
    if (memory.emptyUnder !== null && equal(memory.emptyUnder, transcript)) return;
    // one that is under way may be of an epoch before: when it is acknowledged another one goes
    if (this.#isReplying(contact, transcript)) return;
    memory.emptyUnder = transcript;
    this.#reply(contact, batch, live);
  }

  /** One at a time for each session: the next when this one is acknowledged, if it is owed then. */
  #replies(contact: ContactId, batch: Batch, now: number): void {
    for (const session of repliesOwed(batch.sessions, now)) {
      const { transcript } = session.session;
      if (this.#isReplying(contact, transcript)) continue;
      try {
        this.#reply(contact, batch, session);
      } catch (error) {
        // nobody answers under it any more either; contents find out by themselves
        if (!(error instanceof KemError)) throw error;
      }
    }
  }

  #reply(contact: ContactId, batch: Batch, session: ContactSession): void {
    const made = batch.encrypt(session, NOTHING);
    const name = concat(contact, made.transcript);
    this.#parts.outbox.seal(contact, name, { ...made, ...NO_NUMBER }, made.bytes);
  }

  /** Whether something without content is under way in this session. */
  #isReplying(contact: ContactId, transcript: Uint8Array): boolean {
    const entries = this.#parts.outbox.entries(contact);
    return entries.some(({ key, transcript: other }) => key === null && equal(other, transcript));
  }

  #isLongWaiting(contact: ContactId): boolean {
    const { outbox, sessions } = this.#parts;
    if (sessions.get(contact).live?.session.opening === null) return false;
    const [first] = outbox.fresh(contact, 1);
    return first !== undefined && first.content.length > MAX_OPENING_CONTENT_BYTES;
  }
}
