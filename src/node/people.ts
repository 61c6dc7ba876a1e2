/**
 * The people of a node and the ways to them: the book (people-book.ts), and homes, links, doors and knocks, which follow
 * it. What a face may ask is in people-calls.ts.
 *
 * What happens in the book is followed after its commit, and looked at anew at each start, so a crash in between
 * changes nothing. Order of start: homes, doors, links. Order of stop: the same backwards; the database is the caller's.
 */

import type { ContactId } from '../delivery/face.ts';
import type { Doors } from '../friends/door/doors.ts';
import type { Knocks } from '../friends/door/knocks.ts';
import type { FriendLinks } from '../friends/link/friend-links.ts';
import type { LinkStatus } from '../friends/link/face.ts';
import type { FriendEvent } from '../friends/people.ts';
import { nodeProvider } from '../safety/crypto/node.ts';
import { ClientKeys } from './client-keys.ts';
import { guarded, reasonOf } from './failures.ts';
import { HomeRows } from './home-rows.ts';
import type { Homes } from './homes.ts';
import { openHomes } from './open-homes.ts';
import { PeopleBook } from './people-book.ts';
import { PeopleEvents } from './people-events.ts';
import type { PeopleInit, PeopleStats } from './people-init.ts';
import { Upkeep } from './upkeep.ts';
import { wireWays } from './ways.ts';

/** How often keys and sessions are looked through for what is to be renewed or erased. */
const HOUSEKEEPING_MS = 60 * 60 * 1000;

export class People {
  readonly book: PeopleBook;
  readonly links: FriendLinks;
  readonly doors: Doors;
  readonly knocks: Knocks;
  readonly events: PeopleEvents;
  readonly init: PeopleInit;
  #homes!: Homes;
  readonly #clientKeys: ClientKeys;
  readonly #upkeep: Upkeep;
  #housekeepingAt = 0;
  #started = false;

  private constructor(init: PeopleInit) {
    const { database, clock, random, log, tor } = init;
    const provider = nodeProvider;
    this.init = init;
    this.events = new PeopleEvents(this);
    this.#clientKeys = new ClientKeys(tor.services, log);
    this.book = new PeopleBook({
      database,
      provider,
      random,
      clock,
      log,
      homeKey: () => new HomeRows(database, provider).currentKey(random),
      entryPoints: init.entryPoints,
      reachOf: (contact) => this.reachOf(contact),
      // what the book says stands, whatever becomes of following it
      onFriend: guarded(log, 'a change in the friends book was not followed', (event) => this.#follow(event)),
      onChat: (event) => {
        this.events.chat(event);
        this.#upkeep.look();
      },
      onProfile: (contact) => this.events.profile(contact),
      onTrouble: (contact) => this.events.friend(contact),
      onDelivered: init.onDelivered,
    });
    const { delivery, friends, chat } = this.book;
    const ways = wireWays({
      init,
      book: this.book,
      home: () => this.#homes.current,
      onLink: (contact) => this.events.presence(contact),
      onDoor: (onionKey) => this.events.door(onionKey),
      onKnock: (contact) => this.events.friend(contact),
    });
    this.links = ways.links;
    this.doors = ways.doors;
    this.knocks = ways.knocks;
    delivery.onWaiting((contact) => this.links.want(contact, false));
    this.#upkeep = new Upkeep(
      [
        { next: () => friends.nextExpiry(), run: (now) => friends.expire(now) },
        { next: () => chat.nextExpiry(), run: (now) => chat.expire(now) },
        { next: () => (chat.isSearchUnprepared ? 0 : null), run: () => chat.prepareSearch() },
        { next: () => this.#housekeepingAt, run: (now) => this.#housekeep(now) },
      ],
      clock,
      log,
    );
  }

  static async open(init: PeopleInit): Promise<People> {
    const people = new People(init);
    people.#homes = await openHomes(init, people.book, people);
    return people;
  }

  get homes(): Homes {
    return this.#homes;
  }

  /** Resolves when friends can reach the home onion; doors and links go their own way. */
  async start(signal: AbortSignal): Promise<void> {
    const { friends, chat } = this.book;
    this.#started = true;
    await this.#syncHomes();
    for (const { id } of friends.list('friend')) chat.meet(id);
    this.#clientKeys.sync(friends.homesToDial());
    this.#syncDoors();
    this.#upkeep.start();
    await this.#homes.start(signal);
    this.links.start();
    this.knocks.start();
    this.#syncKnocks();
    if (friends.homeRotationDue) this.#moveHome();
  }

  async stop(): Promise<void> {
    this.#started = false;
    await this.#upkeep.stop();
    await Promise.all([this.links.stop(), this.knocks.stop(), this.doors.stop()]);
    await this.#homes.stop();
    this.book.delivery.close();
  }

  /** A new home onion; friends are told. Resolves when it is up. */
  async rotateHome(): Promise<void> {
    await this.#homes.rotate((onionKey) => this.book.friends.rotateHome(onionKey));
    await this.#syncHomes();
  }

  /** In numbers. */
  stats(): PeopleStats {
    const { delivery, friends } = this.book;
    const contacts = friends.list();
    const { links, bytes } = this.links.stats();
    return {
      friends: contacts.filter(({ state }) => state === 'friend').length,
      requests: contacts.filter(({ state }) => state === 'asking').length,
      links,
      waiting: contacts.reduce((sum, { id }) => sum + delivery.waiting(id), 0),
      bytes,
    };
  }

  /** How a contact stands to be reached: by its home, or its door while a request is on its way. */
  reachOf(contact: ContactId): LinkStatus {
    const status = this.links.statusOf(contact);
    const knock = this.knocks.nextTryAt(contact);
    return knock === null ? status : { ...status, nextTryAt: knock };
  }

  #follow(event: FriendEvent): void {
    const { log } = this.init;
    this.events.book(event);
    if (!this.#started) return;
    this.#upkeep.look();
    switch (event.kind) {
      case 'contact':
        this.#syncKnocks();
        this.links.want(event.contact.id, false);
        break;
      case 'contact-removed':
        this.links.drop(event.id);
        this.#syncKnocks();
        break;
      case 'invite':
      case 'invite-closed':
        this.#syncDoors();
        break;
      case 'own-homes':
        this.#syncHomes().catch((error: unknown) => {
          log('warn', 'who may come in is not up to date', { reason: reasonOf(error) });
        });
        break;
      case 'homes-to-dial':
        this.#clientKeys.sync(this.book.friends.homesToDial());
        break;
      case 'home-rotation-due':
        this.#moveHome();
    }
  }

  /** Somebody knows the home who should not any more. */
  #moveHome(): void {
    this.rotateHome().catch((error: unknown) => {
      this.init.log('warn', 'the new home is not reachable yet', { reason: reasonOf(error) });
    });
  }

  async #syncHomes(): Promise<void> {
    await this.#homes.sync(this.book.friends.ownHomes());
  }

  #syncDoors(): void {
    this.doors.sync(this.book.friends.doors());
  }

  #syncKnocks(): void {
    const { friends } = this.book;
    const knocks = friends.list('requested').map(({ id }) => ({ contact: id, door: friends.doorOf(id) }));
    this.knocks.sync(knocks.flatMap(({ contact, door }) => (door === null ? [] : [{ contact, ...door }])));
  }

  #housekeep(now: number): void {
    this.#housekeepingAt = now + HOUSEKEEPING_MS;
    this.book.delivery.housekeep(now);
  }
}
