/** What happens because time has passed: messages disappear, what is missing is asked for. */

import type { ContactId } from '../delivery/face.ts';
import { copyOf } from '../safety/bytes.ts';
import { KithError } from '../safety/errors.ts';
import { StoreError } from '../store/errors.ts';
import type { Changes } from './changes.ts';
import type { Due, DueItem } from './due.ts';
import type { Debts } from './debts.ts';
import { DUE_BATCHES, LATER_MS } from './limits.ts';
import type { Outbox } from './outbox.ts';
import { chainName, placeName, placeOf } from './place.ts';
import type { Repair } from './repair.ts';
import type { ChatTables, Filed } from './tables.ts';
import type { View } from './view.ts';

const CONTACT_BYTES = 48;

export interface ExpiryInit {
  readonly tables: ChatTables;
  readonly view: View;
  readonly due: Due;
  readonly changes: Changes;
  readonly repair: Repair;
  readonly debts: Debts;
  readonly outbox: Outbox;
}

export class Expiry {
  readonly #init: ExpiryInit;

  constructor(init: ExpiryInit) {
    this.#init = init;
  }

  /** Does what is due, in several transactions; after very much of it something may be left, and is due still. */
  run(now: number): void {
    const { tables, due } = this.#init;
    for (let batch = 0; batch < DUE_BATCHES; batch++) {
      const items = due.take(now);
      if (items.length === 0) return;
      tables.database.transaction(() => {
        for (const item of items) this.#do(item, now);
      });
    }
  }

  /** Removes what of a conversation is due. */
  forget(filed: Filed): void {
    if (filed.row.lifetimeS > 0) this.#init.due.clear('disappear', placeName(filed.place));
    if (filed.row.kind === 'attachment') this.#init.due.clear('parts', placeName(filed.place));
  }

  forgetChain(contact: ContactId, chain: Uint8Array): void {
    this.#init.due.clear('ask', chainName(contact, false, chain));
  }

  forgetContact(contact: ContactId): void {
    this.#init.due.clear('answer', contact);
    this.#init.due.clear('owed', contact);
  }

  #do(item: DueItem, now: number): void {
    const { due, repair, debts } = this.#init;
    switch (item.kind) {
      case 'disappear':
        return this.#disappear(item, now);
      case 'answer':
        return repair.answer(item.name, item.value);
      case 'owed':
        due.clear('owed', item.name);
        return debts.resume(item.name);
      default:
        return this.#ask(item, now);
    }
  }

  #ask(item: DueItem, now: number): void {
    const { tables, due, repair } = this.#init;
    try {
      tables.database.transaction(() => {
        if (item.kind === 'parts') repair.askForParts(placeOf(item.name));
        else repair.ask(copyOf(item.name, 0, CONTACT_BYTES), copyOf(item.name, CONTACT_BYTES + 1));
      });
    } catch (error) {
      if (!(error instanceof KithError) || error instanceof StoreError) throw error;
      // nobody there to ask any more, or an outbox that is full for now
      if (error.code === 'UNKNOWN_CONTACT') due.clear(item.kind, item.name);
      else due.set(item.kind, item.name, now + LATER_MS);
    }
  }

  #disappear({ name }: DueItem, now: number): void {
    const { tables, view, due, changes, outbox } = this.#init;
    const filed = tables.message(placeOf(name));
    const at = filed === null ? null : view.disappearsAt(filed);
    if (filed === null || at === null) return due.clear('disappear', name);
    if (at > now) return due.set('disappear', name, at);
    changes.remove(filed);
    if (filed.place.mine && !view.isNotes(filed.place.contact))
      outbox.withdraw(filed.place.contact, filed.row.id);
  }
}
