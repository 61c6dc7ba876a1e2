/** Moving home: who is told, who is let in where, and when the old one goes. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { befriend, carry, DAY, doorOf, FakeDelivery, keyOf, LINK, Person } from './people.ts';

const publicOf = (secret: Uint8Array): Uint8Array => nodeProvider.x25519.keyPair(secret).publicKey;

/** The key with which `other` enters the home of `own` that it knows. */
function keyOfGuest(own: Person, other: Person): Uint8Array {
  const home = other.friends.homesToDial().find(({ contact }) => Buffer.compare(contact, own.id) === 0);
  return publicOf(home?.clientSecret ?? new Uint8Array(32));
}

describe('a new home', () => {
  test('is told to friends and to who was asked; the old one stays until the last of them knows', () => {
    const [alice, bob, carol, dave] = ['alice', 'bob', 'carol', 'dave'].map((name) => new Person(name)) as [
      Person,
      Person,
      Person,
      Person,
    ];
    befriend(alice, bob);
    befriend(alice, carol);
    const invite = dave.friends.openInvite();
    alice.ask(dave, invite.uri);
    const before = alice.friends.clientKeys();
    assert.equal(before.length, 3);

    alice.told();
    alice.friends.rotateHome(keyOf('second'));
    assert.equal(alice.told().filter((kind) => kind === 'own-homes').length, 1);
    assert.equal(alice.friends.homeWaiting(), 2);
    const [now, old] = alice.friends.ownHomes();
    assert.deepEqual([now?.onionKey, now?.current], [keyOf('second'), true]);
    assert.deepEqual([old?.onionKey, old?.current], [keyOf('home of alice'), false]);
    assert.deepEqual(old?.clientKeys, before);
    assert.equal(now?.clientKeys.length, 3);
    assert.ok(now.clientKeys.every((key) => !before.some((other) => Buffer.compare(key, other) === 0)));

    assert.deepEqual(carry(alice, bob, LINK), ['kept']);
    assert.deepEqual(bob.friends.homeOf(alice.id), keyOf('second'));
    assert.deepEqual(keyOfGuest(alice, bob), now?.clientKeys[0]);
    assert.equal(alice.friends.homeWaiting(), 1);
    assert.equal(alice.friends.ownHomes()[1]?.clientKeys.length, 2, 'bob needs the old one no more');

    assert.deepEqual(carry(alice, carol, LINK), ['kept']);
    assert.equal(alice.friends.homeWaiting(), 0);
    assert.equal(alice.friends.ownHomes().length, 2, 'dave may answer to the old one');
    alice.told();
    assert.deepEqual(carry(alice, dave, doorOf(invite.onionKey)), ['kept', 'kept']);
    assert.equal(alice.friends.ownHomes().length, 1);
    assert.deepEqual([...new Set(alice.told())].sort(), ['contact', 'own-homes']);
    dave.friends.accept(alice.id, { myName: 'dave' });
    assert.deepEqual(dave.friends.homeOf(alice.id), keyOf('second'));
    assert.deepEqual(keyOfGuest(alice, dave), alice.friends.clientKeys()[2]);
  });

  test('the old one goes after 14 days, whoever is away', async () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    befriend(alice, bob);
    await alice.clock.advance(DAY);
    const moved = alice.clock.now();
    alice.friends.rotateHome(keyOf('second'));
    assert.equal(alice.friends.nextExpiry(), moved + 14 * DAY);
    alice.friends.expire(moved + 14 * DAY - 1);
    assert.equal(alice.friends.ownHomes().length, 2);
    alice.friends.expire(moved + 14 * DAY);
    assert.equal(alice.friends.ownHomes().length, 1);
    assert.equal(alice.friends.clientKeys().length, 1);
    assert.deepEqual(carry(alice, bob, LINK), ['kept'], 'bob is told when he is back, over a link from here');
    assert.deepEqual(keyOfGuest(alice, bob), alice.friends.clientKeys()[0]);
  });

  test('again and again: at most four at once, and a late friend ends on the newest', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    befriend(alice, bob);
    for (let i = 0; i < 7; i++) alice.friends.rotateHome(keyOf(`home ${i}`));
    assert.deepEqual(
      alice.friends.ownHomes().map(({ onionKey }) => onionKey),
      [6, 5, 4, 3].map((i) => keyOf(`home ${i}`)),
    );
    const told = carry(alice, bob, LINK);
    assert.equal(told.length, 7);
    assert.ok(told.every((verdict) => verdict === 'kept'));
    assert.deepEqual(bob.friends.homeOf(alice.id), keyOf('home 6'));
    assert.equal(alice.friends.ownHomes().length, 1);
    assert.deepEqual(keyOfGuest(alice, bob), alice.friends.clientKeys()[0]);
  });

  test('notices that arrive in another order end on the newest', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    befriend(alice, bob);
    alice.friends.rotateHome(keyOf('second'));
    alice.friends.rotateHome(keyOf('third'));
    alice.delivery.waiting(bob.id).reverse();
    assert.deepEqual(carry(alice, bob, LINK), ['kept', 'kept']);
    assert.deepEqual(bob.friends.homeOf(alice.id), keyOf('third'));
    assert.equal(alice.friends.ownHomes().length, 1);
    assert.equal(alice.friends.homeWaiting(), 0);
  });

  test('that was one before lets in whom it let in then', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    befriend(alice, bob);
    const first = alice.friends.clientKeys();
    alice.friends.rotateHome(keyOf('second'));
    alice.friends.rotateHome(keyOf('home of alice'));
    assert.deepEqual(
      alice.friends.ownHomes().map(({ onionKey, current }) => [onionKey, current]),
      [
        [keyOf('home of alice'), true],
        [keyOf('second'), false],
      ],
    );
    assert.deepEqual(alice.friends.clientKeys(), first, 'bob may have heard of nothing yet');
    carry(alice, bob, LINK);
    assert.deepEqual(bob.friends.homeOf(alice.id), keyOf('home of alice'));
    assert.equal(alice.friends.ownHomes().length, 1);
    assert.deepEqual(keyOfGuest(alice, bob), first[0]);
  });

  test('the same home told anew keeps its keys and has a newer revision', async () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    befriend(alice, bob);
    const before = alice.friends.ownHomes();
    await alice.clock.advance(DAY);
    alice.friends.rotateHome(keyOf('home of alice'));
    assert.deepEqual(alice.friends.ownHomes(), before);
    assert.deepEqual(carry(alice, bob, LINK), ['kept']);
    assert.equal(alice.friends.homeWaiting(), 0);
    assert.deepEqual(keyOfGuest(alice, bob), before[0]?.clientKeys[0]);
  });

  test('that the node has and the book does not know is told to everybody when it opens', (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'kith-book-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const path = join(directory, 'people.db');
    const delivery = new FakeDelivery('alice');
    const alice = new Person('alice', { path, delivery });
    const bob = new Person('bob');
    befriend(alice, bob);
    alice.database.close();
    const again = new Person('alice', { path, delivery });
    assert.deepEqual(again.friends.list(), alice.friends.list());
    assert.deepEqual(carry(again, bob, LINK), [], 'nothing has changed');
    again.database.close();
    const moved = new Person('alice', { path, delivery, home: keyOf('second') });
    assert.deepEqual(carry(moved, bob, LINK), ['kept']);
    assert.deepEqual(bob.friends.homeOf(alice.id), keyOf('second'));
    moved.database.close();
  });

  test('after a restore of an old backup friends believe the restored node', async () => {
    const delivery = new FakeDelivery('alice');
    const alice = new Person('alice', { delivery });
    const bob = new Person('bob');
    befriend(alice, bob);
    const [row] = alice.database.table('contact').page({ limit: 1 });
    const [home] = alice.database.table('home').page({ limit: 1 });
    await alice.clock.advance(DAY);
    for (let i = 0; i < 3; i++) alice.friends.rotateHome(keyOf(`home ${i}`));
    carry(alice, bob, LINK);
    await alice.clock.advance(DAY);
    const book = new Person('alice', { delivery, clock: alice.clock });
    book.database.table('contact').put(row as NonNullable<typeof row>);
    book.database.table('home').put(home as NonNullable<typeof home>);
    book.friends.restored();
    book.friends.rotateHome(keyOf('home of alice'));
    assert.deepEqual(carry(book, bob, LINK), ['kept']);
    assert.deepEqual(bob.friends.homeOf(alice.id), keyOf('home of alice'));
    assert.deepEqual(keyOfGuest(book, bob), book.friends.clientKeys()[0]);
  });
});
