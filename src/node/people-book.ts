/**
 * What a node durably knows and owes about people, without any network: delivery, friends book, chat and profile on one
 * database, each handed what it needs of the others. Links and doors are put beside it in people.ts.
 *
 * A content that arrives is applied by the part its kind names, inside the transaction that keeps it; who is no friend
 * can send nothing but a request and its answer.
 */

import { CHAT_TABLES, Chat } from '../chat/chat.ts';
import type { ChatEvent } from '../chat/message.ts';
import { DELIVERY_TABLES, Delivery } from '../delivery/delivery.ts';
import type { Arrived, ContactId } from '../delivery/face.ts';
import { FRIENDS_TABLES, Friends } from '../friends/friends.ts';
import { LINK_TABLES } from '../friends/link/friend-links.ts';
import type { FriendEvent } from '../friends/people.ts';
import { PROFILE_TABLES, Profile } from '../profile/profile.ts';
import { equal, utf8 } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import type { Log } from '../safety/log.ts';
import type { RandomBytes } from '../safety/random.ts';
import type { Database, TableSpec } from '../store/database.ts';
import { generationOf, setGeneration } from '../store/meta.ts';
import { contentKindOf } from '../wire/content-kind.ts';
import { HOME_TABLES } from './home-rows.ts';

/** One row: the generation of the store that the book has taken note of. Not in a backup, which makes a new one. */
const BOOK_TABLE: TableSpec = { name: 'book', inBackup: false };
const GENERATION = utf8('generation');

/** Every table of `people.db` that belongs to people. */
export const PEOPLE_TABLES: readonly TableSpec[] = [
  BOOK_TABLE,
  ...DELIVERY_TABLES,
  ...FRIENDS_TABLES,
  ...LINK_TABLES,
  ...CHAT_TABLES,
  ...PROFILE_TABLES,
  ...HOME_TABLES,
];

export interface BookInit {
  readonly database: Database;
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly clock: Clock;
  readonly log: Log;
  /** Ed25519 key of the current home onion. */
  readonly homeKey: () => Uint8Array;
  /** Onion keys of DHT entry points for invites. */
  readonly entryPoints: () => readonly Uint8Array[];
  /** How a contact stands to be reached. */
  readonly reachOf: (contact: ContactId) => {
    readonly connected: boolean;
    readonly lastReachedAt: number | null;
    readonly nextTryAt: number | null;
  };
  readonly onFriend: (event: FriendEvent) => void;
  readonly onChat: (event: ChatEvent) => void;
  /** A friend's profile, or one's own (null), is another now. */
  readonly onProfile: (contact: ContactId | null) => void;
  /** Delivery to a contact stands still or goes on, or they are proven now. */
  readonly onTrouble: (contact: ContactId) => void;
  /** A contact has a content on disk that was saved here so long ago, ms; after the commit. */
  /** A message is on a friend's disk, so long after it was saved, ms. */
  readonly onDelivered: (tookMs: number) => void;
  /** For tests that fail at it. */
  readonly onStep?: ((step: string) => void) | undefined;
}

export class PeopleBook {
  readonly delivery: Delivery;
  readonly friends: Friends;
  readonly chat: Chat;
  readonly profile: Profile;
  readonly #database: Database;
  /** This run began with a restored store, or has found that it is an old one. */
  #isRenewed = false;

