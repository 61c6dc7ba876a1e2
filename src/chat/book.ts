/**
 * Writes messages and whatever must change with them in the same transaction: the blocks of the search, the unread
 * count, the time at which they disappear; and tells of it once that is on disk.
 */

import type { ContactId } from '../delivery/face.ts';
import type { Clock } from '../safety/clock.ts';
import type { Due } from './due.ts';
import type { ChatEvent } from './message.ts';
import type { MessageRow } from './message-row.ts';
import { type Place, placeName } from './place.ts';
import type { Search } from './search.ts';
import type { ChatTables, Filed } from './tables.ts';
import { isUnread, type View } from './view.ts';

export interface BookInit {
  readonly tables: ChatTables;
  readonly view: View;
  readonly search: Search;
  readonly due: Due;
  readonly clock: Clock;
  readonly emit: (event: ChatEvent) => void;
}

export class Book {
  readonly #init: BookInit;

  constructor(init: BookInit) {
    this.#init = init;
  }

  /** A new row behind all others, or a gap's that is filled (`filled`). Whoever files it tells of it. */
  add(place: Place, row: MessageRow, filled: Filed | null): Filed {
    const { tables, search } = this.#init;
    const last = tables.lastSeq();
    const added = tables.saveMessage(place, row);
    if (filled === null) search.added(added.seq, last);
    else search.changed(added.seq);
    if (isUnread(added)) this.#count(added, 1);
    this.#schedule(added);
    return added;
  }

  /** Writes a row anew. Who changes many of one conversation counts the unread ones itself (`counted`). */
  change(before: Filed, row: MessageRow, counted = true): Filed {
    const { tables, search } = this.#init;
    const after = tables.saveMessage(before.place, row);
    const same =
      row.content === before.row.content && row.edit === before.row.edit && row.flags === before.row.flags;
    if (!same) search.changed(after.seq);
    const unread = Number(isUnread(after)) - Number(isUnread(before));
    if (unread !== 0 && counted) this.#count(after, unread);
    this.#schedule(after);
    if (row.flags.has('hidden') && !before.row.flags.has('hidden')) this.#tellRemoved(before);
    else this.tell(after, 'message-changed');
    return after;
  }

  /** Removes the row; nothing of it stays. */
  remove(filed: Filed): void {
    const { tables, search, due } = this.#init;
    tables.removeMessage(filed.place);
    search.changed(filed.seq);
    due.clear('disappear', placeName(filed.place));
    if (isUnread(filed)) this.#count(filed, -1);
    if (!filed.row.flags.has('hidden')) this.#tellRemoved(filed);
  }

  /** Tells after the commit how a message is now. */
  tell(filed: Filed, kind: 'message' | 'message-changed'): void {
    if (filed.row.flags.has('hidden')) return;
    const { tables, view, emit } = this.#init;
    tables.database.afterCommit(() => emit({ kind, message: view.of(filed) }));
  }

  tellConversation(contact: ContactId): void {
    const { tables, emit } = this.#init;
    tables.database.afterCommit(() => emit({ kind: 'conversation', contact }));
  }

  #tellRemoved({ place, row }: Filed): void {
    const { tables, emit } = this.#init;
    tables.database.afterCommit(() => emit({ kind: 'message-removed', contact: place.contact, id: row.id }));
  }

  #schedule(filed: Filed): void {
    const { view, due } = this.#init;
    const at = view.disappearsAt(filed);
    const name = placeName(filed.place);
    if (at !== null) due.set('disappear', name, at);
    else if (filed.row.flags.has('deleted')) due.clear('disappear', name);
  }

  #count({ place: { contact }, seq }: Filed, by: number): void {
    const { tables } = this.#init;
    const row = tables.conversationOf(contact);
    const unread = Math.max(0, row.unread + by);
    const oldest = by > 0 ? Math.min(row.unread === 0 ? seq : row.unreadFrom, seq) : row.unreadFrom;
    tables.saveConversation(contact, { ...row, unread, unreadFrom: oldest });
    this.tellConversation(contact);
  }
}
