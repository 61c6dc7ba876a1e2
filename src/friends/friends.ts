/**
 * The friends book: who may reach this node and how, from an invite to the end of a friendship. DESIGN 2, 4; the states
 * in docs/wire.md, "Friends".
 *
 *     stranger ── request() ──> requested ── their accept, or their request ──> friend
 *     stranger ── their request ──> asking ── accept() ──> friend
 *     requested, asking ── 14 days, deny(), remove() ──> stranger        friend ── remove() ──> stranger
 *     all ── block() ──> blocked ── unblock() ──> stranger
 *
 * Owns the tables `contact`, `invite` and `home`. Everything is synchronous and durable when it returns; what arrives is
 * applied inside delivery's transaction. Does no network: links, doors and onions are run by others, from what
 * homesToDial(), doors() and ownHomes() say, which the events tell to look at again.
 *
 * Not promised: that the other side learns of an end (nobody is told of a denial, a removal or a block), and that who
 * was told the home onion forgets it: they cannot connect, but can see that it is there until the next rotation.
 */

import type { Arrived, ContactId } from '../delivery/face.ts';
import type { TableSpec } from '../store/database.ts';
import type { DecodedInvite } from '../wire/invite.ts';
import { Arrivals, type BookParts } from './arrivals.ts';
import { contactOf } from './contact-row.ts';
import { Contacts, mayLink } from './contacts.ts';
import { type AcceptOptions, Decisions, type RequestOptions } from './decisions.ts';
import { FriendWays } from './friend-ways.ts';
import { Invites, type OpenInviteOptions, readInviteText } from './invites.ts';
import type { FriendsInit } from './needs.ts';
import { OwnHomes } from './own-homes.ts';
import type { Contact, ContactState, DoorPlan, Invite, OwnHome } from './people.ts';
import { Tell } from './tell.ts';

export type { AcceptOptions, OpenInviteOptions, RequestOptions };

export const FRIENDS_TABLES: readonly TableSpec[] = [
  { name: 'contact', inBackup: true },
  { name: 'invite', inBackup: true },
  { name: 'home', inBackup: true },
];

export class Friends extends FriendWays {
  readonly #parts: BookParts;
  readonly #arrivals: Arrivals;
  readonly #decisions: Decisions;

  private constructor(init: FriendsInit) {
    const tell = new Tell(init);
    const contacts = new Contacts(init, tell);
    super(init, contacts);
    const homes = new OwnHomes(init, contacts, tell);
    this.#parts = { init, contacts, homes, invites: new Invites(init, tell) };
    this.#arrivals = new Arrivals(this.#parts);
    this.#decisions = new Decisions(this.#parts);
  }

