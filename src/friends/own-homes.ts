/**
 * The own homes as the book knows them: the current onion, the ones before it that somebody still needs, and what each
 * contact was given to enter. Seeds and onion services are the node's.
 *
 * Each home has a revision, which also orders introductions for those who get them: the unix time in seconds, or one
 * more than the last. So a restored book that makes a new home is believed, whatever was said after its backup.
 */

import { equal, utf8 } from '../safety/bytes.ts';
import type { Log } from '../safety/log.ts';
import { silent } from '../safety/log.ts';
import type { SealedTable } from '../store/sealed-table.ts';
import { encodeFriendHome, type Introduction } from '../wire/friend-content.ts';
import { type ContactRow, MAX_PENDING, type PendingIntroduction } from './contact-row.ts';
import type { Contacts } from './contacts.ts';
import { FriendsError } from './errors.ts';
import { decodeHomeRow, encodeHomeRow, type HomeEntry, type HomeRow } from './home-row.ts';
import { MAX_CLIENT_KEYS, MAX_HOMES, OLD_HOME_LIFE_MS } from './limits.ts';
import type { FriendsInit } from './needs.ts';
import type { OwnHome } from './people.ts';
import type { Tell } from './tell.ts';

const ROW = utf8('homes');
const MAX_REVISION = 2 ** 32 - 1;
const OUTBOX_KEY_BYTES = 16;

export class OwnHomes {
  readonly #init: FriendsInit;
  readonly #table: SealedTable;
  readonly #contacts: Contacts;
  readonly #tell: Tell;
  readonly #log: Log;

  constructor(init: FriendsInit, contacts: Contacts, tell: Tell) {
    this.#init = init;
    this.#table = init.database.table('home');
    this.#contacts = contacts;
    this.#tell = tell;
    this.#log = init.log ?? silent;
  }

  /** Takes over the home that the node has: the first one, or one that was changed behind the book's back. */
  open(): void {
    const { onionKey } = this.#init.home();
    const found = this.#table.get(ROW);
    if (found === null) this.#save({ homes: [this.#newHome(onionKey, 0)], rotationDue: false });
    else if (!equal(this.current.onionKey, onionKey)) this.rotate(onionKey);
  }

  get current(): HomeEntry {
    return this.#row().homes[0] as HomeEntry;
  }

  get rotationDue(): boolean {
    return this.#row().rotationDue;
  }

