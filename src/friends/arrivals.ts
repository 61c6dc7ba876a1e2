/**
 * What others say about being friends: requests, acceptances, homes. Runs inside the transaction that keeps the
 * ratchet's state: a throw undoes all of it, and the other side hears `refused`, or `busy` for NotNow.
 *
 * Anybody may knock at a door, and until a contact is proven, whoever stole our prekeys can speak in its name. So a door
 * takes requests and what follows one that is not answered; an acceptance, and the home of a friend, are taken from a
 * link alone, where the other end has shown that it knows a key of ours.
 */

import { type Arrived, type ContactId, NotNow } from '../delivery/face.ts';
import { equal } from '../safety/bytes.ts';
import { CONTENT_KIND } from '../wire/content-kind.ts';
import {
  decodeFriendAccept,
  decodeFriendHome,
  decodeFriendRequest,
  encodeFriendAccept,
  type FriendRequest,
  type Introduction,
} from '../wire/friend-content.ts';
import type { ContactRow, TheirHome } from './contact-row.ts';
import type { Contacts } from './contacts.ts';
import { refused } from './errors.ts';
import type { Invites } from './invites.ts';
import { ANSWER_GRACE_MS, MAX_ASKING, MAX_ASKING_PUBLIC, REQUEST_LIFE_MS } from './limits.ts';
import type { FriendsInit } from './needs.ts';
import type { OwnHomes } from './own-homes.ts';

/** The parts of a book that change together. */
export interface BookParts {
  readonly init: FriendsInit;
  readonly contacts: Contacts;
  readonly invites: Invites;
  readonly homes: OwnHomes;
}

/** Somebody of whom nothing is known; `now` in milliseconds since 1970. */
export function stranger(id: ContactId, now: number): ContactRow {
  return {
    id,
    state: 'asking',
    name: '',
    nameChosen: false,
    theirName: '',
    note: '',
    since: Math.floor(now),
    expiresAt: null,
    arrived: true,
    refused: false,
    compared: false,
    throughPublic: false,
    door: null,
    theirHome: null,
    given: [],
    pending: [],
    logins: [],
  };
}

/** The row of somebody who is a friend from `now` on. */
export function befriended(row: ContactRow, now: number): ContactRow {
  const since = Math.floor(now);
  const over = { expiresAt: null, arrived: true, refused: false, throughPublic: false, door: null };
  return { ...row, ...over, state: 'friend', since };
}

export class Arrivals {
  readonly #parts: BookParts;

  constructor(parts: BookParts) {
    this.#parts = parts;
  }

  apply(arrived: Arrived): void {
    const kind = arrived.content[0];
    if (kind === CONTENT_KIND.request) this.#request(arrived);
    else if (kind === CONTENT_KIND.accept) this.#accept(arrived);
    else if (kind === CONTENT_KIND.home) this.#home(arrived);
    else throw new RangeError('not a content of the friends book');
  }

  admit({ contact }: Arrived): void {
    const state = this.#parts.contacts.get(contact)?.state;
    if (state === 'friend') return;
    // the answer that makes them a friend is on its way, or waits for the owner
    if (state === 'requested' || state === 'asking') throw new NotNow('not a friend yet');
    throw refused('not a friend');
  }

  kept(contact: ContactId, key: Uint8Array): void {
    const { contacts, homes, init } = this.#parts;
    const row = contacts.get(contact);
    const after = row === null ? null : homes.kept(row, key);
    if (after === null) return;
    const now = Math.floor(init.clock.now());
    const isArrival = after.state === 'requested' && !after.arrived;
    contacts.put(
      isArrival ? { ...after, arrived: true, expiresAt: now + REQUEST_LIFE_MS + ANSWER_GRACE_MS } : after,
    );
    homes.prune(now);
  }

  refused(contact: ContactId, key: Uint8Array): void {
    const { contacts } = this.#parts;
    const row = contacts.get(contact);
    const pending = row?.pending.filter((other) => !equal(other.key, key)) ?? [];
    if (row === null || pending.length === row.pending.length) return;
    // they may still have asked themselves, so it is not over before its time
    const isOurs = row.state === 'requested';
    contacts.put({ ...row, pending, refused: isOurs, door: isOurs ? null : row.door });
  }

