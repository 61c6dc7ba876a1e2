/**
 * The contacts of a friends book: rows by fingerprint, unique petnames, and events for what changes. Writes are made
 * inside a transaction of the caller.
 */

import type { ContactId } from '../delivery/face.ts';
import { equal, toHex } from '../safety/bytes.ts';
import { type ContactRow, contactOf, decodeContactRow, encodeContactRow } from './contact-row.ts';
import { FriendsError, whoUnknown } from './errors.ts';
import { KeptRows } from './kept-rows.ts';
import { checkedPetname, foldOf, isIdPrefix, suggestedPetname } from './names.ts';
import type { FriendsInit } from './needs.ts';
import type { Tell } from './tell.ts';

export class Contacts {
  readonly #rows: KeptRows<ContactRow>;
  readonly #delivery: Pick<FriendsInit['delivery'], 'forget'>;
  readonly #tell: Tell;

  constructor({ database, delivery }: Pick<FriendsInit, 'database' | 'delivery'>, tell: Tell) {
    this.#rows = new KeptRows(database, 'contact', {
      nameOf: ({ id }) => id,
      encode: encodeContactRow,
      decode: decodeContactRow,
    });
    this.#delivery = delivery;
    this.#tell = tell;
  }

  get(id: ContactId): ContactRow | null {
    return this.#rows.get(id);
  }

  /** Throws FriendsError WHO_UNKNOWN. */
  require(id: ContactId): ContactRow {
    return this.#rows.get(id) ?? unknown();
  }

  list(): ContactRow[] {
    return this.#rows.list();
  }

  /** Friends, and who was asked: they may link, and are let in at the own home. */
  linkable(): ContactRow[] {
    return this.list().filter(mayLink);
  }

  /** Writes and tells. */
  put(row: ContactRow): ContactRow {
    const before = this.#rows.get(row.id);
    this.#rows.put(row);
    this.#tell.event({ kind: 'contact', contact: contactOf(row) });
    this.#tellHomes(before, row);
    return row;
  }

  /** Removes the contact with all that delivery has of it. */
  drop(row: ContactRow): void {
    this.#rows.delete(row.id);
    this.#delivery.forget(row.id);
    this.#tell.event({ kind: 'contact-removed', id: row.id });
    this.#tellHomes(row, null);
  }

  /** Petname, profile id or a beginning of it. Throws FriendsError WHO_UNKNOWN or WHO_AMBIGUOUS. */
  find(who: string): ContactRow {
    const named = this.#namedBy(who);
    if (named !== null) return named;
    if (!isIdPrefix(who)) return unknown();
    const prefix = who.toLowerCase();
    const [found, other] = this.list().filter(({ id }) => toHex(id).startsWith(prefix));
    if (found === undefined) return unknown();
    if (other === undefined) return found;
    throw new FriendsError('WHO_AMBIGUOUS', 'more than one contact has an id that begins like that', {
      hint: 'Give more characters of the id.',
    });
  }

  /**
   * A petname that the owner chose for `id`, as it is kept. Who has it without having been given it gives way. Throws FriendsError NAME_BAD or NAME_TAKEN.
   */
  claimName(name: string, id: ContactId): string {
    const clean = checkedPetname(name);
    const holder = this.#namedBy(clean);
    if (holder === null || equal(holder.id, id)) return clean;
    if (holder.nameChosen) {
      throw new FriendsError('NAME_TAKEN', 'somebody else has this name already', {
        hint: 'Choose another name, or rename the other contact first.',
      });
    }
    const others = [clean, ...this.#namesBesides(holder.id)];
    this.put({ ...holder, name: suggestedPetname(holder.theirName, holder.id, others) });
    return clean;
  }

  /** A free petname for `id`, from what they call themselves where that is plain. */
  suggestName(theirName: string, id: ContactId): string {
    return suggestedPetname(theirName, id, this.#namesBesides(id));
  }

  #namesBesides(id: ContactId): string[] {
    return this.list()
      .filter((row) => !equal(row.id, id))
      .map(({ name }) => name);
  }

  #namedBy(name: string): ContactRow | null {
    const fold = foldOf(name);
    return this.list().find((row) => foldOf(row.name) === fold) ?? null;
  }

  #tellHomes(before: ContactRow | null, after: ContactRow | null): void {
    // lists and homes are replaced, never changed, so the same object is the same list
    const [had, has] = [before, after].map((row) => (row !== null && mayLink(row) ? row.given : null));
    if (had !== has) this.#tell.lookAgain('own-homes');
    const [knew, knows] = [before, after].map((row) => (row?.state === 'friend' ? row.theirHome : null));
    const isSeenElsewhere = before?.seenAt !== after?.seenAt && knows !== null;
    if (knew !== knows || isSeenElsewhere) this.#tell.lookAgain('homes-to-dial');
  }
}

export function mayLink({ state }: ContactRow): boolean {
  return state === 'friend' || state === 'requested';
}

function unknown(): never {
  throw whoUnknown();
}
