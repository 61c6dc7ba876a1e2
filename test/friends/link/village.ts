/**
 * Homes for tests: real handshakes and acceptors over connections in memory, a clock in the hands of the test, and a
 * delivery that is told what to send and remembers what came.
 */

import type { Duplex } from 'node:stream';
import type { Carried, ContactId, Route, Verdict } from '../../../src/delivery/face.ts';
import type { FriendLinksInit, LinkBook, LinkDelivery } from '../../../src/friends/link/face.ts';
import { FRIEND_PROTOCOL, FriendLinks, LINK_TABLES } from '../../../src/friends/link/friend-links.ts';
import { bundleHash } from '../../../src/kem/bundle.ts';
import { Acceptor } from '../../../src/net/acceptor.ts';
import { socketChannel } from '../../../src/net/byte-channel.ts';
import { Channels, type OpenStream, type SecureChannel } from '../../../src/net/channel.ts';
import { type LinkIdentity, linkIdentity } from '../../../src/net/link-identity.ts';
import { toHex } from '../../../src/safety/bytes.ts';
import { nodeProvider } from '../../../src/safety/crypto/node.ts';
import { KithError } from '../../../src/safety/errors.ts';
import { systemRandom } from '../../../src/safety/random.ts';
import { Database } from '../../../src/store/database.ts';
import { onionOf } from '../../../src/wire/onion.ts';
import { ManualClock } from '../../manual-clock.ts';
import { memoryPair } from '../../net/links.ts';

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Turns of the event loop until it holds; fails instead of hanging. */
export async function until(condition: () => boolean, what = 'it'): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns > 20_000) throw new Error(`${what} did not happen`);
    await nextTurn();
  }
}

/** Lets everything that is ready run, handshakes included. */
export async function settle(turns = 60): Promise<void> {
  for (let i = 0; i < turns; i++) await nextTurn();
}

export const contactOf = (name: string): Uint8Array => {
  const contact = new Uint8Array(48);
  contact.set(Buffer.from(name).subarray(0, 48));
  return contact;
};

/** A ciphertext by its number. */
export const carriedOf = (number: number): Carried => ({
  form: 'message',
  bytes: new Uint8Array(4_064).fill(number),
  count: number,
  tag: new Uint8Array(16).fill(number),
});

/** Sends what it is given over the route it has, again after a loss; remembers what it is given. */
class FakeDelivery implements LinkDelivery {
  readonly received: { contact: string; number: number }[] = [];
  readonly kept: number[] = [];
  readonly saw: number[] = [];
  readonly sawTags: Uint8Array[] = [];
  readonly learned: Uint8Array[] = [];
  /** In the order in which things happened. */
  readonly events: string[] = [];
  /** Pair keys that have logged in. */
  readonly usedKeys: Uint8Array[] = [];
  readonly routes = new Map<string, Route>();
  ownBundle = new Uint8Array(9_428).fill(1);
  readonly known = new Map<string, Uint8Array>();
  verdict: Verdict | Error = 'kept';
  seen = 0;
  pairKeysOf = (_contact: ContactId): readonly Uint8Array[] => [];
  readonly #waiting = new Map<string, number[]>();

