/**
 * Whole people, with real databases, links, doors and cryptography, on a fake onion network in this process: everything
 * of a node but tor and the overlay.
 */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Channels } from '../../src/net/channel.ts';
import { TABLES } from '../../src/node/open-store.ts';
import { PeopleCalls } from '../../src/node/people-calls.ts';
import type { FriendView, MessageView, PeopleEvent } from '../../src/node/people-face.ts';
import { People } from '../../src/node/people.ts';
import { PersonaTor } from '../../src/node/persona-tor.ts';
import { systemClock } from '../../src/safety/clock.ts';
import { silent } from '../../src/safety/log.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { Database } from '../../src/store/database.ts';
import { SealedRows } from '../../src/store/sealed-rows.ts';
import { FakeNetwork, type FakeNetworkInit } from '../../src/testnet/fake-proxy.ts';
import type { FakeTor } from '../../src/testnet/fake-tor.ts';

/** How long anything may take before a test gives up, ms. */
const PATIENCE_MS = 30_000;

/** Resolves with the first value that is not undefined. */
export async function eventually<T>(what: string, look: () => T | undefined | null | false): Promise<T> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > giveUpAt) assert.fail(`${what}: not within ${PATIENCE_MS} ms`);
    await sleep(10);
  }
}

export class PeopleNetwork {
  readonly network: FakeNetwork;
  readonly dir: string;
  readonly #nodes: PeopleNode[] = [];

  private constructor(network: FakeNetwork, dir: string) {
    this.network = network;
    this.dir = dir;
  }

  static async create(conditions: Partial<FakeNetworkInit> = {}): Promise<PeopleNetwork> {
    const dir = await mkdtemp(join(tmpdir(), 'kp-'));
    return new PeopleNetwork(new FakeNetwork({ dir, ...conditions }), dir);
  }

  /** A node that runs. */
  async node(name: string): Promise<PeopleNode> {
    const node = new PeopleNode(name, join(this.dir, name), this.network.tor());
    this.#nodes.push(node);
    await mkdir(node.dir, { mode: 0o700 });
    await node.start();
    return node;
  }

  async remove(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
    await this.network.stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}

export class PeopleNode {
  readonly name: string;
  readonly dir: string;
  readonly tor: FakeTor;
  readonly key = randomBytes(32);
  /** How often it was told that something is with a friend. */
  delivered = 0;
  /** Since the last start. */
  events: PeopleEvent[] = [];
  people!: People;
  calls!: PeopleCalls;
  database: Database | undefined;
  #homePeers: SealedRows | undefined;

  constructor(name: string, dir: string, tor: FakeTor) {
    this.name = name;
    this.dir = dir;
    this.tor = tor;
  }

  get databasePath(): string {
    return join(this.dir, 'people.db');
  }

  async start(): Promise<void> {
    const [clock, random, log] = [systemClock, systemRandom, silent];
    await this.tor.start();
    const database = Database.open({ path: this.databasePath, key: this.key, tables: TABLES });
    this.database = database;
    this.#homePeers = SealedRows.open({ path: ':memory:', key: this.key, maxRows: 100, maxBytes: 100_000 });
    const known = new PersonaTor({ host: this.tor, socketDir: this.dir, clock, random, log });
    const dialer = known.dialer();
    this.people = await People.open({
      database,
      tor: this.tor,
      known,
      dialer,
      channels: new Channels({ open: dialer.open }),
      socketDir: this.dir,
      homePeers: this.#homePeers,
      open: false,
      handlers: new Map(),
      entryPoints: () => [],
      onEntryPoints: () => {},
      onDelivered: () => this.delivered++,
      clock,
      random,
      log,
    });
    this.calls = new PeopleCalls(this.people);
    this.events = [];
    this.calls.onEvent((event) => this.events.push(event));
    await this.people.start(new AbortController().signal);
  }

  async stop(): Promise<void> {
    if (this.database === undefined) return;
    await this.people.stop();
    this.database.close();
    this.#homePeers?.close();
    this.database = undefined;
    await this.tor.stop();
  }

  /** A friend, once it is as wanted. */
  friend(who: string, wanted: (friend: FriendView) => boolean = () => true): Promise<FriendView> {
    return eventually(`${this.name} sees ${who}`, () =>
      this.calls.friends().find((friend) => friend.name === who && wanted(friend)),
    );
  }

  /** A message with that text, once it is as wanted. */
  message(
    who: string,
    text: string,
    wanted: (message: MessageView) => boolean = () => true,
  ): Promise<MessageView> {
    return eventually(`${this.name} has "${text}"`, () =>
      this.calls.history(who).find((message) => message.text === text && wanted(message)),
    );
  }

  texts(who: string): string[] {
    return this.calls.history(who, { limit: 200 }).map(({ text }) => text);
  }
}

/** `asker` uses an invite of `host`, who accepts. */
export async function befriend(host: PeopleNode, asker: PeopleNode): Promise<void> {
  const invite = host.calls.openInvite({});
  await eventually('the door is open', () =>
    host.calls.invites().find(({ id, state }) => id === invite.id && state === 'open'),
  );
  await asker.calls.add(invite.uri, { name: host.name, note: `it is ${asker.name}` });
  const { id } = await eventually('the request', () =>
    host.calls.friends().find(({ state }) => state === 'asking'),
  );
  host.calls.accept(id, asker.name);
  await asker.friend(host.name, ({ state }) => state === 'friend');
}
