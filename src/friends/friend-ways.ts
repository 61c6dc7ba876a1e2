/**
 * What links and doors ask of the friends book: with whom there may be a link, under which keys, and where people are.
 * The part of {@link Friends} that is asked at every dial and every login.
 */

import type { ContactId } from '../delivery/face.ts';
import { equal } from '../safety/bytes.ts';
import { type Contacts, mayLink } from './contacts.ts';
import { MAX_LOGIN_KEYS } from './limits.ts';
import type { FriendsInit } from './needs.ts';
import type { HomeToDial } from './people.ts';

export class FriendWays {
  readonly #init: FriendsInit;
  readonly #contacts: Contacts;

  protected constructor(init: FriendsInit, contacts: Contacts) {
    this.#init = init;
    this.#contacts = contacts;
  }

  /** Keys for a login on a link, at most 4: pair keys, best first, then those of the request. None for who may not link. */
  loginKeys(id: ContactId): Uint8Array[] {
    const row = this.#contacts.get(id);
    if (row === null || !mayLink(row)) return [];
    const pairKeys = this.#init.delivery.pairKeys(id).slice(0, MAX_LOGIN_KEYS - row.logins.length);
    return [...pairKeys, ...row.logins];
  }

  /** Both sides have the pair key: those of the request are erased. */
  pairKeyUsed(id: ContactId): void {
    const row = this.#contacts.get(id);
    if (row === null || row.logins.length === 0) return;
    this.#init.database.transaction(() => this.#contacts.put({ ...row, logins: [] }));
  }

  mayLink(id: ContactId): boolean {
    const row = this.#contacts.get(id);
    return row !== null && mayLink(row);
  }

  /** Friends, and who was asked. */
  linkable(): ContactId[] {
    return this.#contacts.linkable().map(({ id }) => id);
  }

  /** Whose home this onion is; null also where two say so. */
  contactOfHome(onionKey: Uint8Array): ContactId | null {
    const isThere = this.homesToDial().filter((home) => equal(home.onionKey, onionKey));
    return isThere.length === 1 ? (isThere[0] as HomeToDial).contact : null;
  }

  /** Ed25519 key of a friend's home onion; null for who is no friend. */
  homeOf(id: ContactId): Uint8Array | null {
    const row = this.#contacts.get(id);
    return row?.state === 'friend' ? (row.theirHome?.onionKey ?? null) : null;
  }

  /** Homes of all friends, with the keys that tor needs for them. */
  homesToDial(): HomeToDial[] {
    return this.#contacts.list().flatMap(({ id, state, theirHome }) => {
      if (state !== 'friend' || theirHome === null) return [];
      return [{ contact: id, onionKey: theirHome.onionKey, clientSecret: theirHome.clientSecret }];
    });
  }

  /** The door at which a request of ours waits to be let in, while the invite lives. */
  doorOf(id: ContactId): { readonly onionKey: Uint8Array; readonly token: Uint8Array | null } | null {
    const row = this.#contacts.get(id);
    const door = row?.state === 'requested' ? row.door : null;
    if (door === null || this.#init.clock.now() >= door.expiresAt) return null;
    return { onionKey: door.onionKey, token: door.token };
  }
}
