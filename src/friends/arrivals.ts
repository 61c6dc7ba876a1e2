/**
 * What others say about being friends: requests, acceptances, homes. Runs inside the transaction that keeps the
 * ratchet's state: a throw undoes all of it, and the other side hears `refused`, or `busy` for NotNow.
 *
 * Anybody may knock at a door, and until a contact is proven, whoever stole our prekeys can speak in its name. So a door
 * takes requests, and the home of one that is not answered; all else is taken from a link alone, where the other end has
 * shown that it knows a key of ours. What an honest sender may have on its way to a door is not refused but put off: it
 * comes again over the link.
 */

import { type Arrived, type ContactId, NotNow } from '../delivery/face.ts';
import { equal } from '../safety/bytes.ts';
import { CONTENT_KIND, type ContentKind, contentKindOf } from '../wire/content-kind.ts';
import {
  decodeFriendAccept,
  decodeFriendHome,
  decodeFriendRequest,
  encodeFriendAccept,
  type FriendRequest,
  type Introduction,
} from '../wire/friend-content.ts';
import { befriended, type ContactRow, stranger, type TheirHome } from './contact-row.ts';
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

/** What adds to a conversation and changes nothing in it: taken, and marked, also where it is not sure who wrote it. */
const HARMLESS: ReadonlySet<ContentKind | null> = new Set(['text', 'attachment', 'part']);

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

  admit(arrived: Arrived): void {
    const { contacts, init } = this.#parts;
    const row = contacts.get(arrived.contact);
    if (row === null) throw refused('not a friend');
    // who is blocked hears at a door what others hear who are not answered
    if (arrived.via.kind === 'door') throw new NotNow('only a link is good for that');
    if (row.state === 'blocked') throw refused('blocked');
    // the answer that makes them a friend is on its way, or waits for the owner
    if (row.state !== 'friend') throw new NotNow('not a friend yet');
    const isVouched = isAuthentic(row, arrived) || init.delivery.pairKeys(row.id).length === 0;
    // comes again on a link that only the pair key can open
    if (!isVouched && !HARMLESS.has(contentKindOf(arrived.content)))
      throw new NotNow('of somebody who is not proven');
  }

  kept(contact: ContactId, key: Uint8Array): void {
    const { contacts, homes, init } = this.#parts;
    const row = contacts.get(contact);
    const after = row === null ? null : homes.kept(row, key);
    if (after === null) return;
    const now = Math.floor(init.clock.now());
    const isArrival = after.state === 'requested' && !after.arrived;
    const arrival = { arrived: true, expiresAt: now + REQUEST_LIFE_MS + ANSWER_GRACE_MS };
    contacts.put({ ...after, introduced: true, ...(isArrival ? arrival : {}) });
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
    if (arrived.via.kind === 'link') {
      if (row?.state === 'blocked') throw refused('blocked');
      // left over from two requests that crossed: the link shows that both are granted
      if (row?.state === 'friend') return;
      if (row?.state === 'requested') return this.#bothAsked(row, request, arrived);
      throw refused('a request over a link');
    }
    if (row?.state === 'friend') throw refused('a friend already');
    const door = invites.admit(arrived, arrived.via.invite);
    if (row === null || row.state === 'blocked') this.#requireAskingRoom(door.public, row === null);
    if (row?.state === 'requested') this.#bothAsked(row, request, arrived);
    // who is blocked hears what others hear, and is not listened to
    else if (row?.state !== 'blocked') this.#asks(row, request, arrived, door.public);
    // only the owner sees how often a public one was used
    if (row?.state !== 'blocked' || !door.public) invites.use(arrived.via.invite, arrived.contact);
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
      introduced: true,
      theirName: name === '' ? row.theirName : name,
      theirHome: learned(row, introduction, arrived),
    });
  }

  #home(arrived: Arrived): void {
    const { contacts, invites } = this.#parts;
    const introduction = decodeFriendHome(arrived.content);
    this.#requireForeign(introduction);
    const row = contacts.get(arrived.contact);
    if (arrived.via.kind === 'door') {
      // it may have overtaken the request or acceptance before it, or was sent before they knew that they are a friend
      if (row?.state !== 'asking' && row?.state !== 'blocked') throw new NotNow('a home at a door');
      invites.admit(arrived, arrived.via.invite);
      if (row.state === 'blocked') return;
    } else if (row?.state === 'requested') {
      throw new NotNow('a home before its acceptance');
    } else if (row?.state !== 'friend') {
      throw refused('the home of a stranger');
    }
    const theirHome = learned(row, introduction, arrived);
    if (theirHome !== row.theirHome) contacts.put({ ...row, theirHome });
  }

  /** Room for one more who asks: at public doors the oldest gives way, where they are to be heard at all. */
  #requireAskingRoom(isPublic: boolean, isHeard: boolean): void {
    const { contacts } = this.#parts;
    const asking = contacts.list().filter(({ state }) => state === 'asking');
    const throughPublic = asking.filter((row) => row.throughPublic);
    if (isPublic && throughPublic.length >= MAX_ASKING_PUBLIC) {
      if (isHeard)
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
 * Whether only a friend can have said it: in a proven session, or over a link. Without provisional keys a link is opened
 * by the pair key alone, which comes from a proven session.
 */
function isAuthentic(row: ContactRow, { proven, via }: Arrived): boolean {
  return proven || (via.kind === 'link' && row.state === 'friend' && row.logins.length === 0);
}

/**
 * Their home after an introduction came: the newest one that is authentic, or the newest while none is. Throws
 * FriendsError where somebody may only pretend to have moved.
 */
function learned(row: ContactRow, introduction: Introduction, arrived: Arrived): TheirHome {
  const authentic = isAuthentic(row, arrived);
  const known = row.theirHome;
  if (known === null || (authentic && !known.authentic)) return { ...introduction, authentic };
  if (known.authentic && !authentic) throw refused('a home that nobody vouches for');
  // the same revision again is a key that was given anew
  return introduction.revision >= known.revision ? { ...introduction, authentic } : known;
}
