/**
 * One story: two people, friends or still strangers, write to each other; at one step of database or delivery the process
 * that takes it ends, on either side, and goes on with what its disk held then; sometimes the next one ends soon after.
 * In the end the conversation has to be the same on both sides, and new messages must go both ways.
 */

import assert from 'node:assert/strict';
import { equal } from '../../src/safety/bytes.ts';
import { type Image, Person } from './person.ts';
import { assertSame, gaps, introduce, isSettled, written } from './same.ts';
import { turns, Wire } from './wire.ts';
import { World } from './world.ts';

/** Disks of two friends who have proven each other, to begin stories with. */
export interface Friends {
  readonly host: Image;
  readonly asker: Image;
  /** When they were made, ms since 1970. */
  readonly at: number;
}

export interface StoryInit {
  readonly seed: number;
  readonly dir: string;
  /** Null: they are strangers, and become friends. */
  readonly friends: Friends | null;
  /** At this step, from 1, whoever takes it ends; Infinity: nobody does. */
  readonly point: number;
  /** Things that they do. */
  readonly actions: number;
}

export interface StoryEnd {
  /** Steps that the process could have ended at. */
  readonly points: number;
  /** Where the process ended; empty where the story was over before. */
  readonly at: string;
  readonly crashes: number;
  readonly messages: number;
}

/** Virtual time that everything must have arrived in: longer than every pause of delivery and chat. */
const PATIENCE_MS = 3 * 3_600_000;
const TICK_MS = 500;

export class Story {
  readonly world: World;
  readonly host: Person;
  readonly asker: Person;
  readonly wire: Wire;
  /** Texts whose `send` returned. */
  readonly saved: { readonly by: Person; readonly text: string }[] = [];
  /** Steps until {@link prove} began to. */
  points = 0;
  #texts = 0;

  constructor({ seed, dir, friends, point }: Omit<StoryInit, 'actions'>) {
    this.world = new World(seed, dir, friends?.at);
    this.world.fuse = point;
    this.host = new Person(this.world, 'host', friends?.host);
    this.asker = new Person(this.world, 'asker', friends?.asker);
    this.wire = new Wire(this.host, this.asker);
    this.host.start();
    this.asker.start();
  }

  get people(): readonly [Person, Person] {
    return [this.host, this.asker];
  }

  end(): { host: Image; asker: Image } {
    this.wire.cut();
    return { host: this.host.stop(), asker: this.asker.stop() };
  }

  /** Brings back who has ended, makes friends of strangers, and keeps them connected. */
  revive(): void {
    const { world } = this;
    for (const person of this.people) {
      while (person.isDead) {
        this.wire.cut();
        // a crash seldom comes alone
        if (person.crashes === 0 && world.chance() < 0.3) world.fuse = world.steps + 1 + world.below(60);
        person.restart();
      }
    }
    if (!this.#areFriends()) this.#befriend();
    this.wire.follow();
  }

  /** Writes a text; where it returned, it has to arrive. */
  write(by: Person, to: Person, pad = 0): void {
    const text = `${by.name} ${++this.#texts}`.padEnd(pad, '.');
    if (by.does(() => void by.book.chat.send(to.id, { text }))) this.saved.push({ by, text });
  }

  /** Lets virtual time pass until `is`, or gives up. */
  async until(what: string, is: () => boolean, patienceMs = PATIENCE_MS): Promise<void> {
    const { clock } = this.world;
    const giveUpAt = clock.monotonic() + patienceMs;
    for (;;) {
      this.revive();
      await turns(12);
      if (this.people.some(({ isDead }) => isDead)) continue;
      if (this.wire.flying === 0 && is()) return;
      if (clock.monotonic() > giveUpAt) assert.fail(`${what}: not in ${patienceMs / 1000} s`);
      if (this.wire.flying === 0) await clock.advance(TICK_MS);
      for (const person of this.people) person.does(() => person.tick());
    }
  }

  settle(): Promise<void> {
    return this.until('everything arrives', () => {
      const [a, b] = this.people;
      if (!this.#areFriends() || !isSettled(a, b)) return false;
      introduce(a, b);
      // what is missing is asked for after a while
      return [a, b].every((person) => gaps(person).every(({ missing }) => missing?.final === true));
    });
  }

  /** Both write once more, and that arrives; then everything is compared. */
  async prove(): Promise<void> {
    const [a, b] = this.people;
    await this.settle();
    assertSame(a, b); // before what follows could hide anything
    this.points = this.world.steps;
    this.world.fuse = Infinity;
    this.write(a, b);
    this.write(b, a);
    for (const person of this.people) person.book.chat.markRead(person === a ? b.id : a.id);
    await this.settle();
    assertSame(a, b);
    for (const author of this.people) {
      const texts = written(author, author).map(({ text }) => text);
      const returned = this.saved.filter(({ by }) => by === author).map(({ text }) => text);
      for (const text of returned)
        assert.ok(texts.includes(text) || this.changed.has(text), `"${text}" was saved`);
    }
    assert.equal(this.world.reused, 0, 'a key and nonce sealed two things');
  }

  /** Texts that their author has replaced or deleted since. */
  readonly changed = new Set<string>();

  #areFriends(): boolean {
    const [a, b] = this.people;
    if (a.isDead || b.isDead) return false;
    return a.book.friends.isFriend(b.id) && b.book.friends.isFriend(a.id);
  }

  /** The next thing on the way to a friendship, if it is a person's to do. */
  #befriend(): void {
    const { host, asker } = this;
    if (host.isDead || asker.isDead) return;
    const contact = asker.book.friends.get(host.id);
    if (contact === null) {
      const open = host.book.friends.invites()[0];
      if (open === undefined) host.does(() => void host.book.friends.openInvite());
      else {
        asker.does(() => {
          const invite = asker.book.friends.readInvite(open.uri);
          assert.ok(equal(invite.onionKey, open.onionKey));
          asker.book.friends.request(invite, host.book.delivery.bundle(), { myName: 'asker' });
        });
      }
    } else if (!host.isDead && host.book.friends.get(asker.id)?.state === 'asking') {
      host.does(() => {
        host.book.befriending(asker.id, () => host.book.friends.accept(asker.id, { myName: 'host' }));
      });
    }
  }
}