  /** Where the node's home is another than the book's, everybody is told of it. Emits nothing before it returns but for that. */
  static open(init: FriendsInit): Friends {
    const friends = new Friends(init);
    init.database.transaction(() => friends.#parts.homes.open());
    return friends;
  }

  /** Opens a door. Throws FriendsError INVITES_FULL, INVITE_LIFE or NOTE_BAD. */
  openInvite(options: OpenInviteOptions = {}): Invite {
    return this.#changed(() => this.#parts.invites.open(options));
  }

  /** By id, a beginning of it of 8 characters, or the text. Throws FriendsError INVITE_UNKNOWN. */
  closeInvite(which: string): void {
    this.#changed(() => this.#parts.invites.close(which));
  }

  invites(): Invite[] {
    return this.#parts.invites.list();
  }

  /** What doors are to be run now. */
  doors(): DoorPlan[] {
    return this.#parts.invites.doors();
  }

  /** Whether to listen to who knocks at the door with this onion key; `token`: null where it showed none. Cheap. */
  mayKnock(onionKey: Uint8Array, token: Uint8Array | null): boolean {
    return this.#parts.invites.mayKnock(onionKey, token);
  }

  /**
   * Reads an invite and checks all that needs no bundle. Throws FriendsError INVITE_MISTYPED, INVITE_EXPIRED, INVITE_OWN,
   * ALREADY_FRIENDS, BLOCKED or FRIENDS_FULL.
   */
  readInvite(uri: string): DecodedInvite {
    const invite = readInviteText(uri);
    this.#decisions.checkInvite(invite);
    return invite;
  }

  /**
   * Asks for friendship; where they have asked already, accepts instead. With another invite of somebody who has not
   * answered, asks again. Throws as {@link readInvite}, KemError for the bundle, and FriendsError NAME_BAD, NAME_TAKEN or
   * NOTE_BAD.
   */
  request(invite: DecodedInvite, bundle: Uint8Array, options: RequestOptions): Contact {
    return this.#changed(() => this.#decisions.request(invite, bundle, options));
  }

  /** Throws FriendsError NOT_THAT_STATE, FRIENDS_FULL, NAME_BAD, NAME_TAKEN; all from here to markCompared WHO_UNKNOWN. */
  accept(id: ContactId, options: AcceptOptions): Contact {
    return this.#changed(() => this.#decisions.accept(id, options));
  }

  /** Forgets a request; who asked is not told. Throws FriendsError NOT_THAT_STATE. */
  deny(id: ContactId): void {
    this.#changed(() => this.#decisions.deny(id));
  }

  /** Ends whatever there is, and refuses all that comes. */
  block(id: ContactId): Contact {
    return this.#changed(() => this.#decisions.block(id));
  }

  /** Makes a stranger of them. Throws FriendsError NOT_THAT_STATE. */
  unblock(id: ContactId): void {
    this.#changed(() => this.#decisions.unblock(id));
  }

  /** Unfriends, withdraws a request or denies one. Throws FriendsError NOT_THAT_STATE for who is blocked. */
  remove(id: ContactId): void {
    this.#changed(() => this.#decisions.remove(id));
  }

  /** Throws FriendsError NAME_BAD or NAME_TAKEN. */
  rename(id: ContactId, name: string): Contact {
    return this.#changed(() => this.#decisions.rename(id, name));
  }

  /** The safety words were compared. */
  markCompared(id: ContactId): Contact {
    return this.#changed(() => this.#decisions.markCompared(id));
  }

  isCompared(id: ContactId): boolean {
    return this.#parts.contacts.get(id)?.compared ?? false;
  }

  /** By petname, profile id or a beginning of that of 8 characters. Throws FriendsError WHO_UNKNOWN or WHO_AMBIGUOUS. */
  find(who: string): Contact {
    return contactOf(this.#parts.contacts.find(who));
  }

  get(id: ContactId): Contact | null {
    const row = this.#parts.contacts.get(id);
    return row === null ? null : contactOf(row);
  }

  /** In the order in which they came into the book. */
  list(state?: ContactState): Contact[] {
    const rows = this.#parts.contacts.list().map(contactOf);
    return state === undefined ? rows : rows.filter((contact) => contact.state === state);
  }

  isFriend(id: ContactId): boolean {
    return this.#parts.contacts.get(id)?.state === 'friend';
  }

  /** Contents of the kinds request, accept and home; inside delivery's transaction. Throws what makes it refuse. */
  apply(arrived: Arrived): void {
    this.#changed(() => this.#arrivals.apply(arrived));
  }

  /**
   * For contents of all other kinds, before they are applied: throws NotNow or FriendsError unless a friend says it over
   * a link; and once there is a pair key, unless only they can have said it, or it does no more than add to the history.
   */
  admit(arrived: Arrived): void {
    this.#arrivals.admit(arrived);
  }

  /** From delivery, in its transaction; keys of others' contents change nothing. */
  onKept(contact: ContactId, key: Uint8Array): void {
    this.#changed(() => this.#arrivals.kept(contact, key));
  }

  /** From delivery, in its transaction: this content of ours will never be taken. */
  onRefused(contact: ContactId, key: Uint8Array): void {
    this.#changed(() => this.#arrivals.refused(contact, key));
  }

  /** The current home first, then those that somebody still needs. */
  ownHomes(): OwnHome[] {
    return this.#parts.homes.list();
  }

  /** X25519 public keys of those who may connect to the current home. */
  clientKeys(): readonly Uint8Array[] {
    return (this.ownHomes()[0] as OwnHome).clientKeys;
  }

  /**
   * Makes this onion the current home and tells everybody; with the key of one that is there already, tells them
   * once more, under a newer revision. To be called in the transaction that saves the onion's seed.
   */
  rotateHome(onionKey: Uint8Array): void {
    this.#changed(() => this.#parts.homes.rotate(onionKey));
  }

  /** Friends that do not know the current home yet. */
  homeWaiting(): number {
    return this.#parts.homes.waiting();
  }

  /** Somebody who is no friend any more knows the current home; also told by an event, which a crash can lose. */
  get homeRotationDue(): boolean {
    return this.#parts.homes.rotationDue;
  }

  /** Ends what is over at `now` (milliseconds since 1970): requests, invites, old homes. */
  expire(now: number): void {
    this.#changed(() => {
      const { contacts, homes, invites } = this.#parts;
      for (const row of contacts.list())
        if (row.expiresAt !== null && now >= row.expiresAt) contacts.drop(row);
      invites.expire(now);
      homes.prune(now);
    });
  }

  /** When {@link expire} has something to do next, milliseconds since 1970; null: nothing yet. */
  nextExpiry(): number | null {
    const { contacts, homes, invites } = this.#parts;
    const ends = [...contacts.list().map(({ expiresAt }) => expiresAt), invites.nextEnd(), homes.nextEnd()];
    const known = ends.filter((end) => end !== null);
    return known.length === 0 ? null : Math.min(...known);
  }

  /**
   * After a backup was restored: private invites end, because their one-time prekeys are in no backup, and everybody may
   * have been told more than is known here. To be followed by {@link rotateHome} with the home as it is now: its revision
   * is above all that were said after the backup.
   */
  restored(): void {
    this.#changed(() => {
      const { contacts, invites } = this.#parts;
      invites.closePrivate();
      for (const row of contacts.list()) if (mayLink(row)) contacts.put({ ...row, introduced: true });
    });
  }

  #changed<T>(work: () => T): T {
    return this.#parts.init.database.transaction(work);
  }
}
