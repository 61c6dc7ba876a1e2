/** The friends book over the real delivery: two databases, real cryptography, doors and links in memory. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Delivery, DELIVERY_TABLES } from '../../src/delivery/delivery.ts';
import type { Carried, Verdict } from '../../src/delivery/face.ts';
import { Friends, FRIENDS_TABLES } from '../../src/friends/friends.ts';
import { equal } from '../../src/safety/bytes.ts';
import { systemClock } from '../../src/safety/clock.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { Database } from '../../src/store/database.ts';
import { keyOf } from './people.ts';

class Node {
  readonly name: string;
  readonly delivery: Delivery;
  readonly friends: Friends;

  constructor(name: string) {
    this.name = name;
    const tables = [...DELIVERY_TABLES, ...FRIENDS_TABLES];
    const database = Database.open({ path: ':memory:', key: keyOf(`store of ${name}`), tables });
    this.delivery = Delivery.open({
      database,
      primitives: { provider: nodeProvider, random: systemRandom },
      clock: systemClock,
      apply: (arrived) => this.friends.apply(arrived),
      onKept: (contact, key) => this.friends.onKept(contact, key),
      onRefused: (contact, key) => this.friends.onRefused(contact, key),
    });
    this.friends = Friends.open({
      database,
      delivery: this.delivery,
      provider: nodeProvider,
      random: systemRandom,
      clock: systemClock,
      home: () => ({ onionKey: keyOf(`home of ${name}`) }),
      emit: () => {},
      entryPoints: () => [],
    });
  }

  get id(): Uint8Array {
    return this.delivery.fingerprint;
  }

  ask(other: Node, uri: string): void {
    this.friends.request(this.friends.readInvite(uri), other.delivery.bundle(), { myName: this.name });
  }
}

/** Everything that was carried, for replays. */
type Tape = Carried[];

/** A knock at the door that the book of `from` knows, until it is undone. */
function knock(from: Node, to: Node, tape: Tape = []): () => void {
  return from.delivery.attach({
    contact: to.id,
    send: async (carried: Carried): Promise<Verdict> => {
      await Promise.resolve();
      const door = from.friends.doorOf(to.id);
      if (door === null || !to.friends.mayKnock(door.onionKey, door.token)) throw new Error('nobody opens');
      tape.push(carried);
      return to.delivery.receive(carried, { contact: null, via: { kind: 'door', invite: door.onionKey } });
    },
  });
}

/** A link, where both can log in. */
function link(a: Node, b: Node): () => void {
  const keys = b.friends.loginKeys(a.id);
  const shared = a.friends.loginKeys(b.id).some((key) => keys.some((other) => equal(key, other)));
  assert.ok(shared, 'they can log in');
  const way = (from: Node, to: Node): (() => void) =>
    from.delivery.attach({
      contact: to.id,
      send: async (carried: Carried): Promise<Verdict> => {
        await Promise.resolve();
        return to.delivery.receive(carried, { contact: from.id, via: { kind: 'link' } });
      },
    });
  const undo = [way(a, b), way(b, a)];
  return () => {
    for (const detach of undo) detach();
  };
}

async function until(is: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 5000;
  while (!is()) {
    if (performance.now() > end) throw new Error(`never: ${what}`);
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test('from an invite to a proven friendship, and a replayed request changes nothing at any time', async (t) => {
  const [alice, bob] = [new Node('alice'), new Node('bob')];
  t.after(() => [alice, bob].forEach(({ delivery }) => delivery.close()));
  const invite = alice.friends.openInvite();
  bob.ask(alice, invite.uri);
  const tape: Tape = [];
  const leave = knock(bob, alice, tape);
  await until(() => bob.friends.get(alice.id)?.arrived === true, 'the request arrives');
  leave();
  assert.equal(alice.friends.get(bob.id)?.state, 'asking');
  const [request] = tape as [Carried];
  const replay = (): Verdict =>
    alice.delivery.receive(request, { contact: null, via: { kind: 'door', invite: invite.onionKey } });
  const asking = alice.friends.list();
  assert.equal(replay(), 'kept');
  assert.deepEqual(alice.friends.list(), asking);

  alice.friends.accept(bob.id, { myName: 'alice' });
  const part = link(alice, bob);
  await until(() => bob.friends.isFriend(alice.id), 'the acceptance arrives');
  await until(
    () => [alice.delivery.trust(bob.id), bob.delivery.trust(alice.id)].every((it) => it === 'proven'),
    'proof',
  );
  assert.deepEqual(alice.friends.loginKeys(bob.id)[0], bob.friends.loginKeys(alice.id)[0], 'the pair key');
  alice.friends.pairKeyUsed(bob.id);
  bob.friends.pairKeyUsed(alice.id);
  assert.deepEqual(alice.friends.loginKeys(bob.id), alice.delivery.pairKeys(bob.id));
  alice.friends.rotateHome(keyOf('second'));
  await until(() => alice.friends.ownHomes().length === 1, 'bob knows the new home');
  assert.deepEqual(bob.friends.homeOf(alice.id), keyOf('second'));
  part();

  const friends = alice.friends.list();
  replay();
  assert.deepEqual(alice.friends.list(), friends);
  alice.friends.remove(bob.id);
  assert.notEqual(replay(), 'kept');
  assert.deepEqual(alice.friends.list(), []);
  assert.equal(alice.delivery.knows(bob.id), false);
});

test('who was denied, and asks again, is heard again', async (t) => {
  const [alice, bob] = [new Node('alice'), new Node('bob')];
  t.after(() => [alice, bob].forEach(({ delivery }) => delivery.close()));
  const invite = alice.friends.openInvite({ public: true });
  for (let time = 0; time < 2; time++) {
    bob.ask(alice, invite.uri);
    const leave = knock(bob, alice);
    // oxlint-disable-next-line no-await-in-loop
    await until(() => alice.friends.get(bob.id)?.state === 'asking', `request ${time}`);
    // oxlint-disable-next-line no-await-in-loop
    await until(() => bob.delivery.waiting(alice.id) === 0, `answer ${time}`);
    leave();
    if (time === 0) alice.friends.deny(bob.id);
  }
  alice.friends.accept(bob.id, { myName: 'alice' });
  const part = link(alice, bob);
  await until(() => bob.friends.isFriend(alice.id), 'the acceptance arrives');
  part();
});

test('both sides at once end in one friendship with one pair key', async (t) => {
  const [alice, bob] = [new Node('alice'), new Node('bob')];
  t.after(() => [alice, bob].forEach(({ delivery }) => delivery.close()));
  const [toAlice, toBob] = [alice.friends.openInvite(), bob.friends.openInvite()];
  alice.ask(bob, toBob.uri);
  bob.ask(alice, toAlice.uri);
  const leave = [knock(alice, bob), knock(bob, alice)];
  await until(() => alice.friends.isFriend(bob.id) || bob.friends.isFriend(alice.id), 'a request arrives');
  for (const detach of leave) detach();
  const part = link(alice, bob);
  const isDone = (own: Node, other: Node): boolean =>
    own.friends.isFriend(other.id) &&
    own.delivery.trust(other.id) === 'proven' &&
    own.delivery.waiting(other.id) === 0;
  await until(() => isDone(alice, bob) && isDone(bob, alice), 'friendship');
  assert.deepEqual(alice.delivery.pairKeys(bob.id)[0], bob.delivery.pairKeys(alice.id)[0]);
  assert.deepEqual(
    [alice.friends.homeOf(bob.id), bob.friends.homeOf(alice.id)],
    [keyOf('home of bob'), keyOf('home of alice')],
  );
  part();
});
