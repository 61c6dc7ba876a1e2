/** What was read: here, and by the other side. */

import type { ContactId } from '../delivery/face.ts';
import { equal } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import type { RandomBytes } from '../safety/random.ts';
import { encodeChatNotice, MAX_RECEIPT_IDS } from '../wire/chat-notice.ts';
import type { Book } from './book.ts';
import { WALK_ROWS } from './limits.ts';
import type { Outbox } from './outbox.ts';
import type { ChatTables } from './tables.ts';
import { isUnread } from './view.ts';

export interface ReadingInit {
  readonly tables: ChatTables;
  readonly book: Book;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly self: ContactId;
}

export class Reading {
  readonly #init: ReadingInit;

  constructor(init: ReadingInit) {
    this.#init = init;
  }

  /** All up to this place are read; their authors are told. */
  markRead(contact: ContactId, upToSeq: number): void {
    const { tables, book, clock } = this.#init;
    const ids: Uint8Array[] = [];
    const start = tables.conversation(contact);
    if (start === null || start.unread === 0) return;
    const now = clock.now();
    for (let after = start.unreadFrom - 1, more = true; more; ) {
      const rows = tables.page(contact, { after, before: upToSeq + 1, limit: WALK_ROWS });
      for (const filed of rows) {
        if (!isUnread(filed)) continue;
        ids.push(filed.row.id);
        book.change(filed, { ...filed.row, readAt: now }, false);
      }
      after = rows.at(-1)?.seq ?? upToSeq;
      more = rows.length === WALK_ROWS && ids.length < start.unread;
    }
    if (ids.length === 0) return;
    const unread = Math.max(0, start.unread - ids.length);
    tables.saveConversation(contact, { ...start, unread, unreadFrom: unread === 0 ? 0 : upToSeq + 1 });
    book.tellConversation(contact);
    this.#tell(contact, ids);
  }

  /** They have read these. */
  receipt(contact: ContactId, ids: readonly Uint8Array[]): void {
    const { tables, book, clock } = this.#init;
    const now = clock.now();
    for (const id of ids) {
      const filed = tables.messageById(contact, true, id);
      if (filed === null || filed.row.readAt > 0 || filed.row.flags.has('hidden')) continue;
      book.change(filed, { ...filed.row, readAt: now, deliveredAt: filed.row.deliveredAt || now });
    }
  }

  #tell(contact: ContactId, ids: readonly Uint8Array[]): void {
    const { outbox, random, self } = this.#init;
    if (equal(contact, self)) return;
    for (let at = 0; at < ids.length; at += MAX_RECEIPT_IDS) {
      const content = encodeChatNotice({ kind: 'receipt', ids: ids.slice(at, at + MAX_RECEIPT_IDS) });
      outbox.enqueue(contact, { key: random(16), content });
    }
  }
}
