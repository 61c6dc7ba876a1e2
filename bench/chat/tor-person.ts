/** A node on a real Tor network without the overlay: people and their links, with an echo on its home onion besides. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Channels, type SecureChannel } from '../../src/net/channel.ts';
import { openPeopleDatabase, storeKeyOf } from '../../src/node/open-store.ts';
import { PeopleCalls } from '../../src/node/people-calls.ts';
import { People } from '../../src/node/people.ts';
import { PersonaTor } from '../../src/node/persona-tor.ts';
import { toHex } from '../../src/safety/bytes.ts';
import { systemClock } from '../../src/safety/clock.ts';
import { systemDisk } from '../../src/safety/disk.ts';
import { silent } from '../../src/safety/log.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { openDataDir } from '../../src/store/data-dir.ts';
import type { Database } from '../../src/store/database.ts';
import { SealedRows } from '../../src/store/sealed-rows.ts';
import type { Testnet } from '../../src/testnet/index.ts';
import { Tor } from '../../src/transport-tor/tor/tor.ts';

const ECHO = '/kith/bench/1';

export class TorPerson {
  readonly calls: PeopleCalls;
  readonly people: People;
  readonly #database: Database;
  readonly #tor: Tor;
  readonly #channels: Channels;
  readonly #homePeers: SealedRows;

  private constructor(people: People, database: Database, tor: Tor, channels: Channels, peers: SealedRows) {
    this.people = people;
    this.calls = new PeopleCalls(people);
    this.#database = database;
    this.#tor = tor;
    this.#channels = channels;
    this.#homePeers = peers;
  }

  static async open(root: string, { clientConfig }: Testnet): Promise<TorPerson> {
    const [clock, random, log, disk] = [systemClock, systemRandom, silent, systemDisk];
    const dir = await openDataDir(root, disk);
    const key = await storeKeyOf(dir, { disk, random });
    const database = await openPeopleDatabase(dir, key, { disk, random });
    const socketDir = join(root, 'run');
    await mkdir(socketDir, { mode: 0o700 });
    const tor = new Tor({ dataDir: dir.torKnown, socketDir: join(socketDir, 'tor'), config: clientConfig });
    const known = new PersonaTor({ host: tor, socketDir, clock, random, log });
    const dialer = known.dialer();
    const channels = new Channels({ open: dialer.open });
    const homePeers = SealedRows.open({ path: ':memory:', key, maxRows: 100, maxBytes: 100_000 });
    const people = await People.open({
      database,
      tor,
      known,
      dialer,
      channels,
      socketDir,
      homePeers,
      open: false,
      handlers: new Map([[ECHO, echo]]),
      entryPoints: () => [],
      onEntryPoints: () => {},
      onDelivered: () => {},
      clock,
      random,
      log,
    });
    return new TorPerson(people, database, tor, channels, homePeers);
  }

  /** Resolves when friends can reach it. */
  async start(): Promise<void> {
    const { signal } = new AbortController();
    await Promise.all([this.#tor.start(signal), this.people.start(signal)]);
  }

  async stop(): Promise<void> {
    await this.people.stop();
    await this.#tor.stop();
    this.#database.close();
    this.#homePeers.close();
  }

  /** An open raw channel to the echo of a friend, on the circuit that links with them are dialed on. */
  async dialEcho(friend: TorPerson): Promise<SecureChannel> {
    const { identity } = this.people.homes.current;
    const isolation = toHex(friend.people.book.delivery.fingerprint);
    const { onion } = friend.people.homes.current;
    return this.#channels.dial(onion, {
      as: identity,
      protocol: ECHO,
      purpose: 'friend',
      isolation,
      urgent: true,
    });
  }
}

/** Answers each request of so many bytes with so many: a request begins with both numbers, 2 bytes each. */
async function echo(channel: SecureChannel): Promise<void> {
  let waiting = Buffer.alloc(0);
  for (let bytes = await channel.read(); bytes !== null; bytes = await channel.read()) {
    waiting = Buffer.concat([waiting, bytes]);
    if (waiting.length < 4 || waiting.length < waiting.readUInt16BE(0)) continue;
    const answer = new Uint8Array(waiting.readUInt16BE(2));
    waiting = waiting.subarray(waiting.readUInt16BE(0));
    await channel.write(answer);
  }
}

/** How long (ms) it takes until `there` bytes (at least 4) have been carried there, and `back` bytes back. */
export async function echoMs(channel: SecureChannel, there: number, back: number): Promise<number> {
  const request = Buffer.alloc(there);
  request.writeUInt16BE(there, 0);
  request.writeUInt16BE(back, 2);
  const startedAt = performance.now();
  await channel.write(new Uint8Array(request));
  for (let read = 0; read < back; ) {
    const bytes = await channel.read();
    if (bytes === null) throw new Error('the echo has ended');
    read += bytes.length;
  }
  return performance.now() - startedAt;
}