  constructor(init: BookInit) {
    const { database, provider, random, clock, log, onStep } = init;
    this.#database = database;
    this.delivery = Delivery.open({
      database,
      primitives: { provider, random },
      clock,
      log,
      apply: (arrived) => this.#apply(arrived),
      onKept: (contact, key, since) => {
        this.friends.onKept(contact, key);
        if (this.chat.onKept(contact, key)) database.afterCommit(() => init.onDelivered(clock.now() - since));
      },
      onRefused: (contact, key) => {
        this.friends.onRefused(contact, key);
        this.chat.onRefused(contact, key);
      },
      onSent: (contact, key) => this.chat.onSent(contact, key),
      onTrouble: init.onTrouble,
      onRolledBack: () => this.#rolledBack(init.homeKey()),
      ...(onStep === undefined ? {} : { onStep }),
    });
    this.friends = Friends.open({
      database,
      delivery: this.delivery,
      provider,
      random,
      clock,
      log,
      home: () => ({ onionKey: init.homeKey() }),
      emit: init.onFriend,
      entryPoints: init.entryPoints,
    });
    this.chat = Chat.open({
      database,
      self: this.delivery.fingerprint,
      outbox: this.delivery,
      clock,
      random,
      provider,
      emit: init.onChat,
      generation: () => generationOf(database),
      reachOf: init.reachOf,
      wasProven: (contact) => this.delivery.pairKeys(contact).length > 0,
      // no provisional key opens a link any more
      linkProves: (contact) =>
        this.friends.loginKeys(contact).length === this.delivery.pairKeys(contact).length,
    });
    this.profile = new Profile({
      database,
      outbox: this.delivery,
      friends: () => this.friends.list('friend').map(({ id }) => id),
      provider,
      onChanged: init.onProfile,
    });
    this.#noteGeneration(init.homeKey);
  }

  /** Runs `work`, which may make somebody a friend, in one transaction with what a new friend is told. */
  befriending<T>(contact: ContactId, work: () => T): T {
    return this.#database.transaction(() => {
      const before = this.friends.isFriend(contact);
      const result = work();
      if (!before && this.friends.isFriend(contact)) {
        this.profile.tell(contact);
        this.chat.meet(contact);
      }
      return result;
    });
  }

  /** Ends whatever there is with a contact; its history stays unless `history` says that it goes too. */
  remove(contact: ContactId, { history }: { readonly history: boolean }): void {
    this.#database.transaction(() => {
      this.friends.remove(contact);
      this.chat.forget(contact, { history });
      this.profile.forget(contact);
    });
  }

  block(contact: ContactId): void {
    this.#database.transaction(() => {
      this.friends.block(contact);
      this.chat.forget(contact, { history: false });
      this.profile.forget(contact);
    });
  }

  #apply(arrived: Arrived): void {
    switch (contentKindOf(arrived.content)) {
      case 'request':
      case 'accept':
      case 'home':
        this.befriending(arrived.contact, () => this.friends.apply(arrived));
        return;
      case 'profile':
      case 'picture':
        this.friends.admit(arrived);
        this.profile.apply(arrived);
        return;
      case null: // of a newer version
        this.friends.admit(arrived);
        return;
      default:
        this.friends.admit(arrived);
        this.chat.apply(arrived);
    }
  }

  /**
   * A friend has more of us than we know of: this is an old copy of the store, and everything since is lost here. What
   * holds after a restored backup holds now, for all friends. Inside delivery's transaction. Once in a run is enough,
   * because files are put back between runs.
   */
  #rolledBack(homeKey: Uint8Array): void {
    if (this.#isRenewed) return;
    setGeneration(this.#database, generationOf(this.#database) + 1);
    this.#noteGeneration(() => homeKey);
    for (const { id } of this.friends.list('friend')) this.chat.meet(id);
  }

  /** The first time after a restore, and before anything is sent: everybody is told where home is, as it is now. */
  #noteGeneration(homeKey: () => Uint8Array): void {
    const generation = generationOf(this.#database);
    const table = this.#database.table(BOOK_TABLE.name);
    const noted = table.get(GENERATION);
    if (noted !== null && equal(noted.value, utf8(String(generation)))) return;
    this.#database.transaction(() => {
      if (generation > 0) {
        this.friends.restored();
        this.friends.rotateHome(homeKey());
      }
      table.put({ name: GENERATION, value: utf8(String(generation)) });
      this.#database.afterCommit(() => (this.#isRenewed = generation > 0));
    });
  }
}