  /** Throws FriendsError FRIENDS_FULL where nobody else can be let in. */
  requireRoom(): void {
    if (this.#contacts.linkable().length < MAX_CLIENT_KEYS) return;
    throw new FriendsError('FRIENDS_FULL', 'no more people fit at one home', {
      hint: 'Remove a friend or withdraw a request first.',
      data: { max: MAX_CLIENT_KEYS },
    });
  }

  /** What lets this contact into the current home: the row with it, and what to tell them. */
  introduce(row: ContactRow): { row: ContactRow; introduction: Introduction } {
    const { revision, onionKey } = this.current;
    const has = row.given.find((key) => key.revision === revision);
    const { clientSecret } = has ?? { clientSecret: this.#init.random(32) };
    const given =
      has === undefined ? [{ revision, clientSecret }, ...row.given].slice(0, MAX_HOMES) : row.given;
    return { row: { ...row, given }, introduction: { revision, onionKey, clientSecret } };
  }

  /** Puts a content with an introduction into the outbox: the row that knows of it. */
  send(row: ContactRow, { revision }: Introduction, content: Uint8Array): ContactRow {
    const key = this.#init.random(OUTBOX_KEY_BYTES);
    this.#init.delivery.enqueue(row.id, { key, content });
    const pending = [...row.pending, { key, revision }];
    // of one that is not followed any more, nobody knows whether it arrived
    const introduced = row.introduced || pending.length > MAX_PENDING;
    return { ...row, introduced, pending: pending.slice(-MAX_PENDING) };
  }

  /** The row after an introduction has arrived; null where the key is of another content. */
  kept(row: ContactRow, key: Uint8Array): ContactRow | null {
    const arrived = row.pending.find((other) => equal(other.key, key));
    if (arrived === undefined) return null;
    const isLater = ({ revision }: PendingIntroduction): boolean => revision > arrived.revision;
    const given = row.given.filter(({ revision }) => revision >= arrived.revision);
    return {
      ...row,
      pending: row.pending.filter(isLater),
      given: given.length === row.given.length ? row.given : given,
    };
  }

  /**
   * Makes `onionKey` the current home and tells all who may link. With the key of a home that is there already, they are
   * told of it under a newer revision.
   */
  rotate(onionKey: Uint8Array): void {
    const { homes } = this.#row();
    const home = this.#newHome(onionKey, this.current.revision + 1);
    const twin = homes.find((other) => equal(other.onionKey, onionKey));
    const older = homes.filter((other) => other !== twin);
    this.#save({ homes: [home, ...older].slice(0, MAX_HOMES), rotationDue: false });
    this.#tell.lookAgain('own-homes');
    for (const row of this.#contacts.linkable()) {
      // an onion keeps its keys: all of them count towards its limit
      const had = row.given.find(({ revision }) => revision === twin?.revision);
      const others = row.given.filter((key) => key !== had);
      const given = had === undefined ? others : [{ ...had, revision: home.revision }, ...others];
      const introduced = this.introduce({ ...row, given });
      const content = encodeFriendHome(introduced.introduction);
      this.#contacts.put(this.send(introduced.row, introduced.introduction, content));
    }
    this.prune(this.#init.clock.now());
  }

  /** Somebody who knows the current home is no friend any more. */
  markDue(): void {
    if (!this.rotationDue) this.#save({ ...this.#row(), rotationDue: true });
    this.#tell.lookAgain('home-rotation-due');
  }

  /** Friends that have not acknowledged the current home. */
  waiting(): number {
    const { revision } = this.current;
    const isWaiting = (row: ContactRow): boolean =>
      row.state === 'friend' && row.pending.some((key) => key.revision === revision);
    return this.#contacts.list().filter(isWaiting).length;
  }

  /** The current one first. */
  list(): OwnHome[] {
    const rows = this.#contacts.linkable();
    return this.#row().homes.map(({ revision, onionKey }, i) => ({
      onionKey,
      current: i === 0,
      clientKeys: rows
        .flatMap(({ given }) => given.filter((key) => key.revision === revision))
        .map(({ clientSecret }) => this.#init.provider.x25519.keyPair(clientSecret).publicKey),
    }));
  }

  /** Onion keys of all of them. */
  keys(): Uint8Array[] {
    return this.#row().homes.map(({ onionKey }) => onionKey);
  }

  /** Drops old homes that nobody needs any more, and those that are too old. */
  prune(now: number): void {
    const row = this.#row();
    const rows = this.#contacts.linkable();
    const isNeeded = ({ revision }: HomeEntry, i: number): boolean =>
      i === 0 ||
      (now < endOf(row.homes, i) && rows.some(({ given }) => given.some((key) => key.revision === revision)));
    const homes = row.homes.filter(isNeeded);
    if (homes.length === row.homes.length) return;
    this.#save({ ...row, homes });
    for (const contact of rows) {
      const given = contact.given.filter((key) => homes.some(({ revision }) => revision === key.revision));
      if (given.length < contact.given.length) this.#contacts.put({ ...contact, given });
    }
    this.#tell.lookAgain('own-homes');
    this.#log('info', 'old homes are given up', { homes: row.homes.length - homes.length });
  }

  /** When the next old home is too old, milliseconds since 1970. */
  nextEnd(): number | null {
    const { homes } = this.#row();
    return homes.length < 2 ? null : Math.min(...homes.slice(1).map((_, i) => endOf(homes, i + 1)));
  }

  #newHome(onionKey: Uint8Array, least: number): HomeEntry {
    const since = this.#init.clock.now();
    const revision = Math.max(least, Math.min(Math.floor(since / 1000), MAX_REVISION));
    return { revision, onionKey, since: Math.floor(since) };
  }

  #row(): HomeRow {
    const found = this.#table.get(ROW);
    if (found === null) throw new RangeError('the book was not opened');
    return decodeHomeRow(found.value);
  }

  #save(row: HomeRow): void {
    this.#table.put({ name: ROW, value: encodeHomeRow(row) });
  }
}

/** An old home ends a time after the next one began. */
function endOf(homes: readonly HomeEntry[], i: number): number {
  return (homes[i - 1] as HomeEntry).since + OLD_HOME_LIFE_MS;
}
