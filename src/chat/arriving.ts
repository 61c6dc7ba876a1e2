/** What comes in: each content goes to the one it is for, inside the transaction of delivery. */

import { type Arrived, type ContactId, NotNow } from '../delivery/face.ts';
import { copyOf } from '../safety/bytes.ts';
import { CHAIN_ID_BYTES, decodeChatContent, MESSAGE_ID_BYTES, type Target } from '../wire/chat-content.ts';
import { type ChatNotice, decodeChatNotice } from '../wire/chat-notice.ts';
import { type ContentKind, contentKindOf } from '../wire/content-kind.ts';
import type { Book } from './book.ts';
import type { Debts } from './debts.ts';
import type { Filing } from './filing.ts';
import { MAX_UNPROVEN_CHAINS } from './limits.ts';
import { flagged } from './message-row.ts';
import type { Parts } from './parts.ts';
import { targetIsMine } from './place.ts';
import type { Reading } from './reading.ts';
import type { Repair } from './repair.ts';
import type { ChatTables, Filed } from './tables.ts';
import type { Clock } from '../safety/clock.ts';

const NOTICES = new Set<ContentKind>(['part', 'receipt', 'resend', 'restored', 'echo']);
const MESSAGES = new Set<ContentKind>(['text', 'edit', 'delete', 'reaction', 'attachment', 'timer', 'gone']);

export interface ArrivingInit {
  readonly tables: ChatTables;
  readonly book: Book;
  readonly parts: Parts;
  readonly filing: Filing;
  readonly reading: Reading;
  readonly repair: Repair;
  readonly debts: Debts;
  readonly clock: Clock;
  readonly wasProven: (contact: ContactId) => boolean;
  readonly linkProves: (contact: ContactId) => boolean;
}

export class Arriving {
  readonly #init: ArrivingInit;

  constructor(init: ArrivingInit) {
    this.#init = init;
  }

  /** Throws MalformedError, ChatError or NotNow, and has changed nothing then. Ignores what is not the chat's. */
  apply(arrived: Arrived): void {
    const { contact, content, proven } = arrived;
    const kind = contentKindOf(content);
    if (kind === null) return;
    if (!this.#isAuthentic(arrived)) this.#requireAppending(contact, kind, content);
    if (MESSAGES.has(kind)) this.#message(contact, content, proven);
    else if (NOTICES.has(kind)) this.#notice(contact, decodeChatNotice(content));
  }

  /** The outbox has encrypted it for the first time. */
  onSent(contact: ContactId, key: Uint8Array): void {
    const { tables, book, clock } = this.#init;
    const filed = tables.messageById(contact, true, key);
    if (filed === null || filed.row.sentAt > 0) return;
    book.change(filed, { ...filed.row, sentAt: clock.now() });
  }

  /** They have it durably. Whether that was a message, and news. */
  onKept(contact: ContactId, key: Uint8Array): boolean {
    const { tables, book, debts, clock } = this.#init;
    const filed = tables.messageById(contact, true, key);
    const isNews = filed !== null && filed.row.deliveredAt === 0;
    if (isNews) book.change(filed, { ...filed.row, deliveredAt: clock.now() });
    debts.settled(contact, key, chainOf(key, filed?.place.chain));
    return isNews;
  }

  /** They will never take it. */
  onRefused(contact: ContactId, key: Uint8Array): void {
    const { tables, book, debts } = this.#init;
    const filed = tables.messageById(contact, true, key);
    if (filed !== null && filed.row.deliveredAt === 0) book.change(filed, flagged(filed.row, 'refused'));
    debts.settled(contact, key, chainOf(key, filed?.place.chain));
  }

  /**
   * Before a contact is proven there is nobody else to believe; from then on what a thief of our prekeys could have
   * written is not believed. A friend who was restored begins with such contents, over a link that proves them.
   */
  #isAuthentic({ contact, proven, via }: Arrived): boolean {
    const { wasProven, linkProves } = this.#init;
    return proven || !wasProven(contact) || (via.kind === 'link' && linkProves(contact));
  }

  /** Throws NotNow for what would change anything that is here already. Honest ones come again over a better link. */
  #requireAppending(contact: ContactId, kind: ContentKind, content: Uint8Array): void {
    // in a chain that is here it would take the place of a true one
    if ((kind === 'text' || kind === 'attachment') && this.#beginsChain(contact, content)) return;
    if (kind === 'part') {
      const notice = decodeChatNotice(content);
      const filed = notice.kind === 'part' ? this.#messageOf(contact, notice.of) : null;
      if (filed?.row.flags.has('unproven') === true) return;
    }
    throw new NotNow('not proven');
  }

  #beginsChain(contact: ContactId, content: Uint8Array): boolean {
    const { tables } = this.#init;
    const { chain, number } = decodeChatContent(content);
    if (number > 0 || tables.chain(contact, false, chain) !== null) return false;
    return tables.chains(contact).filter(({ mine }) => !mine).length < MAX_UNPROVEN_CHAINS;
  }

  #messageOf(contact: ContactId, of: Target): Filed | null {
    return this.#init.tables.messageById(contact, targetIsMine(of, false), of.id);
  }

  #message(contact: ContactId, content: Uint8Array, proven: boolean): void {
    const { filing, repair } = this.#init;
    const filed = filing.file(contact, false, content, { flags: proven ? [] : ['unproven'] });
    repair.watch(contact, copyOf(content, 1 + MESSAGE_ID_BYTES, 1 + MESSAGE_ID_BYTES + CHAIN_ID_BYTES));
    if (filed?.row.kind === 'attachment') repair.watchParts(filed.place);
  }

  #notice(contact: ContactId, notice: ChatNotice): void {
    const { parts, reading, repair } = this.#init;
    switch (notice.kind) {
      case 'part':
        return parts.arrived(
          contact,
          targetIsMine(notice.of, false),
          notice.of.id,
          notice.index,
          notice.bytes,
        );
      case 'receipt':
        return reading.receipt(contact, notice.ids);
      case 'resend':
        return repair.resend(contact, notice);
      case 'restored':
        return repair.restored(contact, notice);
      case 'echo':
        repair.echo(contact, notice);
    }
  }
}

/** The chain of what waits under a key: its message's, or, where it has none, named by the key. */
function chainOf(key: Uint8Array, known: Uint8Array | undefined): Uint8Array {
  return known ?? copyOf(key, 0, CHAIN_ID_BYTES);
}
