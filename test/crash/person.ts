/**
 * Somebody with a real database file, whose process can end at any step and go on with what the disk held then. No
 * network: see wire.ts.
 *
 * The image is read through a second descriptor of the file. That drops SQLite's lock of it (fcntl locks belong to a
 * process), which nobody else asks for here, and the instance that it is read from writes nothing any more.
 */

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChatEvent, Message } from '../../src/chat/message.ts';
import type { ContactId } from '../../src/delivery/face.ts';
import { TABLES } from '../../src/node/open-store.ts';
import { PeopleBook } from '../../src/node/people-book.ts';
import { utf8 } from '../../src/safety/bytes.ts';
import { silent } from '../../src/safety/log.ts';
import { systemDisk } from '../../src/safety/disk.ts';
import { writeBackup } from '../../src/store/backup.ts';
import { Database } from '../../src/store/database.ts';
import { restoreBackup } from '../../src/store/restore.ts';
import type { World } from './world.ts';

const PASSPHRASE = 'correct horse battery staple';
/** As little as Argon2 takes: nothing here is secret. */
const CHEAP = { memoryKib: 8, passes: 1, lanes: 1 };

/** Thrown where the process is to end. */
class Crash extends Error {}

/** Also where a part has wrapped it into an error of its own. */
function isCrash(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isCrash);
  return (
    error instanceof Crash || (error instanceof Error && error.cause !== undefined && isCrash(error.cause))
  );
}

/** The file and its log, byte for byte. */
export interface Image {
  readonly file: Buffer;
  readonly log: Buffer | null;
}

/** As long as nobody loses data, one message is told as new once: which id how often. */
export type Told = Map<string, number>;

export class Person {
  readonly name: string;
  readonly world: World;
  book!: PeopleBook;
  database!: Database;
  crashes = 0;
  readonly told: Told = new Map();
  readonly #storeKey: Uint8Array;
  readonly #homeKey: Uint8Array;
  #generation = 0;
  #image: Image | null;
  /** Of the process that runs, or ran last. */
  #life = { isOver: true };

  constructor(world: World, name: string, image: Image | null = null) {
    this.world = world;
    this.name = name;
    this.#storeKey = world.provider.sha256(utf8(`store of ${name}`));
    this.#homeKey = world.provider.ed25519.publicKey(world.provider.sha256(utf8(`home of ${name}`)));
    this.#image = image;
  }

  get id(): ContactId {
    return this.book.delivery.fingerprint;
  }

  get isDead(): boolean {
    return this.#life.isOver;
  }

  get path(): string {
    return join(this.world.dir, `${this.name}-${this.#generation}.db`);
  }

  get storeKey(): Uint8Array {
    return this.#storeKey;
  }

  /** The disk as it is now. */
  image(): Image {
    const log = `${this.path}-wal`;
    return { file: readFileSync(this.path), log: existsSync(log) ? readFileSync(log) : null };
  }

  /** Starts the process with what its disk holds; may end at once, and then `isDead`. */
  start(): void {
    this.#life = { isOver: false };
    if (this.#image !== null) {
      writeFileSync(this.path, this.#image.file, { mode: 0o600 });
      if (this.#image.log !== null) writeFileSync(`${this.path}-wal`, this.#image.log, { mode: 0o600 });
    }
    this.does(() => this.#open(this.#life));
  }

  /** Runs what may end the process. False: it did, or had before. */
  does(work: () => void): boolean {
    if (this.isDead) return false;
    try {
      work();
    } catch (error) {
      if (!isCrash(error)) throw error;
    }
    return !this.isDead;
  }

  /** Ends the process where it did not end by itself, and starts the next one; `image`: with this disk instead. */
  restart(image?: Image): void {
    if (!this.isDead) this.#die();
    if (image !== undefined) this.#image = image;
    this.#discard();
    this.crashes++;
    if (image !== undefined) this.told.clear();
    this.start();
  }

  /** Writes a backup. */
  async backup(path: string): Promise<void> {
    const { clock, random, provider } = this.world;
    const { database } = this;
    const how = { path, passphrase: PASSPHRASE, cost: CHEAP };
    await writeBackup({ database, disk: systemDisk, clock, random, provider, ...how });
  }

  /** Loses the disk, restores the backup onto a new one and starts with that. */
  async restore(path: string): Promise<void> {
    if (!this.isDead) this.#die();
    this.#discard();
    const { random, provider } = this.world;
    const database = Database.open({
      path: this.path,
      key: this.#storeKey,
      tables: TABLES,
      random,
      provider,
    });
    await restoreBackup({ database, path, passphrase: PASSPHRASE, provider });
    database.close();
    this.#image = null;
    this.told.clear();
    this.start();
  }

  /** Ends in order. */
  stop(): Image {
    const image = this.isDead ? (this.#image as Image) : this.image();
    this.#life.isOver = true;
    this.#discard();
    return image;
  }

  messages(from: ContactId): Message[] {
    const { chat } = this.book;
    const found: Message[] = [];
    for (let after = 0; ; ) {
      const page = chat.history(from, { after, limit: 200 });
      found.push(...page);
      const last = page.at(-1);
      if (last === undefined) return found;
      after = last.seq;
    }
  }

  /** What the node does when its timers ring. */
  tick(): void {
    const now = this.world.clock.now();
    for (const part of [this.book.chat, this.book.friends]) {
      const due = part.nextExpiry();
      if (due !== null && due <= now) part.expire(now);
    }
  }

  /** A new file, in the next place. */
  #discard(): void {
    try {
      this.book?.delivery.close();
      this.database?.close();
    } catch {
      // what it was, is in the image
    }
    for (const end of ['', '-wal', '-shm']) rmSync(this.path + end, { force: true });
    this.#generation++;
  }

  #die(): void {
    const { file, log } = this.image();
    const { world } = this;
    // sometimes in the middle of writing what nobody was told is there
    const torn = log === null || world.chance() < 0.7 ? 0 : 1 + world.below(9_000);
    this.#image = { file, log: log === null ? null : Buffer.concat([log, world.random(torn)]) };
    this.#life.isOver = true;
  }

  #step(life: { readonly isOver: boolean }, step: string): void {
    if (life.isOver) throw new Crash(step);
    const { world } = this;
    if (++world.steps < world.fuse) return;
    world.fuse = Infinity;
    world.lastStep = `${this.name}: ${step}`;
    this.#die();
    throw new Crash(step);
  }

  #open(life: { readonly isOver: boolean }): void {
    const { clock, random, provider } = this.world;
    const onStep = (step: string): void => this.#step(life, step);
    this.database = Database.open({
      path: this.path,
      key: this.#storeKey,
      tables: TABLES,
      random,
      provider,
      onStep,
    });
    const { database } = this;
    this.book = new PeopleBook({
      database,
      provider,
      random,
      clock,
      log: silent,
      homeKey: () => this.#homeKey,
      entryPoints: () => [],
      reachOf: () => ({ connected: false, lastReachedAt: null, nextTryAt: null }),
      onFriend: () => {},
      onChat: (event) => this.#heard(event),
      onProfile: () => {},
      onTrouble: () => {},
      onDelivered: () => {},
      onStep,
    });
    for (const { id } of this.book.friends.list('friend')) this.book.chat.meet(id);
  }

  #heard(event: ChatEvent): void {
    if (event.kind !== 'message' || event.message.kind === 'gap') return;
    const id = Buffer.from(event.message.id).toString('hex');
    this.told.set(id, (this.told.get(id) ?? 0) + 1);
  }
}
