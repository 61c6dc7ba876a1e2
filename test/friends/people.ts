/** People with friends books over real databases, and a delivery between them that carries contents without cryptography. */

import { createHash } from 'node:crypto';
import { type Arrived, type ContactId, NotNow, type Via } from '../../src/delivery/face.ts';
import { Friends, FRIENDS_TABLES } from '../../src/friends/friends.ts';
import type { FriendsDelivery, OneTimePrekeyOffer } from '../../src/friends/needs.ts';
import type { Contact, FriendEvent } from '../../src/friends/people.ts';
import { equal, toHex } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { KithError } from '../../src/safety/errors.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { Database } from '../../src/store/database.ts';
import { ManualClock } from '../manual-clock.ts';

export const DAY = 24 * 60 * 60 * 1000;
export const LINK: Via = { kind: 'link' };
export const doorOf = (onionKey: Uint8Array): Via => ({ kind: 'door', invite: onionKey });

/** 32 bytes that differ for each `name`. */
export const keyOf = (name: string): Uint8Array => new Uint8Array(createHash('sha256').update(name).digest());
export const idOf = (name: string): Uint8Array => new Uint8Array(createHash('sha384').update(name).digest());

interface Item {
  readonly key: Uint8Array;
  readonly content: Uint8Array;
  sent: boolean;
}

export class FakeDelivery implements FriendsDelivery {
  readonly fingerprint: Uint8Array;
  readonly outboxes = new Map<string, Item[]>();
  readonly met = new Map<string, OneTimePrekeyOffer | undefined>();
  readonly pairs = new Map<string, Uint8Array[]>();
  readonly oneTime = new Set<number>();
  readonly forgotten: string[] = [];
  #nextId = 1;

  constructor(name: string) {
    this.fingerprint = idOf(name);
  }

  newOneTimePrekey(): OneTimePrekeyOffer {
    const id = this.#nextId++;
    this.oneTime.add(id);
    return { id, publicKey: keyOf(`prekey ${id}`) };
  }

  dropOneTimePrekey(id: number): void {
    this.oneTime.delete(id);
  }

  meet(bundle: Uint8Array, options: { fingerprint: Uint8Array; oneTimePrekey?: OneTimePrekeyOffer }): void {
    if (!equal(bundle, options.fingerprint)) throw new RangeError('forged bundle');
    this.met.set(toHex(options.fingerprint), options.oneTimePrekey);
  }

  forget(contact: ContactId): void {
    this.forgotten.push(toHex(contact));
    for (const map of [this.outboxes, this.met, this.pairs]) map.delete(toHex(contact));
  }

  enqueue(contact: ContactId, item: { readonly key: Uint8Array; readonly content: Uint8Array }): void {
    this.waiting(contact).push({ ...item, sent: false });
  }

  withdraw(contact: ContactId, key: Uint8Array): boolean {
    const items = this.waiting(contact);
    const at = items.findIndex((item) => !item.sent && equal(item.key, key));
    if (at >= 0) items.splice(at, 1);
    return at >= 0;
  }

  pairKeys(contact: ContactId): Uint8Array[] {
    return this.pairs.get(toHex(contact)) ?? [];
  }

  waiting(contact: ContactId): Item[] {
    const items = this.outboxes.get(toHex(contact)) ?? [];
    this.outboxes.set(toHex(contact), items);
    return items;
  }
}

export interface PersonOptions {
  readonly clock?: ManualClock;
  readonly path?: string;
  readonly delivery?: FakeDelivery;
  readonly home?: Uint8Array;
  readonly entryPoints?: Uint8Array[];
  readonly onStep?: (step: string) => void;
}

export class Person {
  readonly name: string;
  readonly clock: ManualClock;
  readonly delivery: FakeDelivery;
  readonly database: Database;
  readonly friends: Friends;
  readonly events: FriendEvent[] = [];
  readonly options: PersonOptions;
  /** The home that the node has; null: the first. */
  home: Uint8Array | null;

