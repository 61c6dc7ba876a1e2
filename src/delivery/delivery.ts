/**
 * Delivery: contents from one identity to another, end to end, over whatever ways there are. Every content that was
 * enqueued durably is applied exactly once at the other side, in the order of enqueueing, whatever crashes and however
 * often sessions are replaced. After a restore or roll-back on either side what was sent before may be applied again; the
 * domain tells by its own ids.
 *
 * A content is saved first, encrypted when a way is open, and sent as the same bytes until there is a verdict. Routes are
 * attached (face.ts), what arrives is handed to `receive`; everything durable is in one database.
 *
 * Does not protect against: a contact that lies about what it kept; two copies of a data directory that both run.
 */

import { type OneTimePrekeyPublic, repliesOwed } from '../kem/index.ts';
import { copyOf } from '../safety/bytes.ts';
import { Contacts, type MeetOptions, type Trust } from './contacts.ts';
import { Encryption } from './encryption.ts';
import type { Carried, ContactId, Route, Verdict } from './face.ts';
import { type DeliveryInit, listOutbox, type OutboxEntry, type WholeInit, withDefaults } from './init.ts';
import { Lanes } from './lanes.ts';
import { Openings } from './openings.ts';
import { Outbox } from './outbox.ts';
import { OwnKeys } from './own-keys.ts';
import { Peers } from './peers.ts';
import { type From, Reception } from './reception.ts';
import { SessionStore } from './session-store.ts';
import { type Counts, Streams } from './streams.ts';

export { DELIVERY_TABLES, type DeliveryInit, type OutboxEntry } from './init.ts';
export type { From, Trust };

export class Delivery {
  /** Of the own identity, 48 bytes. */
  readonly fingerprint: Uint8Array;
  readonly #init: WholeInit;
  readonly #own: OwnKeys;
  readonly #peers: Peers;
  readonly #sessions: SessionStore;
  readonly #streams: Streams;
  readonly #outbox: Outbox;
  readonly #contacts: Contacts;
  readonly #reception: Reception;
  readonly #lanes: Lanes;

