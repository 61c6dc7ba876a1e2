/**
 * One person of the chat bench: everything durable that a node has of people (its book on a database file, full
 * durability), without a network. Two of them carry each other's ciphertexts within this process.
 */

import { setImmediate as turn } from 'node:timers/promises';
import type { ChatEvent } from '../../src/chat/message.ts';
import type { ContactId } from '../../src/delivery/face.ts';
import type { From } from '../../src/delivery/delivery.ts';
import { HomeRows } from '../../src/node/home-rows.ts';
import { openPeopleDatabase, storeKeyOf } from '../../src/node/open-store.ts';
import { PeopleBook } from '../../src/node/people-book.ts';
import { systemClock } from '../../src/safety/clock.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { systemDisk } from '../../src/safety/disk.ts';
import { silent } from '../../src/safety/log.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { openDataDir } from '../../src/store/data-dir.ts';
import type { Database } from '../../src/store/database.ts';

/** How long (ms) anything in memory may take. */
const PATIENCE_MS = 20_000;

const ACCESS = { disk: systemDisk, random: systemRandom };

export class Party {
  readonly book: PeopleBook;
  readonly database: Database;
  /** Called after each commit that changed a conversation. */
  onChat: (event: ChatEvent) => void = () => {};

  private constructor(database: Database) {
    this.database = database;
    this.book = new PeopleBook({
      database,
      provider: nodeProvider,
      random: systemRandom,
      clock: systemClock,
      log: silent,
      homeKey: () => new HomeRows(database, nodeProvider).currentKey(systemRandom),
      entryPoints: () => [],
      reachOf: () => ({ connected: true, lastReachedAt: null, nextTryAt: null }),
      onFriend: () => {},
      onChat: (event) => this.onChat(event),
      onProfile: () => {},
      onTrouble: () => {},
      onDelivered: () => {},
    });
  }

  /** Opens what `kith up` would open there; what is missing is made. */
  static async open(dataDir: string): Promise<Party> {
    return (await Party.opener(dataDir))();
  }

  /** All but the part that is of interest when it is measured. */
  static async opener(dataDir: string): Promise<() => Promise<Party>> {
    const dir = await openDataDir(dataDir, systemDisk);
    const key = await storeKeyOf(dir, ACCESS);
    return async () => new Party(await openPeopleDatabase(dir, key, ACCESS));
  }

  get id(): ContactId {
    return this.book.delivery.fingerprint;
  }

  close(): void {
    this.book.delivery.close();
    this.database.close();
  }
}

/** Carries what one says to the other until the returned function is called; every ciphertext in a turn of its own. */
export function carry(from: Party, to: Party, via: From['via'] = { kind: 'link' }): () => void {
  const origin: From = via.kind === 'link' ? { contact: from.id, via } : { contact: null, via };
  return from.book.delivery.attach({
    contact: to.id,
    send: async (carried, signal) => {
      await turn(undefined, { signal });
      return to.book.delivery.receive(carried, origin);
    },
  });
}

/** Makes friends of two strangers, with proven keys. */
export async function befriend(host: Party, asker: Party): Promise<void> {
  const { friends } = asker.book;
  const { uri, onionKey, id } = host.book.friends.openInvite();
  friends.request(friends.readInvite(uri), host.book.delivery.bundle(), { name: 'host', myName: 'asker' });
  const knocked = carry(asker, host, { kind: 'door', invite: onionKey });
  await until(() => host.book.friends.get(asker.id)?.state === 'asking', 'the request');
  knocked();
  host.book.befriending(asker.id, () =>
    host.book.friends.accept(asker.id, { name: 'friend', myName: 'host' }),
  );
  const ends = [carry(asker, host), carry(host, asker)];
  const settled = (a: Party, b: Party): boolean =>
    a.book.delivery.waiting(b.id) === 0 && a.book.delivery.trust(b.id) === 'proven';
  await until(() => friends.isFriend(host.id) && settled(asker, host) && settled(host, asker), 'friends');
  for (const end of ends) end();
  host.book.friends.closeInvite(id);
}

/** Resolves when `holds` does. */
async function until(holds: () => boolean, what: string): Promise<void> {
  for (const endMs = performance.now() + PATIENCE_MS; !holds(); await turn()) {
    if (performance.now() > endMs) throw new Error(`waited too long for ${what}`);
  }
}
