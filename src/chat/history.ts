/** Pages of a conversation. Missing messages that stand side by side are shown as one gap. */

import type { ContactId } from '../delivery/face.ts';
import { equal } from '../safety/bytes.ts';
import { checkedLimit } from './checks.ts';

import type { HistoryOptions, Message } from './message.ts';
import { sameChain } from './place.ts';
import type { ChatTables, Filed } from './tables.ts';
import type { View } from './view.ts';

/** A line, and the row that it ends with where several rows make one. */
interface Line {
  readonly message: Message;
  readonly first: Filed;
  readonly last: Filed;
}

export class History {
  readonly #tables: ChatTables;
  readonly #view: View;

  constructor(tables: ChatTables, view: View) {
    this.#tables = tables;
    this.#view = view;
  }

  /** Oldest first. Fewer than asked for: there are no more on that side. */
  page(contact: ContactId, options: HistoryOptions): Message[] {
    const limit = checkedLimit(options.limit);
    const forward = options.after !== undefined;
    const lines: Line[] = [];
    let bound = forward ? options.after : options.before;
    for (;;) {
      const range = forward
        ? { after: bound ?? 0, ...(options.before === undefined ? {} : { before: options.before }) }
        : bound === undefined
          ? {}
          : { before: bound };
      const rows = this.#tables.page(contact, { ...range, limit });
      for (const filed of rows) {
        if (this.#join(lines, filed, forward)) continue;
        if (lines.length === limit) return inOrder(lines, forward);
        lines.push({ message: this.#view.of(filed), first: filed, last: filed });
      }
      if (rows.length < limit) return inOrder(lines, forward);
      bound = rows.at(-1)?.seq;
    }
  }

  /** What stands at this place, unless it is only a note about another message. */
  at(seq: number): Message | null {
    const filed = this.#tables.messageAt(seq);
    return filed === null || filed.row.flags.has('hidden') ? null : this.#view.of(filed);
  }

  /** Makes the gap at the end of `lines` longer by this row, if they belong together. */
  #join(lines: Line[], filed: Filed, forward: boolean): boolean {
    const line = lines.at(-1);
    if (line?.message.missing == null) return false;
    const [older, newer] = forward ? [line.last, filed] : [filed, line.first];
    const next = this.#view.of(filed);
    if (next.missing === null || next.missing.final !== line.message.missing.final) return false;
    const { place, row } = older;
    if (
      place.mine !== newer.place.mine ||
      !sameChain(place, newer.place) ||
      !equal(place.contact, newer.place.contact)
    ) {
      return false;
    }
    if (place.number + Math.max(1, row.missing) !== newer.place.number) return false;
    const missing = { ...line.message.missing, count: line.message.missing.count + next.missing.count };
    // a page begins behind the last row of a gap, or before its first
    const message = { ...next, at: older === filed ? next.at : line.message.at, missing };
    lines[lines.length - 1] = forward
      ? { ...line, message, last: filed }
      : { ...line, message, first: filed };
    return true;
  }
}

function inOrder(lines: readonly Line[], forward: boolean): Message[] {
  const messages = lines.map(({ message }) => message);
  return forward ? messages : messages.reverse();
}