  attach(route: Route): () => void {
    const id = toHex(route.contact);
    this.routes.set(id, route);
    this.events.push('attach');
    for (const number of this.#waiting.get(id) ?? []) this.#send(route, number);
    return () => {
      this.events.push('detach');
      if (this.routes.get(id) === route) this.routes.delete(id);
    };
  }

  enqueue(contact: ContactId, number: number): void {
    const id = toHex(contact);
    this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), number]);
    const route = this.routes.get(id);
    if (route !== undefined) this.#send(route, number);
  }

  receive({ bytes }: Carried, { contact }: { contact: ContactId }): Verdict {
    if (this.verdict instanceof Error) throw this.verdict;
    const name = Buffer.from(contact).toString().replace(/\0+$/, '');
    if (this.verdict === 'kept') this.received.push({ contact: name, number: bytes[0] as number });
    return this.verdict;
  }

  bundle(): Uint8Array {
    return this.ownBundle;
  }

  bundleHashOf(contact: ContactId): Uint8Array | null {
    const bytes = this.known.get(toHex(contact));
    return bytes === undefined ? null : bundleHash(nodeProvider, bytes);
  }

  learnBundle(contact: ContactId, bytes: Uint8Array): void {
    this.events.push('bundle');
    this.learned.push(bytes);
    this.known.set(toHex(contact), bytes);
  }

  counts(): { sent: number; seen: number; tag: Uint8Array } {
    return { sent: 0, seen: this.seen, tag: new Uint8Array(16).fill(this.seen) };
  }

  theySaw(_contact: ContactId, seen: number, tag: Uint8Array): void {
    this.events.push('saw');
    this.saw.push(seen);
    this.sawTags.push(tag);
  }

  routeChanged(): void {
    this.events.push('changed');
  }

  pairKeys(contact: ContactId): readonly Uint8Array[] {
    return this.pairKeysOf(contact);
  }

  pairKeyUsed(_contact: ContactId, key: Uint8Array): void {
    this.usedKeys.push(key);
  }

  /** Numbers that wait for a verdict. */
  waiting(contact: ContactId): readonly number[] {
    return this.#waiting.get(toHex(contact)) ?? [];
  }

  #send(route: Route, number: number): void {
    route.send(carriedOf(number), new AbortController().signal).then(
      (verdict) => {
        if (verdict !== 'kept') return;
        const id = toHex(route.contact);
        this.#waiting.set(
          id,
          (this.#waiting.get(id) ?? []).filter((other) => other !== number),
        );
        this.kept.push(number);
      },
      (error: unknown) => this.events.push(`lost ${(error as KithError).code}`),
    );
  }
}

/** A friend as a home knows them. */
interface Known {
  home: Uint8Array | null;
  keys: Uint8Array[];
  mayLink: boolean;
  isFriend: boolean;
}

export class Home {
  readonly name: string;
  readonly contact: Uint8Array;
  readonly identity: LinkIdentity;
  readonly delivery = new FakeDelivery();
  readonly friends = new Map<string, Known & { contact: Uint8Array }>();
  readonly usedPairKeys: string[] = [];
  /** Contact and onion key, hex. */
  readonly cameFrom: [string, string][] = [];
  readonly changes: string[] = [];
  readonly acceptor: Acceptor;
  readonly database: Database;
  readonly channels: Channels;
  links: FriendLinks;
  ready: ((signal: AbortSignal) => Promise<void>) | undefined;
  readonly #village: Village;

  constructor(village: Village, name: string, seed: Uint8Array, database = newDatabase()) {
    this.#village = village;
    this.name = name;
    this.contact = contactOf(name);
    this.identity = linkIdentity(seed);
    this.database = database;
    this.acceptor = new Acceptor({ identity: this.identity, clock: village.clock });
    this.channels = new Channels({ open: village.open(this), clock: village.clock });
    this.links = this.newLinks();
    this.acceptor.handle(FRIEND_PROTOCOL, (channel) => this.links.accept(channel));
  }

  /** As after a restart of this home: the same database, nothing in memory. */
  newLinks(changes: Partial<FriendLinksInit> = {}): FriendLinks {
    return new FriendLinks({
      channels: this.channels,
      identity: () => this.identity,
      ownOnionKey: () => this.identity.publicKey,
      book: this.book(),
      delivery: this.delivery,
      database: this.database,
      provider: nodeProvider,
      random: systemRandom,
      clock: this.#village.clock,
      ready: async (signal) => this.ready?.(signal),
      onChange: (contact) => this.changes.push(toHex(contact)),
      ...changes,
    });
  }

