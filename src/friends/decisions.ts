/**
 * What the owner decides about people: to ask, accept, deny, block, remove. Each is one transaction: the book, the keys
 * that delivery has, and what is to be sent change together or not at all.
 */

import type { ContactId } from '../delivery/face.ts';
import { equal } from '../safety/bytes.ts';
import { encodeFriendAccept, encodeFriendRequest } from '../wire/friend-content.ts';
import type { DecodedInvite } from '../wire/invite.ts';
import type { BookParts } from './arrivals.ts';
import { befriended, type ContactRow, contactOf, stranger } from './contact-row.ts';
import { FriendsError, isBlocked, notAsking } from './errors.ts';
import { REQUEST_LIFE_MS } from './limits.ts';
import { checkedNote, ownName } from './names.ts';
import type { Contact } from './people.ts';

export interface RequestOptions {
  /** Petname. Default: one made of the id. */
  readonly name?: string | undefined;
  /** Goes to them, at most 500 bytes. */
  readonly note?: string | undefined;
  /** What the own profile says; goes to them. */
  readonly myName: string;
}

export interface AcceptOptions {
  /** Petname. Default: the one that the request has been given. */
  readonly name?: string | undefined;
  /** What the own profile says; goes to them. */
  readonly myName: string;
}

export class Decisions {
  readonly #parts: BookParts;

  constructor(parts: BookParts) {
    this.#parts = parts;
  }

  /** Throws FriendsError where no request can be sent with this invite. */
  checkInvite({ fingerprint, expiry }: DecodedInvite): void {
    const { contacts, homes, init } = this.#parts;
    if (init.clock.now() >= expiry * 1000) {
      throw new FriendsError('INVITE_EXPIRED', 'this invite is over', { hint: 'Ask for a new one.' });
    }
    if (equal(fingerprint, init.delivery.fingerprint)) {
      throw new FriendsError('INVITE_OWN', 'this invite is your own', {
        hint: 'Give it to somebody else; notes to yourself need none (`kith notes`).',
      });
    }
    const state = contacts.get(fingerprint)?.state;
    if (state === 'friend') {
      throw new FriendsError('ALREADY_FRIENDS', 'you are friends already', {
        hint: 'If they have removed you, remove them too, then add them anew.',
      });
    }
    if (state === 'blocked') {
      throw isBlocked();
    }
    if (state !== 'requested') homes.requireRoom();
  }

  request(invite: DecodedInvite, bundle: Uint8Array, options: RequestOptions): Contact {
    const { contacts, homes, init } = this.#parts;
    this.checkInvite(invite);
    const id = invite.fingerprint;
    const known = contacts.get(id);
    if (known?.state === 'asking') return this.accept(id, options);

    const note = checkedNote(options.note ?? '');
    const now = Math.floor(init.clock.now());
    const base = known ?? { ...stranger(id, now), arrived: false };
    const named = this.#named(base, options.name);
    const { once, onionKey, expiry } = invite;
    const oneTime = once === null ? {} : { oneTimePrekey: once.oneTimePrekey };
    // asked again with another invite: what was sent may have been denied and forgotten there, so all of it begins anew;
    // the keys stay, so that an answer to the first request still finds its way
    const introduced = this.#knowsHome(base);
    if (known !== null) init.delivery.forget(id);
    init.delivery.meet(bundle, { fingerprint: id, ...oneTime });
    const loginKey = known?.logins[0] ?? init.random(32);
    const { row, introduction } = homes.introduce({ ...named, introduced, pending: [] });
    const name = ownName(options.myName);
    const content = encodeFriendRequest({ introduction, loginKey, name, note });
    const door = { onionKey, token: once?.token ?? null, expiresAt: expiry * 1000 };
    const expiresAt = base.arrived ? base.expiresAt : Math.min(now + REQUEST_LIFE_MS, door.expiresAt);
    const sent = homes.send(row, introduction, content);
    return contactOf(
      contacts.put({
        ...sent,
        state: 'requested',
        refused: false,
        note,
        expiresAt,
        door,
        logins: [loginKey],
      }),
    );
  }

  accept(id: ContactId, options: AcceptOptions): Contact {
    const { contacts, homes, init } = this.#parts;
    const row = contacts.require(id);
    if (row.state !== 'asking') throw notAsking();
    homes.requireRoom();
    const friend = befriended(this.#named(row, options.name), init.clock.now());
    const introduced = homes.introduce({ ...friend, nameChosen: true });
    const { introduction } = introduced;
    const content = encodeFriendAccept({ introduction, name: ownName(options.myName) });
    return contactOf(contacts.put(homes.send(introduced.row, introduction, content)));
  }

  /** Nobody is told; the request is forgotten. */
  deny(id: ContactId): void {
    const { contacts } = this.#parts;
    const row = contacts.require(id);
    if (row.state !== 'asking') throw notAsking();
    contacts.drop(row);
  }

  block(id: ContactId): Contact {
    const { contacts, homes, init } = this.#parts;
    const row = contacts.require(id);
    if (row.state === 'blocked') return contactOf(row);
    const isKnownThere = this.#knowsHome(row);
    init.delivery.forget(id);
    const { name, nameChosen, theirName, compared } = row;
    const kept = { name, nameChosen, theirName, compared };
    const blocked = contacts.put({ ...stranger(id, init.clock.now()), ...kept, state: 'blocked' });
    if (isKnownThere) homes.markDue();
    return contactOf(blocked);
  }

  unblock(id: ContactId): void {
    const { contacts } = this.#parts;
    const row = contacts.require(id);
    if (row.state !== 'blocked') throw wrongState('this person is not blocked', 'See `kith friends`.');
    contacts.drop(row);
  }

  remove(id: ContactId): void {
    const { contacts, homes } = this.#parts;
    const row = contacts.require(id);
    if (row.state === 'blocked') {
      throw wrongState('this person is blocked', 'Unblock them: then nothing of them is left.');
    }
    const isKnownThere = this.#knowsHome(row);
    contacts.drop(row);
    if (isKnownThere) homes.markDue();
  }

  rename(id: ContactId, name: string): Contact {
    const { contacts } = this.#parts;
    return contactOf(contacts.put(this.#named(contacts.require(id), name)));
  }

  markCompared(id: ContactId): Contact {
    const { contacts } = this.#parts;
    return contactOf(contacts.put({ ...contacts.require(id), compared: true }));
  }

  /** With the name that was chosen, or one made up where there is none yet. */
  #named(row: ContactRow, chosen: string | undefined): ContactRow {
    const { contacts } = this.#parts;
    if (chosen !== undefined) return { ...row, name: contacts.claimName(chosen, row.id), nameChosen: true };
    return row.name === '' ? { ...row, name: contacts.suggestName(row.theirName, row.id) } : row;
  }

  /** Whether they may have been told the own home. Takes back what can be. */
  #knowsHome({ id, introduced, pending }: ContactRow): boolean {
    const unsent = pending.filter(({ key }) => this.#parts.init.delivery.withdraw(id, key));
    return introduced || unsent.length < pending.length;
  }
}

function wrongState(what: string, hint: string): FriendsError {
  return new FriendsError('NOT_THAT_STATE', what, { hint });
}