  #request(arrived: Arrived): void {
    const { contacts, invites } = this.#parts;
    const request = decodeFriendRequest(arrived.content);
    this.#requireForeign(request.introduction);
    const row = contacts.get(arrived.contact);
    if (row?.state === 'blocked') throw refused('blocked');
    if (arrived.via.kind === 'link') {
      // left over from two requests that crossed: the link shows that both are granted
      if (row?.state === 'friend') return;
      if (row?.state === 'requested') return this.#bothAsked(row, request, arrived);
      throw refused('a request over a link');
    }
    if (row?.state === 'friend') throw refused('a friend already');
    const door = invites.admit(arrived, arrived.via.invite);
    if (row === null) this.#requireAskingRoom(door.public);
    if (row?.state === 'requested') this.#bothAsked(row, request, arrived);
    else this.#asks(row, request, arrived, door.public);
    invites.use(arrived.via.invite, arrived.contact);
  }

  /** A new request, or a newer one of somebody who was not answered. */
  #asks(known: ContactRow | null, request: FriendRequest, arrived: Arrived, isPublic: boolean): void {
    const { contacts, init } = this.#parts;
    const now = Math.floor(init.clock.now());
    const row = known ?? stranger(arrived.contact, now);
    contacts.put({
      ...row,
      name: known?.name ?? contacts.suggestName(request.name, arrived.contact),
      theirName: request.name,
      note: request.note,
      since: now,
      expiresAt: now + REQUEST_LIFE_MS,
      throughPublic: isPublic,
      theirHome: learned(row, request.introduction, arrived),
      logins: [request.loginKey],
    });
  }

  /** Each has asked the other: that is a friendship. */
  #bothAsked(row: ContactRow, request: FriendRequest, arrived: Arrived): void {
    const { contacts, homes, init } = this.#parts;
    const friend = befriended(row, init.clock.now());
    const { row: introduced, introduction } = homes.introduce(friend);
    // the own request may never get through: its door may be gone
    const content = encodeFriendAccept({ introduction, name: '' });
    contacts.put({
      ...homes.send(introduced, introduction, content),
      theirName: request.name === '' ? row.theirName : request.name,
      theirHome: learned(row, request.introduction, arrived),
      logins: [...row.logins.slice(0, 1), request.loginKey],
    });
  }

  #accept(arrived: Arrived): void {
    const { contacts, init } = this.#parts;
    const { introduction, name } = decodeFriendAccept(arrived.content);
    this.#requireForeign(introduction);
    const row = contacts.get(arrived.contact);
    if (arrived.via.kind !== 'link') throw refused('an acceptance that came to a door');
    if (row?.state !== 'requested' && row?.state !== 'friend')
      throw refused('an acceptance nobody asked for');
    const friend = row.state === 'friend' ? row : befriended(row, init.clock.now());
    contacts.put({
      ...friend,
      theirName: name === '' ? row.theirName : name,
      theirHome: learned(row, introduction, arrived),
    });
  }

  #home(arrived: Arrived): void {
    const { contacts, invites } = this.#parts;
    const introduction = decodeFriendHome(arrived.content);
    this.#requireForeign(introduction);
    const row = contacts.get(arrived.contact);
    if (row?.state === 'blocked') throw refused('blocked');
    if (arrived.via.kind === 'door') {
      if (row?.state === 'friend') throw refused('the home of a friend that came to a door');
      // it may have overtaken the request or acceptance before it
      if (row?.state !== 'asking') throw new NotNow('a home before its request');
      invites.admit(arrived, arrived.via.invite);
    } else if (row?.state === 'requested') {
      throw new NotNow('a home before its acceptance');
    } else if (row?.state !== 'friend') {
      throw refused('the home of a stranger');
    }
    const theirHome = learned(row, introduction, arrived);
    if (theirHome !== row.theirHome) contacts.put({ ...row, theirHome });
  }

  /** Room for one more who asks: at public doors the oldest gives way. */
  #requireAskingRoom(isPublic: boolean): void {
    const { contacts } = this.#parts;
    const asking = contacts.list().filter(({ state }) => state === 'asking');
    const throughPublic = asking.filter((row) => row.throughPublic);
    if (isPublic && throughPublic.length >= MAX_ASKING_PUBLIC) {
      contacts.drop(throughPublic.reduce((oldest, row) => (row.since < oldest.since ? row : oldest)));
    } else if (asking.length >= MAX_ASKING) {
      throw new NotNow('too many ask at once');
    }
  }

  /** Nobody else lives in the own home. */
  #requireForeign({ onionKey }: Introduction): void {
    const isOwn = this.#parts.homes.keys().some((own) => equal(own, onionKey));
    if (isOwn) throw refused('a home that is our own');
  }
}

/**
 * Their home after an introduction came: the newest one that is authentic, or the newest while none is. Throws
 * FriendsError where somebody may only pretend to have moved.
 */
function learned(row: ContactRow, introduction: Introduction, { proven, via }: Arrived): TheirHome {
  // without provisional keys a link is opened by the pair key alone, which comes from a proven session
  const authentic = proven || (via.kind === 'link' && row.state === 'friend' && row.logins.length === 0);
  const known = row.theirHome;
  if (known === null || (authentic && !known.authentic)) return { ...introduction, authentic };
  if (known.authentic && !authentic) throw refused('a home that nobody vouches for');
  // the same revision again is a key that was given anew
  return introduction.revision >= known.revision ? { ...introduction, authentic } : known;
}