  book(): LinkBook {
    const of = (contact: ContactId) => this.friends.get(toHex(contact));
    return {
      loginKeys: (contact) => of(contact)?.keys ?? [],
      pairKeyUsed: (contact) => this.usedPairKeys.push(toHex(contact)),
      contactOfHome: (key) => {
        const id = toHex(key);
        const friend = [...this.friends.values()].find(({ home }) => home !== null && toHex(home) === id);
        return friend?.contact ?? null;
      },
      contacts: () => [...this.friends.values()].map(({ contact }) => contact),
      mayLink: (contact) => of(contact)?.mayLink ?? false,
      cameFrom: (contact, onionKey) => {
        const id = toHex(onionKey);
        this.cameFrom.push([toHex(contact), id]);
      },
      isFriend: (contact) => of(contact)?.isFriend ?? false,
      homeOf: (contact) => {
        const home = of(contact)?.home ?? null;
        return home === null ? null : onionOf(home);
      },
    };
  }

  knows(other: Home, ...keys: Uint8Array[]): Known {
    const home = other.identity.publicKey;
    const known = { contact: other.contact, home, keys, mayLink: true, isFriend: true };
    this.friends.set(toHex(other.contact), known);
    return known;
  }

  connectedTo(other: Home): boolean {
    return this.links.statusOf(other.contact).connected;
  }

  /** Dials somebody and names the friends' protocol, as an attacker would: with nothing behind it. */
  dial(onionKey: Uint8Array, as: LinkIdentity = this.identity): Promise<SecureChannel> {
    return this.channels.dial(onionOf(onionKey), {
      as,
      protocol: FRIEND_PROTOCOL,
      purpose: 't',
      isolation: 't',
    });
  }
}

/** A connection in memory, and between whom. */
export interface Wire {
  readonly from: Home;
  readonly to: Uint8Array;
  readonly ends: readonly [Duplex, Duplex];
}

export class Village {
  readonly clock = new ManualClock();
  readonly wires: Wire[] = [];
  readonly homes: Home[] = [];
  /** Answers at an onion key (hex) in place of a home. */
  readonly answering = new Map<string, (socket: Duplex) => void>();
  /** Called before each connection; throws or delays. */
  onDial: (from: Home, to: Uint8Array) => Promise<void> = async () => {};

  home(name: string, seed: number): Home {
    const home = new Home(this, name, new Uint8Array(32).fill(seed));
    this.homes.push(home);
    return home;
  }

  /** Two homes that are friends under these keys. */
  friends(a: Home, b: Home, ...keys: Uint8Array[]): void {
    a.knows(b, ...keys);
    b.knows(a, ...keys);
  }

  open(from: Home): OpenStream {
    return async ({ publicKey }, { early, signal }) => {
      await this.onDial(from, publicKey);
      signal?.throwIfAborted();
      const id = toHex(publicKey);
      const home = this.homes.find(({ identity }) => toHex(identity.publicKey) === id);
      const accept = this.answering.get(id) ?? ((socket: Duplex) => home?.acceptor.accept(socket));
      if (home === undefined && !this.answering.has(id)) {
        throw new KithError('ONION_DESCRIPTOR_NOT_FOUND', 'not there', { hint: 'wait' });
      }
      const ends = memoryPair();
      for (const end of ends) end.on('error', () => undefined);
      this.wires.push({ from, to: publicKey, ends });
      accept(ends[1]);
      const lower = socketChannel(ends[0]);
      await lower.write(early);
      return lower;
    };
  }

  /** Cuts all connections that are open. */
  cut(): void {
    for (const { ends } of this.wires.splice(0)) ends[0].destroy();
  }

  async stop(): Promise<void> {
    const stopping = this.homes.map(async (home) => {
      await home.links.stop();
      await home.acceptor.close();
      home.database.close();
    });
    await this.passing(Promise.all(stopping));
  }

  /** Lets time pass until `work` is done. */
  async passing(work: Promise<unknown>): Promise<void> {
    const state = { isDone: false };
    const done = work.finally(() => {
      state.isDone = true;
    });
    for (let seconds = 0; !state.isDone; seconds++) {
      if (seconds > 300) throw new Error('it did not end');
      await this.clock.advance(1_000);
      await nextTurn();
    }
    await done;
  }
}

export function newDatabase(): Database {
  return Database.open({ path: ':memory:', key: new Uint8Array(32).fill(9), tables: LINK_TABLES });
}

export const keyOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