  private constructor(init: DeliveryInit) {
    this.#init = withDefaults(init);
    const { database, primitives: p, clock, apply, onSent, onTrouble } = this.#init;
    const own = (this.#own = new OwnKeys(database, p));
    const peers = (this.#peers = new Peers(database));
    const sessions = (this.#sessions = new SessionStore(database));
    const streams = (this.#streams = new Streams(database, p.random, clock));
    const outbox = (this.#outbox = new Outbox(database, clock, streams));
    const openings = new Openings(p, own, peers, sessions);
    const parts = { p, own, peers, sessions, streams };
    this.fingerprint = own.identity.fingerprint;
    this.#contacts = new Contacts({ ...parts, database, clock, outbox, openings });
    const encryption = new Encryption({ ...parts, outbox, openings, onSent });
    this.#lanes = new Lanes({ ...this.#init, outbox, encryption, tags: own.tags });
    const onReceived = (contact: ContactId): void =>
      this.#lanes.wake(contact, repliesOwed(sessions.get(contact), clock.now()).length > 0);
    this.#reception = new Reception({ ...parts, database, clock, apply, onReceived, onChanged: onTrouble });
  }

  /** Makes the identity the first time, and prekeys where there are none. Throws StoreError. */
  static open(init: DeliveryInit): Delivery {
    const delivery = new Delivery(init);
    delivery.bundle();
    return delivery;
  }

  /** The own newest bundle; a new set of prekeys is made when it is due, and those that are past their time are erased. */
  bundle(): Uint8Array {
    return this.#do(() => {
      const now = this.#init.clock.now();
      this.#own.eraseDue(now);
      return copyOf(this.#own.newest(now).secrets.bundle);
    });
  }

  /** For one invite; it is gone when an opening has used it. */
  newOneTimePrekey(): OneTimePrekeyPublic {
    return this.#do(() => this.#own.newOneTimePrekey());
  }

  dropOneTimePrekey(id: number): void {
    this.#do(() => this.#own.dropOneTimePrekey(id));
  }

  /**
   * Pins somebody and opens a session. Throws KemError (WRONG_CONTACT where the bundle is not of `fingerprint`, or
   * OWN_FINGERPRINT, BUNDLE_…) or MalformedError. Where another device is pinned, trust is `changed` afterwards.
   */
  meet(bundle: Uint8Array, options: MeetOptions): void {
    const { database, onTrouble } = this.#init;
    if (this.#do(() => this.#contacts.meet(bundle, options)) === 'met') return;
    database.afterCommit(() => onTrouble(options.fingerprint));
  }

  /** Whether this contact has pinned keys. */
  knows(contact: ContactId): boolean {
    return this.#peers.get(contact) !== null;
  }

  /** Everything about the contact goes: keys, sessions, what waits. */
  forget(contact: ContactId): void {
    this.#do(() => this.#contacts.forget(contact));
    this.#init.database.afterCommit(() => this.#lanes.drop(contact));
  }

  /**
   * A bundle that the contact has handed over. `changed`: of another device; nothing goes out until {@link confirmDevice}.
   * Throws KemError, MalformedError, or DeliveryError UNKNOWN_CONTACT.
   */
  learnBundle(contact: ContactId, bytes: Uint8Array): 'same' | 'newer' | 'changed' {
    const { database, onTrouble } = this.#init;
    const learned = this.#do(() => this.#contacts.learn(contact, bytes));
    database.afterCommit(() => {
      if (learned === 'newer') this.#lanes.of(contact).mayOpen();
      if (learned === 'changed') onTrouble(contact);
    });
    return learned;
  }

  /** A person has made sure that the other device is the contact's: it is pinned, and a session with it is opened. */
  confirmDevice(contact: ContactId): void {
    this.#do(() => this.#contacts.confirmDevice(contact));
    this.#init.database.afterCommit(() => this.#lanes.of(contact).mayOpen());
  }

  /** Of the newest bundle that is known, 32 bytes. */
  bundleHashOf(contact: ContactId): Uint8Array | null {
    return this.#contacts.bundleHashOf(contact);
  }

  /** X25519 key of the device that waits to be confirmed, else of the pinned one, 32 bytes; null: nobody known. */
  deviceOf(contact: ContactId): Uint8Array | null {
    return this.#contacts.deviceOf(contact);
  }

  trust(contact: ContactId): Trust {
    return this.#contacts.trust(contact);
  }

  /** For the login on links, 32 bytes each, best first, at most 3. Empty before post-quantum epoch 1. */
  pairKeys(contact: ContactId): Uint8Array[] {
    return this.#contacts.pairKeys(contact);
  }

  /** Both sides have logged in under this pair key: it is the last to go. */
  pairKeyUsed(contact: ContactId, key: Uint8Array): void {
    this.#do(() => this.#peers.usePairKey(contact, key));
  }

  /**
   * Saves a content (1 to MAX_CONTENT_BYTES) for the contact under a key of 16 bytes, in the caller's transaction. One of
   * the same key that was never encrypted is replaced; where it was, both go, and `onKept` is called for each. Throws
   * DeliveryError.
   */
  enqueue(contact: ContactId, item: { readonly key: Uint8Array; readonly content: Uint8Array }): void {
    this.#do(() => {
      this.#peers.require(contact);
      this.#outbox.enqueue(contact, item.key, item.content);
      this.#init.database.afterCommit(() => this.#lanes.wake(contact, true));
    });
  }

  /** Takes a content back that was never encrypted. False: it may be on its way, or there is none. */
  withdraw(contact: ContactId, key: Uint8Array): boolean {
    return this.#do(() => this.#outbox.withdraw(contact, key));
  }

  /** Whether a content of this key waits for the contact; costs the same however much does. */
  has(contact: ContactId, key: Uint8Array): boolean {
    return this.#outbox.has(contact, key);
  }

  /** Everything that waits for the contact, in order; reads all of it. */
  outbox(contact: ContactId): OutboxEntry[] {
    return listOutbox(this.#outbox, this.#lanes.known(contact), contact);
  }

  /** Contents that are not acknowledged. */
  waiting(contact: ContactId): number {
    return this.#outbox.waiting(contact);
  }

  /** Sends over this route from now on, until what it returns is called: at once, when the way is lost. */
  attach(route: Route): () => void {
    return this.#lanes.attach(route);
  }

  /** The other end of this contact's route has shown that it is the contact. */
  routeChanged(contact: ContactId): void {
    this.#lanes.of(contact).mayOpen();
  }

  /**
   * What came; the verdict is for the sender, and true also if this process ends now. Not to be called in a transaction.
   * Throws only on a defect, of `apply` too: then nothing was kept, and the way should end without a verdict.
   */
  receive(carried: Carried, from: From): Verdict {
    return this.#reception.receive(carried, from);
  }

  /** Of the last ciphertexts that each has made for the other, as far as is known here; what is told the contact at a login. */
  counts(contact: ContactId): Counts {
    return this.#streams.counts(contact);
  }

  /**
   * What the contact has seen of us, told before anything is sent. More than was ever sent: this is an old copy. Its
   * sessions go, contents get numbers that were never used, and a new session is opened. `tag` has to show that we have
   * counted so far; without effect otherwise, and at most once an hour.
   */
  theySaw(contact: ContactId, seen: number, tag: Uint8Array): void {
    this.#do(() => {
      if (!this.#contacts.theySaw(contact, seen, tag)) return;
      this.#init.onRolledBack(contact);
      this.#init.database.afterCommit(() => this.#lanes.of(contact).mayOpen());
    });
  }

  /** Opens a new session with the newest bundle of the contact; where that is not current, nothing changes. */
  renew(contact: ContactId): void {
    this.#do(() => this.#contacts.renew(contact));
    this.#init.database.afterCommit(() => this.#lanes.of(contact).ask());
  }

  /** Calls after a commit when something waits for a contact and there is no way to it. */
  onWaiting(listener: (contact: ContactId) => void): void {
    this.#lanes.onWaiting(listener);
  }

  /** Drops what is over at `now` (milliseconds since 1970). To be called about once an hour. */
  housekeep(now: number): void {
    this.bundle();
    for (const contact of this.#peers.all()) this.#do(() => this.#contacts.dropExpired(contact, now));
    this.#sessions.lapse(now);
  }

  /** Nothing is sent any more. To be called before the database is closed. */
  close(): void {
    this.#lanes.close();
  }

  #do<T>(work: () => T): T {
    return this.#init.database.transaction(work);
  }
}
