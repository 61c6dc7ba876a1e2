/**
 * The tables of the chat and typed access to their rows. Owner of all of them: the one {@link Chat} of the database.
 */

import type { ContactId } from '../delivery/face.ts';
import { equal } from '../safety/bytes.ts';
import type { Database, TableSpec } from '../store/database.ts';
import type { SealedTable, StoredRow } from '../store/sealed-table.ts';
import {
  type ChainRow,
  type ConversationRow,
  decodeChainRow,
  decodeConversationRow,
  encodeChainRow,
  encodeConversationRow,
  NEW_CONVERSATION,
} from './chain-row.ts';
import { KeptRows } from './kept-rows.ts';
import { MAX_CHAINS, WALK_ROWS } from './limits.ts';
import { decodeMessageRow, encodeMessageRow, type MessageRow, NO_BYTES, NO_ID } from './message-row.ts';
import { aliasOf, besideScope, chainName, historyScope, type Place, placeName, placeOf } from './place.ts';

export const CHAT_TABLES: readonly TableSpec[] = [
  { name: 'message', inBackup: true },
  { name: 'conversation', inBackup: true },
  { name: 'chat_chain', inBackup: true },
  { name: 'chat_part', inBackup: true },
  { name: 'chat_waiting', inBackup: true },
  { name: 'chat_due', inBackup: true },
  { name: 'chat_own', inBackup: true },
  { name: 'chat_orphan', inBackup: false },
  { name: 'search', inBackup: false },
];

/** A message with its place and its seq. */
export interface Filed {
  readonly place: Place;
  readonly seq: number;
  readonly row: MessageRow;
}

/** A chain with what it is called. */
export interface Chain {
  readonly contact: ContactId;
  readonly mine: boolean;
  readonly chain: Uint8Array;
  readonly row: ChainRow;
}

export class ChatTables {
  readonly database: Database;
  readonly part: SealedTable;
  readonly waiting: SealedTable;
  readonly due: SealedTable;
  /** One row for each contact: the secret of own-tag.ts. */
  readonly own: SealedTable;
  readonly orphan: SealedTable;
  readonly search: SealedTable;
  readonly #message: SealedTable;
  readonly #conversation: SealedTable;
  readonly #chain: SealedTable;

  readonly #generation: () => number;
  readonly #keptConversations: KeptRows<ConversationRow>;
  readonly #keptChains: KeptRows<ChainRow>;

  constructor(database: Database, generation: () => number) {
    this.database = database;
    this.#generation = generation;
    this.#keptConversations = new KeptRows(database);
    this.#keptChains = new KeptRows(database);
    this.part = database.table('chat_part');
    this.waiting = database.table('chat_waiting');
    this.due = database.table('chat_due');
    this.own = database.table('chat_own');
    this.orphan = database.table('chat_orphan');
    this.search = database.table('search');
    this.#message = database.table('message');
    this.#conversation = database.table('conversation');
    this.#chain = database.table('chat_chain');
  }

