/** What is shown of a saved message. */

import type { ContactId } from '../delivery/face.ts';
import { equal } from '../safety/bytes.ts';
import { type ChatContent, decodeChatContent, partsOf } from '../wire/chat-content.ts';
import type { FailureCause, Message, MessageState, Reaction } from './message.ts';
import { type MessageRow, NO_BYTES } from './message-row.ts';
import type { ChatTables, Filed } from './tables.ts';

export interface ViewInit {
  readonly tables: ChatTables;
  readonly self: ContactId;
}

export class View {
  readonly #init: ViewInit;

  constructor(init: ViewInit) {
    this.#init = init;
  }

  of(filed: Filed): Message {
    const { place, seq, row } = filed;
    const content = contentOf(row);
    const kind = kindOf(row);
    const shown = kind === 'text' || kind === 'attachment' ? content : null;
    return {
      id: row.id,
      seq,
      contact: place.contact,
      mine: place.mine,
      kind,
      text: shown === null ? '' : textOf(row, shown),
      at: row.time === 0 ? row.filedAt : row.time,
      ...this.#state(filed),
      editedAt: shown === null ? null : (row.edit?.order.time ?? null),
      replyTo: shown?.kind === 'text' || shown?.kind === 'attachment' ? (shown.reply?.id ?? null) : null,
      reactions: reactionsOf(row),
      attachment:
        shown?.kind === 'attachment'
          ? {
              name: shown.name,
              type: shown.type,
              sizeBytes: shown.sizeBytes,
              complete: isComplete(row, shown.sizeBytes),
            }
          : null,
      timerS: content?.kind === 'timer' ? content.seconds : null,
      unread: isUnread(filed),
      unproven: row.flags.has('unproven'),
      disappearsAt: this.disappearsAt(filed),
      missing:
        kind === 'gap'
          ? {
              count: Math.max(1, row.missing),
              final: row.kind === 'gone' || place.mine || row.flags.has('final'),
            }
          : null,
      broken: row.flags.has('broken'),
      restored: row.flags.has('restored'),
    };
  }

  isNotes(contact: ContactId): boolean {
    return equal(contact, this.#init.self);
  }

  /** Wall ms; null while it stays, or while its time has not begun. */
  disappearsAt({ place, row }: Filed): number | null {
    if (row.lifetimeS === 0 || row.flags.has('deleted')) return null;
    const from = this.isNotes(place.contact) ? row.filedAt : place.mine ? row.deliveredAt : row.readAt;
    return from === 0 ? null : from + row.lifetimeS * 1000;
  }

  #state({ place, row }: Filed): { state: MessageState; cause: FailureCause | null } {
    if (!place.mine) return { state: 'received', cause: null };
    if (row.readAt > 0) return { state: 'read', cause: null };
    if (row.deliveredAt > 0) return { state: 'delivered', cause: null };
    if (row.flags.has('refused')) return { state: 'failed', cause: 'refused' };
    if (this.isNotes(place.contact) || row.kind === 'gap') return { state: 'saved', cause: null };
    const chain = this.#init.tables.chain(place.contact, true, place.chain);
    if (chain === null || chain.row.ended) return { state: 'failed', cause: 'ended' };
    return { state: row.sentAt > 0 ? 'sent' : 'saved', cause: null };
  }
}

/** Null where it is held no more. */
export function contentOf(row: MessageRow): ChatContent | null {
  return row.content.length === 0 ? null : decodeChatContent(row.content);
}

/** The newest text, or the caption of an attachment. */
export function textOf(row: MessageRow, content: ChatContent): string {
  if (row.edit !== null) return row.edit.text;
  return content.kind === 'text' ? content.text : content.kind === 'attachment' ? content.caption : '';
}

export function isComplete(row: MessageRow, sizeBytes: number): boolean {
  return !row.flags.has('damaged') && row.parts === 2 ** partsOf(sizeBytes) - 1;
}

/** Whether it counts as unread: a line of theirs that says something and was not read. */
export function isUnread({ place, row }: Filed): boolean {
  if (place.mine || row.readAt > 0 || row.flags.has('hidden') || row.flags.has('deleted')) return false;
  return row.kind === 'text' || row.kind === 'attachment';
}

/** The row without anything of what was said in it; its place, id and hash stay. */
export function scrubbed(row: MessageRow): MessageRow {
  const flags = new Set([...row.flags, 'deleted' as const]);
  return {
    ...row,
    flags,
    content: NO_BYTES,
    edit: null,
    reactions: { me: null, them: null },
    changes: [],
    parts: 0,
  };
}

function kindOf(row: MessageRow): Message['kind'] {
  if (row.flags.has('deleted')) return 'deleted';
  if (row.kind === 'text' || row.kind === 'attachment' || row.kind === 'timer') return row.kind;
  return 'gap';
}

function reactionsOf(row: MessageRow): Reaction[] {
  return (['me', 'them'] as const).flatMap((by) => {
    const emoji = row.reactions[by]?.emoji ?? '';
    return emoji === '' ? [] : [{ by, emoji }];
  });
}
