/**
 * What a message does to others: edits, deletions, reactions, timers. Only its author changes a message; both react.
 * They may come in any order, also before their target: then they wait for it. Of several the newest counts.
 */

import type { ContactId } from '../delivery/face.ts';
import { equal } from '../safety/bytes.ts';
import type { ChatContent } from '../wire/chat-content.ts';
import type { Book } from './book.ts';
import { MAX_CHANGES, MAX_CLOCK_AHEAD_MS, MAX_WAITING_CHANGES, MAX_WAITING_TARGETS } from './limits.ts';
import { type ChangeRef, flagged, isNewer, type MessageRow, type Order } from './message-row.ts';
import type { Parts } from './parts.ts';
import { aliasOf, targetIsMine, whose } from './place.ts';
import type { ChatTables, Filed } from './tables.ts';
import { contentOf, scrubbed } from './view.ts';
import { decodeWaitingRow, encodeWaitingRow } from './waiting-row.ts';

export class Changes {
  readonly #tables: ChatTables;
  readonly #book: Book;
  readonly #parts: Parts;
  readonly #generation: () => number;

  constructor(tables: ChatTables, book: Book, parts: Parts, generation: () => number) {
    this.#tables = tables;
    this.#book = book;
    this.#parts = parts;
    this.#generation = generation;
  }

  /** The content of `filed` takes effect; it was filed just now. Returns it as it is then. */
  apply(filed: Filed, content: ChatContent): Filed {
    const { contact, mine } = filed.place;
    switch (content.kind) {
      case 'edit':
      case 'delete':
        this.#to(contact, mine, content.target, filed, content);
        return filed;
      case 'reaction':
        this.#to(contact, targetIsMine(content.target, mine), content.target.id, filed, content);
        return filed;
      case 'timer':
        this.#setTimer(filed, content);
        return filed;
      default:
        return this.#awaited(content.kind === 'attachment' ? this.#parts.adopt(filed) : filed);
    }
  }

  /** Nothing that was said stays, here; the place and the hash do. */
  scrub(filed: Filed): Filed {
    this.#parts.remove(filed);
    for (const change of this.#changesOf(filed)) this.#book.change(change, scrubbed(change.row));
    return this.#book.change(filed, scrubbed(filed.row));
  }

  /** As if it had never been. */
  remove(filed: Filed): void {
    this.#parts.remove(filed);
    for (const change of this.#changesOf(filed)) this.#book.remove(change);
    this.#book.remove(filed);
  }

  #to(contact: ContactId, mine: boolean, id: Uint8Array, change: Filed, content: ChatContent): void {
    const target = this.#tables.messageById(contact, mine, id);
    if (target === null) this.#wait(contact, mine, id, change);
    else if (content.kind === 'delete') this.scrub(target);
    else this.#change(target, change, content);
  }

  #change(target: Filed, change: Filed, content: ChatContent): void {
    const { row } = target;
    const changeable = row.kind === 'text' || row.kind === 'attachment';
    if (!changeable || row.flags.has('deleted')) {
      this.#book.change(change, scrubbed(change.row));
      return;
    }
    const changes = [...row.changes, { mine: change.place.mine, id: change.row.id }];
    for (const old of changes.splice(0, Math.max(0, changes.length - MAX_CHANGES))) this.#drop(target, old);
    this.#book.change(target, { ...changed(row, content, change), changes });
  }

  #drop({ place }: Filed, { mine, id }: ChangeRef): void {
    const old = this.#tables.messageById(place.contact, mine, id);
    if (old !== null) this.#book.change(old, scrubbed(old.row));
  }

  /**
   * The last one that was set here or came here counts, whatever its author says of the time: nobody can keep the other
   * from setting it. Late ones of one chain do not; nor, where a restore may have turned the order of arrival round,
   * the older of two: own ones that come back, and theirs against an own one from before it.
   */
  #setTimer({ place, row }: Filed, content: ChatContent & { kind: 'timer' }): void {
    const { contact } = place;
    const conversation = this.#tables.conversationOf(contact);
    const timerSet = orderOf(content, row);
    const before = conversation.timerSet ?? undefined;
    const isLate = before !== undefined && equal(before.chain, timerSet.chain);
    const isTurned = row.flags.has('restored') || this.#isFromBefore(contact, before);
    if ((isLate || isTurned) && !isNewer(timerSet, before)) return;
    this.#tables.saveConversation(contact, { ...conversation, timerS: content.seconds, timerSet });
    this.#book.tellConversation(contact);
  }

  /** Whether it was set here before the last restore. */
  #isFromBefore(contact: ContactId, set: Order | undefined): boolean {
    const own = set === undefined ? null : this.#tables.chain(contact, true, set.chain);
    return own !== null && own.row.generation !== this.#generation();
  }

  #wait(contact: ContactId, mine: boolean, id: Uint8Array, change: Filed): void {
    const { waiting } = this.#tables;
    const name = aliasOf(contact, mine, id);
    const row = waiting.get(name);
    if (row === null && waiting.count(contact) >= MAX_WAITING_TARGETS) return;
    const changes = row === null ? [] : decodeWaitingRow(row.value);
    changes.push({ mine: change.place.mine, id: change.row.id });
    const kept = changes.slice(-MAX_WAITING_CHANGES);
    waiting.put({ name, scope: contact, value: encodeWaitingRow(kept) });
  }

  /** Applies what waited for this message. */
  #awaited(filed: Filed): Filed {
    const { place, row } = filed;
    const { waiting } = this.#tables;
    const name = aliasOf(place.contact, place.mine, row.id);
    const found = waiting.get(name);
    if (found === null) return filed;
    waiting.delete(name);
    for (const { mine, id } of decodeWaitingRow(found.value)) {
      const change = this.#tables.messageById(place.contact, mine, id);
      const content = change === null ? null : contentOf(change.row);
      if (change !== null && content !== null) this.apply(change, content);
    }
    return this.#tables.message(place) ?? filed;
  }

  #changesOf({ place, row }: Filed): Filed[] {
    return row.changes.flatMap(({ mine, id }) => this.#tables.messageById(place.contact, mine, id) ?? []);
  }
}

/** `row` as the change leaves it; the same where a newer one was there. */
function changed(row: MessageRow, content: ChatContent, change: Filed): MessageRow {
  const order = orderOf(content, change.row);
  if (content.kind === 'edit' && isNewer(order, row.edit?.order)) {
    const edited = { ...row, edit: { order, text: content.text } };
    // what is shown is now as doubtful as the edit
    return change.row.flags.has('unproven') ? flagged(edited, 'unproven') : edited;
  }
  const by = whose(change.place.mine);
  if (content.kind === 'reaction' && isNewer(order, row.reactions[by]?.order)) {
    return { ...row, reactions: { ...row.reactions, [by]: { order, emoji: content.emoji } } };
  }
  return row;
}

/** Its place in the order of changes. A time that lies ahead of when it came here is that of no clock. */
function orderOf({ chain, number, time }: ChatContent, { filedAt }: MessageRow): Order {
  return { chain, number, time: Math.min(time, Math.floor(filedAt) + MAX_CLOCK_AHEAD_MS) };
}