  constructor(name: string, options: PersonOptions = {}) {
    this.name = name;
    this.options = options;
    this.home = options.home ?? null;
    this.clock = options.clock ?? new ManualClock();
    this.delivery = options.delivery ?? new FakeDelivery(name);
    const path = options.path ?? ':memory:';
    const { onStep } = options;
    const key = keyOf(`store of ${name}`);
    this.database = Database.open({ path, key, tables: FRIENDS_TABLES, onStep });
    this.friends = this.book();
  }

  /** Another book over the same database: what would be there after a start. */
  book(): Friends {
    const { options } = this;

    return Friends.open({
      database: this.database,
      delivery: this.delivery,
      provider: nodeProvider,
      random: systemRandom,
      clock: this.clock,
      home: () => ({ onionKey: this.home ?? keyOf(`home of ${this.name}`) }),
      emit: (event) => void this.events.push(event),
      entryPoints: () => options.entryPoints ?? [],
    });
  }

  /** As a node does: the seed of the home is saved with the book. */
  move(onionKey: Uint8Array): void {
    const before = this.home;
    this.database.transaction(() => {
      this.home = onionKey;
      this.database.onRollback(() => {
        this.home = before;
      });
      this.friends.rotateHome(onionKey);
    });
  }

  get id(): Uint8Array {
    return this.delivery.fingerprint;
  }

  /** What this book says of somebody. */
  of(other: Person): Contact | null {
    return this.friends.get(other.id);
  }

  ask(other: Person, uri: string, options: { name?: string; note?: string } = {}): Contact {
    const invite = this.friends.readInvite(uri);
    return this.friends.request(invite, other.id, { myName: this.name, ...options });
  }

  /** Kinds of events since the last call. */
  told(): string[] {
    return this.events.splice(0).map(({ kind }) => kind);
  }
}

export type Told = 'kept' | 'busy' | 'refused';

/** Somebody who only sends. */
export type Guest = Pick<Person, 'id' | 'delivery'>;

export function guestNamed(name: string): Guest {
  const delivery = new FakeDelivery(name);
  return { id: delivery.fingerprint, delivery };
}

/** Hands one content to somebody as delivery does. */
export function hand(
  from: Guest,
  to: Person,
  content: Uint8Array,
  via: Via,
  options: { readonly proven?: boolean; readonly oneTimePrekeyId?: number | null } = {},
): Told {
  const met = from.delivery.met.get(toHex(to.id))?.id ?? null;
  const { proven = via.kind === 'link', oneTimePrekeyId = via.kind === 'door' ? met : null } = options;
  const arrived: Arrived = { contact: from.id, content, proven, oneTimePrekeyId, via };
  try {
    to.database.transaction(() => to.friends.apply(arrived));
    if (oneTimePrekeyId !== null) to.delivery.oneTime.delete(oneTimePrekeyId);
    return 'kept';
  } catch (error) {
    if (error instanceof NotNow) return 'busy';
    if (error instanceof KithError) return 'refused';
    throw error;
  }
}

/** Carries all that waits for somebody; `lostAnswers`: it arrives, and the sender does not hear so. */
export function carry(from: Person, to: Person, via: Via, lostAnswers = false): Told[] {
  return [...from.delivery.waiting(to.id)].map((item) => {
    item.sent = true;
    const told = hand(from, to, item.content, via);
    if (told === 'busy' || lostAnswers) return told;
    const items = from.delivery.waiting(to.id);
    items.splice(items.indexOf(item), 1);
    if (told === 'kept') from.friends.onKept(to.id, item.key);
    else from.friends.onRefused(to.id, item.key);
    return told;
  });
}

/** Alice's invite, Bob's request, Alice's acceptance: friends on both sides. */
export function befriend(alice: Person, bob: Person): void {
  const invite = alice.friends.openInvite();
  bob.ask(alice, invite.uri, { name: alice.name });
  carry(bob, alice, doorOf(invite.onionKey));
  alice.friends.accept(bob.id, { name: bob.name, myName: alice.name });
  carry(alice, bob, LINK);
  alice.friends.closeInvite(invite.id);
  alice.told();
  bob.told();
}
