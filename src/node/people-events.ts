/**
 * Tells faces what happened among people, as they show it. Whoever listens hears of a thing after it is on disk; several
 * changes of one contact in the same turn are told once.
 */

import type { ChatEvent, Message } from '../chat/message.ts';
import type { ContactId } from '../delivery/face.ts';
import type { LinkStatus } from '../friends/link/face.ts';
import type { FriendEvent } from '../friends/people.ts';
import { equal, toHex } from '../safety/bytes.ts';
import type { Log } from '../safety/log.ts';
import { guarded, reasonOf } from './failures.ts';
import type { FriendView, InviteView, PeopleEvent } from './people-face.ts';
import type { PeopleBook } from './people-book.ts';
import { friendView, inviteView, messageView } from './people-views.ts';

/** The people, as far as events tell of them. */
export interface Shown {
  readonly init: { readonly log: Log };
  readonly book: PeopleBook;
  readonly links: { statusOf(contact: ContactId): LinkStatus };
  readonly doors: { stateOf(onionKey: Uint8Array): InviteView['state'] | null };
  /** How a contact stands to be reached. */
  reachOf(contact: ContactId): LinkStatus;
}

export class PeopleEvents {
  readonly #people: Shown;
  readonly #listeners = new Set<(event: PeopleEvent) => void>();
  readonly #changed = new Set<string>();
  readonly #presence = new Map<string, FriendView['presence']>();

  constructor(people: Shown) {
    this.#people = people;
  }

  listen(listener: (event: PeopleEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** How a contact stands now; null where there is none. */
  viewOf(id: ContactId): FriendView | null {
    const { book } = this.#people;
    const contact = book.friends.get(id);
    if (contact === null) return null;
    const link = this.#people.reachOf(id);
    return friendView(contact, {
      profile: book.profile.of(id),
      trust: book.delivery.knows(id) ? book.delivery.trust(id) : 'unproven',
      link,
      nextTryAt: link.nextTryAt,
      waiting: book.delivery.waiting(id),
      unread: book.chat.unread(id),
      timerS: book.chat.timer(id),
    });
  }

  nameOf(id: ContactId): string {
    if (equal(id, this.#people.book.delivery.fingerprint)) return 'me';
    return this.#people.book.friends.get(id)?.name ?? toHex(id).slice(0, 8);
  }

  chat(event: ChatEvent): void {
    if (event.kind === 'message-removed') {
      this.#tell({ kind: event.kind, id: toHex(event.id), contact: toHex(event.contact) });
    } else if (event.kind === 'conversation') {
      this.friend(event.contact);
    } else {
      this.#message(event.kind, event.message);
    }
  }

  book(event: FriendEvent): void {
    if (event.kind === 'contact') this.friend(event.contact.id);
    else if (event.kind === 'contact-removed') this.#removed(event.id);
    else if (event.kind === 'invite') this.door(event.invite.onionKey);
    else if (event.kind === 'invite-closed') this.#tell({ kind: 'invite-closed', id: event.id });
  }

  /** Something about this contact is different. */
  friend(id: ContactId): void {
    const name = toHex(id);
    if (this.#changed.size === 0) queueMicrotask(() => this.#tellChanged());
    this.#changed.add(name);
  }

  profile(contact: ContactId | null): void {
    if (contact !== null) this.friend(contact);
  }

  presence(contact: ContactId): void {
    const { presence } = this.#people.links.statusOf(contact);
    const id = toHex(contact);
    if (this.#presence.get(id) !== presence) {
      this.#presence.set(id, presence);
      this.#tell({ kind: 'presence', id, name: this.nameOf(contact), presence });
    }
    this.friend(contact);
  }

  door(onionKey: Uint8Array): void {
    const invite = this.#people.book.friends.invites().find((one) => equal(one.onionKey, onionKey));
    if (invite === undefined) return;
    const state = this.#people.doors.stateOf(onionKey) ?? 'opening';
    this.#tell({ kind: 'invite', invite: inviteView(invite, state) });
  }

  #message(kind: 'message' | 'message-changed', message: Message): void {
    this.#tell({ kind, message: messageView(message), name: this.nameOf(message.contact) });
  }

  #removed(id: ContactId): void {
    this.#presence.delete(toHex(id));
    this.#tell({ kind: 'friend-removed', id: toHex(id) });
  }

  #tellChanged(): void {
    const changed = [...this.#changed];
    this.#changed.clear();
    const { log } = this.#people.init;
    const tell = guarded(log, 'a change of a contact could not be told', (id: string) => {
      const friend = this.viewOf(Buffer.from(id, 'hex'));
      if (friend !== null) this.#tell({ kind: 'friend', friend });
    });
    for (const id of changed) tell(id);
  }

  #tell(event: PeopleEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#people.init.log('error', 'a listener for events failed', {
          event: event.kind,
          reason: reasonOf(error),
        });
      }
    }
  }
}
