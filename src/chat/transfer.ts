/**
 * Export and import of histories. What disappears by itself is not exported. An import merges by author and id, and is
 * one transaction: whole or not at all. Imported messages stand behind those that were there, in the order of the file:
 * a place in a history never changes.
 */

import type { ContactId } from '../delivery/face.ts';
import { toHex } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import {
  CHAIN_ID_BYTES,
  type ChatBody,
  encodeChatContent,
  linkHash,
  TAG_BYTES,
  type Target,
} from '../wire/chat-content.ts';
import type { Book } from './book.ts';
import { NEW_CHAIN } from './chain-row.ts';
import { ChatError } from './errors.ts';
import { BadLine, FIRST_LINE, type HistoryLine, readLine, writeLine } from './history-line.ts';
import { MAX_IMPORT_LINES, WALK_ROWS } from './limits.ts';
import { emptyRow, type MessageRow, NO_HASH } from './message-row.ts';
import { allParts, type Parts } from './parts.ts';
import { targetIsMine } from './place.ts';
import type { Search } from './search.ts';
import type { Chain, ChatTables, Filed } from './tables.ts';
import { contentOf, textOf } from './view.ts';

/** All imported messages of one side are one chain, which nobody writes in or asks for. */
const IMPORTED = new Uint8Array(CHAIN_ID_BYTES);
const NO_TAG = new Uint8Array(TAG_BYTES);

export interface TransferInit {
  readonly tables: ChatTables;
  readonly book: Book;
  readonly parts: Parts;
  readonly search: Search;
  readonly provider: Provider;
  readonly clock: Clock;
}

export class Transfer {
  readonly #init: TransferInit;

  constructor(init: TransferInit) {
    this.#init = init;
  }

  *export(contact: ContactId | null): Generator<string> {
    yield FIRST_LINE;
    const { tables } = this.#init;
    const contacts = contact === null ? [...tables.conversations()].map((one) => one.contact) : [contact];
    for (const one of contacts) {
      for (let after = 0; ; ) {
        const rows = tables.page(one, { after, limit: WALK_ROWS });
        for (const filed of rows) {
          const line = this.#lineOf(filed);
          if (line !== null) yield writeLine(line);
        }
        const last = rows.at(-1);
        if (last === undefined || rows.length < WALK_ROWS) break;
        after = last.seq;
      }
    }
  }

  /** How many messages were new. Throws ChatError IMPORT_BAD_LINE. */
  import(lines: Iterable<string>): number {
    const { tables, book } = this.#init;
    return tables.database.transaction(() => {
      const touched = new Map<string, ContactId>();
      const chains = new Map<string, Chain>();
      let [number, added] = [0, 0];
      for (const text of lines) {
        number += 1;
        if (text.trim() === '' && number > 1) continue;
        const line = this.#read(text, number);
        if (line === null || tables.messageById(line.contact, line.mine, line.id) !== null) continue;
        this.#add(line, chains);
        touched.set(toHex(line.contact), line.contact);
        added += 1;
      }
      if (number === 0) throw badLine(1, 'there is no first line');
      for (const chain of chains.values()) tables.saveChain(chain);
      for (const contact of touched.values()) {
        tables.changeConversation(contact, (row) => row);
        book.tellConversation(contact);
      }
      return added;
    });
  }

  #read(text: string, number: number): HistoryLine | null {
    if (number === 1) {
      if (text.trim() !== FIRST_LINE) throw badLine(1, `it must be ${FIRST_LINE}`);
      return null;
    }
    if (number > MAX_IMPORT_LINES) throw badLine(number, 'there are too many');
    try {
      return readLine(text);
    } catch (error) {
      throw error instanceof BadLine ? badLine(number, error.message) : error;
    }
  }

  #add(line: HistoryLine, chains: Map<string, Chain>): void {
    const { tables, search, parts, provider, clock } = this.#init;
    const { contact, mine, id, at } = line;
    const name = `${toHex(contact)}${mine}`;
    const known = chains.get(name) ?? tables.chain(contact, mine, IMPORTED);
    const chain = known ?? { contact, mine, chain: IMPORTED, row: { ...NEW_CHAIN, ended: true } };
    const place = { contact, mine, chain: IMPORTED, number: chain.row.next, range: false };
    const bytes = line.attachment?.bytes ?? null;
    const body = bodyOf(line, bytes === null ? NO_HASH : provider.sha256(bytes));
    const head = {
      id,
      chain: IMPORTED,
      number: place.number,
      prev: NO_HASH,
      time: at,
      lifetimeS: 0,
      tag: NO_TAG,
    };
    const content = encodeChatContent({ ...head, ...body });
    const order = { chain: IMPORTED, number: 0, time: line.editedAt ?? at };
    const reaction = (emoji: string) => (emoji === '' ? null : { order, emoji });
    const row: MessageRow = {
      ...emptyRow(line.attachment === null ? 'text' : 'attachment', clock.now()),
      id,
      flags: new Set(line.unproven ? (['unproven'] as const) : []),
      time: at,
      deliveredAt: line.delivered ? at : 0,
      // what was imported is not news
      readAt: line.read || !mine ? at : 0,
      hash: linkHash(provider, content),
      parts: bytes === null ? 0 : allParts(bytes.length),
      edit: line.editedAt === null ? null : { order, text: line.text },
      reactions: { me: reaction(line.reactions.me), them: reaction(line.reactions.them) },
      content,
    };
    if (bytes !== null) parts.keep(place, id, bytes);
    const last = tables.lastSeq();
    const { seq } = tables.saveMessage(place, row);
    search.added(seq, last);
    chains.set(name, { ...chain, row: { ...chain.row, next: chain.row.next + 1 } });
  }

  #lineOf(filed: Filed): HistoryLine | null {
    const { place, row } = filed;
    const content = contentOf(row);
    if (row.lifetimeS > 0 || (content?.kind !== 'text' && content?.kind !== 'attachment')) return null;
    const { reply } = content;
    return {
      contact: place.contact,
      mine: place.mine,
      id: row.id,
      at: row.time,
      text: textOf(row, content),
      editedAt: row.edit?.order.time ?? null,
      replyTo: reply === null ? null : { mine: targetIsMine(reply, place.mine), id: reply.id },
      reactions: { me: row.reactions.me?.emoji ?? '', them: row.reactions.them?.emoji ?? '' },
      delivered: row.deliveredAt > 0,
      read: row.readAt > 0,
      unproven: row.flags.has('unproven'),
      attachment:
        content.kind === 'attachment'
          ? { name: content.name, type: content.type, bytes: this.#init.parts.read(filed)?.bytes ?? null }
          : null,
    };
  }
}

function bodyOf({ text, replyTo, attachment, mine }: HistoryLine, digest: Uint8Array): ChatBody {
  const by: Target['by'] = replyTo?.mine === mine ? 'sender' : 'receiver';
  const reply: Target | null = replyTo === null ? null : { by, id: replyTo.id };
  if (attachment === null) return { kind: 'text', reply, text };
  const { name, type, bytes } = attachment;
  // one whose bytes are not in the file stays incomplete
  const sizeBytes = bytes?.length ?? 1;
  return { kind: 'attachment', reply, name, type, sizeBytes, digest, caption: text };
}

function badLine(line: number, what: string): ChatError {
  return new ChatError('IMPORT_BAD_LINE', `line ${line} cannot be imported: ${what}`, {
    hint: 'Nothing was imported. Correct or remove that line, or export again.',
    data: { line },
  });
}