  message(place: Place): Filed | null {
    return filed(this.#message.get(placeName(place)));
  }

  messageById(contact: ContactId, mine: boolean, id: Uint8Array): Filed | null {
    return filed(this.#message.getByAlias(aliasOf(contact, mine, id)));
  }

  /** Of any conversation; the one that came first where two have the same id. */
  find(id: Uint8Array): Filed | null {
    let first: Filed | null = null;
    for (const { contact } of this.conversations()) {
      for (const mine of [true, false]) {
        const found = this.messageById(contact, mine, id);
        if (found !== null && (first === null || found.seq < first.seq)) first = found;
      }
    }
    return first;
  }

  messageAt(seq: number): Filed | null {
    return filed(this.#message.getBySeq(seq));
  }

  /** Writes a message in its place; a new place is behind all others. Returns it as it is then. */
  saveMessage(place: Place, row: MessageRow): Filed {
    const beside = row.flags.has('hidden');
    const seq = this.#message.put({
      name: placeName(place),
      value: encodeMessageRow(row),
      scope: beside ? besideScope(place.contact) : historyScope(place.contact),
      alias: equal(row.id, NO_ID) ? null : aliasOf(place.contact, place.mine, row.id),
    });
    return { place, seq, row };
  }

  removeMessage(place: Place): void {
    this.#message.delete(placeName(place));
  }

  /** Lines of a history (or with null everything, of all): before: newest first; after: oldest first. */
  page(contact: ContactId | null, range: { before?: number; after?: number; limit: number }): Filed[] {
    const scope = contact === null ? {} : { scope: historyScope(contact) };
    return this.#message.page({ ...scope, ...range }).map((row) => filedOf(row));
  }

  pageBeside(contact: ContactId, after: number): Filed[] {
    return this.#message
      .page({ scope: besideScope(contact), after, limit: WALK_ROWS })
      .map((row) => filedOf(row));
  }

  /** Place of the newest row there ever was. */
  lastSeq(): number {
    return this.#message.lastSeq();
  }

  conversation(contact: ContactId): ConversationRow | null {
    return this.#keptConversations.get(contact, () => {
      const row = this.#conversation.get(contact);
      return row === null ? null : decodeConversationRow(row.value);
    });
  }

  /** As it is, or a new one: about that one there is nothing that the other side would have to hear. */
  conversationOf(contact: ContactId): ConversationRow {
    return this.conversation(contact) ?? { ...NEW_CONVERSATION, generation: this.#generation() };
  }

  saveConversation(contact: ContactId, row: ConversationRow): void {
    this.#conversation.put({
      name: contact,
      value: encodeConversationRow(row),
      scope: NO_BYTES,
      alias: null,
    });
    this.#keptConversations.set(contact, row);
  }

  changeConversation(contact: ContactId, change: (row: ConversationRow) => ConversationRow): void {
    this.saveConversation(contact, change(this.conversationOf(contact)));
  }

  *conversations(): Generator<{ contact: ContactId; row: ConversationRow }> {
    for (let after = 0; ; ) {
      const rows = this.#conversation.page({ after, limit: WALK_ROWS });
      for (const { name, value } of rows) yield { contact: name, row: decodeConversationRow(value) };
      const last = rows.at(-1);
      if (last === undefined || rows.length < WALK_ROWS) return;
      after = last.seq;
    }
  }

  chain(contact: ContactId, mine: boolean, chain: Uint8Array): Chain | null {
    const name = chainName(contact, mine, chain);
    const row = this.#keptChains.get(name, () => {
      const found = this.#chain.get(name);
      return found === null ? null : decodeChainRow(found.value);
    });
    return row === null ? null : { contact, mine, chain, row };
  }

  /** All chains of one contact, of both sides. */
  chains(contact: ContactId): Chain[] {
    return this.#chain.page({ scope: contact, after: 0, limit: 2 * MAX_CHAINS }).map(({ name, value }) => ({
      contact,
      mine: name[contact.length] === 1,
      chain: name.subarray(contact.length + 1),
      row: decodeChainRow(value),
    }));
  }

  saveChain({ contact, mine, chain, row }: Chain): void {
    const name = chainName(contact, mine, chain);
    this.#chain.put({ name, value: encodeChainRow(row), scope: contact, alias: null });
    this.#keptChains.set(name, row);
  }

  /** Everything of a conversation but blocks of the search and what is due. */
  removeConversation(contact: ContactId): void {
    this.#message.deleteScope(historyScope(contact));
    this.#message.deleteScope(besideScope(contact));
    const others = [this.#chain, this.part, this.waiting, this.orphan, this.own];
    for (const table of others) table.deleteScope(contact);
    this.#conversation.delete(contact);
    this.#keptConversations.clear();
    this.#keptChains.clear();
  }
}

function filed(row: StoredRow | null): Filed | null {
  return row === null ? null : filedOf(row);
}

function filedOf({ seq, name, value }: StoredRow): Filed {
  return { place: placeOf(name), seq, row: decodeMessageRow(value) };
}
