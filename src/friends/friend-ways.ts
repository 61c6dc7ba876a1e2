/**
 * What links and doors ask of the friends book: with whom there may be a link, under which keys, and where people are.
 * The part of {@link Friends} that is asked at every dial and every login.
 */

import type { ContactId } from '../delivery/face.ts';
import { equal, toHex } from '../safety/bytes.ts';
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

  /**
   * They logged in on a link whose other end the handshake proved to be this onion (its Ed25519 key): nobody who only says
   * to live there can.
   */
  cameFrom(id: ContactId, onionKey: Uint8Array): void {
    const row = this.#contacts.get(id);
    if (
      row === null ||
      !mayLink(row) ||
      (row.introduced && row.seenAt !== null && equal(row.seenAt, onionKey))
    )
      return;
    this.#init.database.transaction(() =>
      this.#contacts.put({ ...row, seenAt: onionKey.slice(), introduced: true }),
    );
  }

  /** Whose home this onion is, as {@link homesToDial} has it; null: nobody's. */
  contactOfHome(onionKey: Uint8Array): ContactId | null {
    return this.homesToDial().find((home) => equal(home.onionKey, onionKey))?.contact ?? null;
  }

  /** Ed25519 key of a friend's home onion; null for who is no friend. */
  homeOf(id: ContactId): Uint8Array | null {
    const row = this.#contacts.get(id);
    return row?.state === 'friend' ? (row.theirHome?.onionKey ?? null) : null;
  }

  /**
   * Homes of friends, with the keys that tor needs for them: each onion once, because tor takes one key for each. Where
   * several say to live there, it is who has logged in from there, else who was seen nowhere yet, else the first in the
   * book.
   */
  homesToDial(): HomeToDial[] {
    const homes = new Map<string, HomeToDial & { readonly doubt: number }>();
    for (const { id, state, theirHome, seenAt } of this.#contacts.list()) {
      if (state !== 'friend' || theirHome === null) continue;
      const { onionKey, clientSecret } = theirHome;
      const doubt = seenAt === null ? 1 : equal(seenAt, onionKey) ? 0 : 2;
      const other = homes.get(toHex(onionKey));
      if (other === undefined || doubt < other.doubt)
        homes.set(toHex(onionKey), { contact: id, onionKey, clientSecret, doubt });
    }
    return [...homes.values()].map(({ contact, onionKey, clientSecret }) => ({
      contact,
      onionKey,
      clientSecret,
    }));
  }

  /** The door at which a request of ours waits to be let in, while the invite lives. */
  doorOf(id: ContactId): { readonly onionKey: Uint8Array; readonly token: Uint8Array | null } | null {
    const row = this.#contacts.get(id);
    const door = row?.state === 'requested' ? row.door : null;
    if (door === null || this.#init.clock.now() >= door.expiresAt) return null;
    return { onionKey: door.onionKey, token: door.token };
  }
}
