/**
 * Conversations of two: the part of the chat that the node calls. Everything durable is in the database, and every
 * method is one transaction: what it returns is saved, and only then told (`emit`) or sent.
 *
 * Promises: what `send` returned arrives exactly once, in order, if the friendship lasts and neither side loses its
 * data; what is missing is shown as missing, asked for, and filled in where it belongs. Not promised: that the other
 * side deletes, or lets disappear, what it was asked to; that times are true (they are the author's).
 *
 * Order of writes: history, chain and outbox in one commit, then the network; on arrival history and ratchet in one
 * commit, then the acknowledgement (delivery).
 */

import type { Arrived, ContactId } from '../delivery/face.ts';
import { checkedLimit } from './checks.ts';
import { attachmentIncomplete, unknownMessage } from './errors.ts';
import type { HistoryOptions, Message, SearchOptions, SendOptions, Why } from './message.ts';
import type { Filed } from './tables.ts';
import { why } from './why.ts';
import { type ChatInit, wire } from './wiring.ts';

export { CHAT_TABLES } from './tables.ts';
export type { ChatInit } from './wiring.ts';

export class Chat {
  readonly #init: ChatInit;
  readonly #parts: ReturnType<typeof wire>;

  private constructor(init: ChatInit) {
    this.#init = init;
    this.#parts = wire(init);
  }

  static open(init: ChatInit): Chat {
    return new Chat(init);
  }

  /** For each friend, at start and when a friendship begins. After a restore it tells them how far we are. */
  meet(contact: ContactId): void {
    this.#together(() => this.#parts.repair.meet(contact));
  }

  /** The friendship ended: what has not arrived fails. With `history` everything of the conversation goes. */
  forget(contact: ContactId, { history }: { readonly history: boolean }): void {
    this.#together(() => (history ? this.#parts.ending.erase(contact) : this.#parts.ending.end(contact)));
  }

  /** Throws ChatError, or what the outbox throws. Nothing is saved then. */
  send(contact: ContactId, options: SendOptions): Message {
    return this.#shown(() => this.#parts.writing.send(contact, options));
  }

  edit(id: Uint8Array, text: string): Message {
    return this.#shown(() => this.#parts.writing.edit(this.#known(id), text), id);
  }

  /** An empty emoji takes the reaction back. */
  react(id: Uint8Array, emoji: string): Message {
    return this.#shown(() => this.#parts.writing.react(this.#known(id), emoji), id);
  }

  /** Own messages go on both sides, or `onlyHere`; those of others can only go here, which must be said. */
  delete(id: Uint8Array, { onlyHere = false }: { readonly onlyHere?: boolean | undefined } = {}): void {
    const { writing, tables, changes } = this.#parts;
    this.#together(() => {
      const target = this.#known(id);
      const { contact, mine, chain } = target.place;
      if (onlyHere) writing.deleteHere(target);
      else if (mine && tables.chain(contact, mine, chain)?.row.ended === true) changes.scrub(target);
      else writing.deleteForBoth(target);
    });
  }

  /** Seconds from reading (or, for one's own, delivery) on; 0: never. For messages of both, from now on. */
  setTimer(contact: ContactId, seconds: number): Message {
    return this.#shown(() => this.#parts.writing.setTimer(contact, seconds));
  }

  timer(contact: ContactId): number {
    return this.#parts.tables.conversation(contact)?.timerS ?? 0;
  }

  /** All up to this message, or all there are. Their authors are told. */
  markRead(contact: ContactId, upTo?: Uint8Array): void {
    const { tables, reading } = this.#parts;
    this.#together(() =>
      reading.markRead(contact, upTo === undefined ? tables.lastSeq() : this.#known(upTo).seq),
    );
  }

  unread(contact: ContactId): number {
    return this.#parts.tables.conversation(contact)?.unread ?? 0;
  }

  get(id: Uint8Array): Message | null {
    const filed = this.#parts.tables.find(id);
    return filed === null || filed.row.flags.has('hidden') ? null : this.#parts.view.of(filed);
  }

  /** The message at this place of the history. */
  at(seq: number): Message | null {
    return this.#parts.history.at(seq);
  }

  /** Oldest first. */
  history(contact: ContactId, options: HistoryOptions = {}): Message[] {
    return this.#parts.history.page(contact, options);
  }

  /** Newest first. Case, width and kinds of white space make no difference. */
  search(query: string, { contact, before, limit }: SearchOptions = {}): Message[] {
    const { search, view } = this.#parts;
    const range = { contact: contact ?? null, before: before ?? null, limit: checkedLimit(limit) };
    return search.find(query, range).map((filed) => view.of(filed));
  }

  /** Throws ChatError ATTACHMENT_INCOMPLETE. */
  attachment(id: Uint8Array): { name: string; type: string; bytes: Uint8Array } {
    const found = this.#parts.parts.read(this.#known(id));
    if (found !== null) return found;
    throw attachmentIncomplete();
  }

  why(id: Uint8Array): Why {
    const { outbox, reachOf } = this.#init;
    return why({ tables: this.#parts.tables, view: this.#parts.view, outbox, reachOf }, this.#known(id));
  }

  /** One JSON object a line, the first says what it is. Reads on while it is iterated. */
  export(contact?: ContactId): Iterable<string> {
    return this.#parts.transfer.export(contact ?? null);
  }

  /** Returns how many messages were new. Throws ChatError IMPORT_BAD_LINE, and has imported nothing then. */
  import(lines: Iterable<string>): number {
    return this.#parts.transfer.import(lines);
  }

  /** In delivery's transaction. What it throws refuses the content (NotNow: for now). Other kinds are ignored. */
  apply(arrived: Arrived): void {
    this.#together(() => this.#parts.arriving.apply(arrived));
  }

  /** In delivery's transaction, for every key: those that are not the chat's are ignored. */
  onSent(contact: ContactId, key: Uint8Array): void {
    this.#parts.arriving.onSent(contact, key);
  }

  /** As {@link onSent}. Whether it was a message that was not known to be there. */
  onKept(contact: ContactId, key: Uint8Array): boolean {
    return this.#parts.arriving.onKept(contact, key);
  }

  /** As {@link onSent}. */
  onRefused(contact: ContactId, key: Uint8Array): void {
    this.#parts.arriving.onRefused(contact, key);
  }

  /** Removes what has disappeared and asks again for what is missing. Call at {@link nextExpiry}, and at start. */
  expire(now: number): void {
    this.#parts.expiry.run(now);
  }

  /** Wall ms; null while nothing has a time. It may turn out that there was nothing to do then. */
  nextExpiry(): number | null {
    return this.#parts.due.next();
  }

  /** Whether {@link prepareSearch} has something to do, as after a restore. */
  get isSearchUnprepared(): boolean {
    return this.#parts.search.isUnprepared;
  }

  /** A little of the work that a search would have to do all at once. To be called now and then until it is done. */
  prepareSearch(): void {
    this.#parts.search.prepare();
  }

  #together<T>(work: () => T): T {
    return this.#init.database.transaction(work);
  }

  /** The line that `work` wrote, or the one it changed. */
  #shown(work: () => Filed, changed?: Uint8Array): Message {
    const { tables, view } = this.#parts;
    const written = this.#together(work);
    return view.of((changed === undefined ? null : tables.find(changed)) ?? written);
  }

  #known(id: Uint8Array): Filed {
    const filed = this.#parts.tables.find(id);
    if (filed === null || filed.row.flags.has('hidden')) throw unknownMessage();
    return filed;
  }
}
