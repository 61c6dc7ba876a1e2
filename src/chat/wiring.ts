/** What a chat is made from, and of: makes its parts and hands each what it needs. */

import type { ContactId } from '../delivery/face.ts';
import type { Clock } from '../safety/clock.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { Database } from '../store/database.ts';
import { Arriving } from './arriving.ts';
import { Book } from './book.ts';
import { Changes } from './changes.ts';
import { Debts } from './debts.ts';
import { Due } from './due.ts';
import { Ending } from './ending.ts';
import { Expiry } from './expiry.ts';
import { Filing } from './filing.ts';
import { History } from './history.ts';
import type { ChatEvent } from './message.ts';
import type { Outbox, Reach } from './outbox.ts';
import { OwnTag } from './own-tag.ts';
import { Parts } from './parts.ts';
import { Reading } from './reading.ts';
import { Repair } from './repair.ts';
import { Search } from './search.ts';
import { ChatTables } from './tables.ts';
import { Transfer } from './transfer.ts';
import { View } from './view.ts';
import { Writing } from './writing.ts';

export interface ChatInit {
  readonly database: Database;
  /** Own fingerprint; a conversation with it is notes. */
  readonly self: ContactId;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly provider: Provider;
  /** Called after the commit. */
  readonly emit: (event: ChatEvent) => void;
  /** Of the store: one higher after each restore. */
  readonly generation: () => number;
  readonly reachOf: (contact: ContactId) => Reach;
  /** Whether only the contact could have written something of theirs before: from then on, what anybody could have written changes nothing. */
  readonly wasProven: (contact: ContactId) => boolean;
  /** Whether nobody but the contact can open a link in its name any more: then what comes over one is theirs. */
  readonly linkProves: (contact: ContactId) => boolean;
}

export function wire(init: ChatInit) {
  const tables = new ChatTables(init.database, init.generation);
  const view = new View({ tables, self: init.self });
  const search = new Search(tables);
  const due = new Due(tables);
  const book = new Book({ ...init, tables, view, search, due });
  const parts = new Parts(tables, book, init.outbox, init.provider);
  const changes = new Changes(tables, book, parts, init.generation);
  const filing = new Filing({ ...init, tables, book, changes });
  const ownTag = new OwnTag(tables, init.provider, init.random);
  const debts = new Debts({ ...init, tables, parts, due, ownTag });
  const repair = new Repair({ ...init, tables, book, debts, filing, due, ownTag });
  const reading = new Reading({ ...init, tables, book });
  const writing = new Writing({ ...init, tables, book, parts, changes, filing, ownTag });
  const arriving = new Arriving({ ...init, tables, book, parts, filing, reading, repair, debts });
  const expiry = new Expiry({ ...init, tables, view, due, changes, repair, debts });
  const ending = new Ending(tables, book, search, expiry);
  const history = new History(tables, view);
  const transfer = new Transfer({ ...init, tables, book, parts, search });
  return {
    tables,
    view,
    search,
    due,
    parts,
    changes,
    repair,
    reading,
    writing,
    arriving,
    expiry,
    ending,
    history,
    transfer,
  };
}
