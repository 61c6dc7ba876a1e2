/** The end of a friendship, and of a conversation. */

import type { ContactId } from '../delivery/face.ts';
import type { Book } from './book.ts';
import type { Expiry } from './expiry.ts';
import { WALK_ROWS } from './limits.ts';
import type { Search } from './search.ts';
import type { ChatTables } from './tables.ts';

export class Ending {
  readonly #tables: ChatTables;
  readonly #book: Book;
  readonly #search: Search;
  readonly #expiry: Expiry;

  constructor(tables: ChatTables, book: Book, search: Search, expiry: Expiry) {
    this.#tables = tables;
    this.#book = book;
    this.#search = search;
    this.#expiry = expiry;
  }

  /** The history stays; nothing more is written in the chains of it, and what has not arrived never will. */
  end(contact: ContactId): void {
    const tables = this.#tables;
    this.#expiry.forgetContact(contact);
    for (const chain of tables.chains(contact)) {
      this.#expiry.forgetChain(contact, chain.chain);
      tables.saveChain({ ...chain, row: { ...chain.row, ended: true, owed: [], mark: null } });
    }
    if (tables.conversation(contact) === null) return;
    tables.changeConversation(contact, (row) => ({ ...row, chain: null }));
    this.#book.tellConversation(contact);
  }

  erase(contact: ContactId): void {
    const tables = this.#tables;
    let block = 0;
    for (let after = 0; ; ) {
      const rows = tables.page(contact, { after, limit: WALK_ROWS });
      for (const filed of rows) {
        this.#expiry.forget(filed);
        block = this.#search.changedOnce(filed.seq, block);
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < WALK_ROWS) break;
      after = last.seq;
    }
    for (const { chain } of tables.chains(contact)) this.#expiry.forgetChain(contact, chain);
    this.#expiry.forgetContact(contact);
    tables.removeConversation(contact);
    this.#book.tellConversation(contact);
  }
}
