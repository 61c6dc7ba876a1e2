/** From an invite to a friendship and out of it again. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NotNow } from '../../src/delivery/face.ts';
import { FriendsError, type FriendsErrorCode } from '../../src/friends/errors.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { befriend, carry, DAY, doorOf, idOf, keyOf, LINK, Person } from './people.ts';

function refuses(code: FriendsErrorCode, work: () => unknown): void {
  assert.throws(work, (error) => error instanceof FriendsError && error.code === code && error.hint !== '');
}

describe('a request', () => {
  test('becomes a friendship with keys, homes and names on both sides', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const invite = alice.friends.openInvite({ note: 'for bob' });
    assert.deepEqual(alice.told(), ['invite']);
    assert.equal(invite.note, 'for bob');

    const asked = bob.ask(alice, invite.uri, { name: 'Alice', note: 'we met at the lake' });
    assert.equal(asked.state, 'requested');
    assert.equal(asked.arrived, false);
    assert.deepEqual(bob.told().sort(), ['contact', 'own-homes']);
    const door = bob.friends.doorOf(alice.id);
    assert.deepEqual(door?.onionKey, invite.onionKey);
    assert.equal(alice.friends.mayKnock(invite.onionKey, door?.token ?? null), true);
    // the answer can be delivered at once
    assert.equal(bob.friends.clientKeys().length, 1);
    assert.equal(bob.friends.mayLink(alice.id), true);
    assert.equal(alice.friends.mayLink(bob.id), false);

    assert.deepEqual(carry(bob, alice, doorOf(invite.onionKey)), ['kept']);
    assert.equal(bob.of(alice)?.arrived, true);
    const asking = alice.of(bob);
    assert.deepEqual(
      [asking?.state, asking?.name, asking?.theirName, asking?.note],
      ['asking', 'bob', 'bob', 'we met at the lake'],
    );
    assert.deepEqual(alice.friends.loginKeys(bob.id), [], 'who was not accepted cannot link');
    assert.deepEqual(alice.friends.homesToDial(), []);
    assert.equal(alice.friends.invites()[0]?.used, 1);

    alice.told();
    alice.friends.accept(bob.id, { name: 'Bob from the lake', myName: 'alice' });
    assert.deepEqual(alice.told().sort(), ['contact', 'homes-to-dial', 'own-homes']);
    const [login] = alice.friends.loginKeys(bob.id);
    assert.deepEqual(bob.friends.loginKeys(alice.id), [login], 'the login key of the request');
    const [home] = alice.friends.homesToDial();
    assert.deepEqual(home?.onionKey, keyOf('home of bob'));
    const opens = nodeProvider.x25519.keyPair(home?.clientSecret ?? new Uint8Array(32)).publicKey;
    assert.deepEqual(bob.friends.clientKeys(), [opens], 'the key that bob let in is the one he gave');

    assert.deepEqual(carry(alice, bob, LINK), ['kept']);
    assert.equal(bob.of(alice)?.state, 'friend');
    assert.equal(bob.of(alice)?.theirName, 'alice');
    assert.equal(bob.friends.doorOf(alice.id), null);
    assert.deepEqual(bob.friends.homeOf(alice.id), keyOf('home of alice'));
    assert.equal(alice.friends.find('bob FROM the lake').state, 'friend');
  });

  test('login keys: pair keys first, and those of the request only until a pair key was used', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    befriend(alice, bob);
    const [login] = alice.friends.loginKeys(bob.id);
    const pairs = [keyOf('1'), keyOf('2'), keyOf('3'), keyOf('4')];
    alice.delivery.pairs.set(Buffer.from(bob.id).toString('hex'), pairs);
    assert.deepEqual(alice.friends.loginKeys(bob.id), [...pairs.slice(0, 3), login]);
    alice.friends.pairKeyUsed(bob.id);
    assert.deepEqual(alice.friends.loginKeys(bob.id), pairs);
    alice.friends.pairKeyUsed(bob.id);
    assert.deepEqual(alice.friends.loginKeys(idOf('nobody')), []);
  });

  test('both sides at once is one friendship, whichever request gets through', () => {
    for (const through of ['both', 'one', 'crossed'] as const) {
      const [alice, bob] = [new Person('alice'), new Person('bob')];
      const [toAlice, toBob] = [alice.friends.openInvite(), bob.friends.openInvite()];
      alice.ask(bob, toBob.uri, { name: 'bob' });
      bob.ask(alice, toAlice.uri, { name: 'alice' });
      assert.deepEqual(carry(alice, bob, doorOf(toBob.onionKey), through === 'crossed'), ['kept']);
      assert.equal(bob.of(alice)?.state, 'friend');
      if (through !== 'one') carry(bob, alice, doorOf(toAlice.onionKey));
      carry(bob, alice, LINK);
      carry(alice, bob, LINK);
      for (const [own, other] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        assert.equal(own.of(other)?.state, 'friend', through);
        assert.deepEqual(own.friends.homeOf(other.id), keyOf(`home of ${other.name}`));
        assert.deepEqual(own.delivery.waiting(other.id), []);
        assert.equal(own.friends.list().length, 1);
        assert.equal(own.friends.clientKeys().length, 1);
      }
      const shared = alice.friends
        .loginKeys(bob.id)
        .filter((key) => bob.friends.loginKeys(alice.id).some((other) => Buffer.compare(key, other) === 0));
      assert.ok(shared.length > 0, 'they can log in');
    }
  });

  test('both sides at once, where one request was refused, is a friendship by the answer to the other', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const [toAlice, toBob] = [alice.friends.openInvite(), bob.friends.openInvite()];
    bob.ask(alice, toAlice.uri);
    alice.friends.closeInvite(toAlice.id);
    assert.deepEqual(carry(bob, alice, doorOf(toAlice.onionKey)), ['refused']);
    alice.ask(bob, toBob.uri);
    assert.deepEqual(carry(alice, bob, doorOf(toBob.onionKey)), ['kept']);
    assert.deepEqual([bob.of(alice)?.state, bob.of(alice)?.refused], ['friend', false]);
    assert.deepEqual(carry(bob, alice, LINK), ['kept']);
    assert.equal(alice.of(bob)?.state, 'friend');
  });

  test('with the invite of somebody who has asked already accepts', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const toAlice = alice.friends.openInvite();
    const toBob = bob.friends.openInvite();
    bob.ask(alice, toAlice.uri);
    carry(bob, alice, doorOf(toAlice.onionKey));
    assert.equal(alice.ask(bob, toBob.uri, { name: 'Bobby' }).state, 'friend');
    assert.deepEqual(carry(alice, bob, LINK), ['kept']);
    assert.equal(bob.of(alice)?.state, 'friend');
    assert.equal(alice.friends.find('bobby').state, 'friend');
  });

  test('can be made again with another invite, and an answer to the first still counts', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const first = alice.friends.openInvite();
    bob.ask(alice, first.uri, { name: 'alice' });
    carry(bob, alice, doorOf(first.onionKey), true); // the answer is lost
    const second = alice.friends.openInvite();
    bob.ask(alice, second.uri, { note: 'again' });
    assert.deepEqual(bob.friends.doorOf(alice.id)?.onionKey, second.onionKey);
    assert.equal(bob.delivery.waiting(alice.id).length, 1, 'the first goes no more');
    assert.equal(bob.friends.clientKeys().length, 1);
    assert.deepEqual(carry(bob, alice, doorOf(second.onionKey)).at(-1), 'kept');
    assert.equal(alice.of(bob)?.note, 'again');
    alice.friends.accept(bob.id, { myName: 'alice' });
    assert.deepEqual(alice.friends.loginKeys(bob.id), bob.friends.loginKeys(alice.id));
    assert.deepEqual(carry(alice, bob, LINK), ['kept']);
    assert.equal(bob.of(alice)?.state, 'friend');
  });

  test('that was accepted before it was made again still ends in friendship', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const first = alice.friends.openInvite();
    bob.ask(alice, first.uri);
    carry(bob, alice, doorOf(first.onionKey), true);
    alice.friends.accept(bob.id, { myName: 'alice' });
    const second = alice.friends.openInvite();
    bob.ask(alice, second.uri);
    assert.deepEqual(carry(bob, alice, doorOf(second.onionKey)), ['refused'], 'they are friends there');
    assert.deepEqual(alice.friends.loginKeys(bob.id), bob.friends.loginKeys(alice.id));
    assert.deepEqual(carry(alice, bob, LINK), ['kept']);
    assert.deepEqual([bob.of(alice)?.state, bob.of(alice)?.refused], ['friend', false]);
  });

  test('that was withdrawn and made again opens the home with its new key', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const invite = alice.friends.openInvite({ public: true });
    for (let time = 0; time < 2; time++) {
      bob.ask(alice, invite.uri);
      assert.deepEqual(carry(bob, alice, doorOf(invite.onionKey)), ['kept']);
      if (time === 0) bob.friends.remove(alice.id);
    }
    alice.friends.accept(bob.id, { myName: 'alice' });
    const [home] = alice.friends.homesToDial();
    const opens = nodeProvider.x25519.keyPair(home?.clientSecret ?? new Uint8Array(32)).publicKey;
    assert.deepEqual(bob.friends.clientKeys(), [opens]);
    assert.deepEqual(alice.friends.loginKeys(bob.id), bob.friends.loginKeys(alice.id));
  });

  test('ends by itself on both sides, and the key given with it is withdrawn', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const invite = alice.friends.openInvite({ ttlMs: 2 * DAY });
    bob.ask(alice, invite.uri);
    assert.equal(bob.of(alice)?.expiresAt, invite.expiresAt, 'a door that is gone takes no request');
    carry(bob, alice, doorOf(invite.onionKey));
    const start = bob.clock.now();
    const [atAlice, atBob] = [alice.of(bob)?.expiresAt ?? 0, bob.of(alice)?.expiresAt ?? 0];
    assert.equal(atAlice, start + 14 * DAY);
    assert.equal(atBob, start + 16 * DAY, 'who asked outlives who was asked');
    alice.friends.expire(atAlice - 1);
    assert.equal(alice.of(bob)?.state, 'asking');
    alice.friends.expire(atAlice);
    assert.equal(alice.of(bob), null);
    assert.deepEqual(alice.delivery.forgotten, [Buffer.from(bob.id).toString('hex')]);
    assert.equal(bob.friends.nextExpiry(), atBob);
    bob.told();
    bob.friends.expire(atBob);
    assert.equal(bob.of(alice), null);
    assert.deepEqual(bob.friends.clientKeys(), []);
    assert.equal(bob.friends.mayLink(alice.id), false);
    assert.deepEqual(bob.told().sort(), ['contact-removed', 'own-homes']);
    assert.equal(bob.friends.nextExpiry(), null);
  });

  test('is denied without a word, and may come again through another invite', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const invite = alice.friends.openInvite({ public: true });
    bob.ask(alice, invite.uri);
    carry(bob, alice, doorOf(invite.onionKey));
    alice.friends.deny(bob.id);
    assert.equal(alice.of(bob), null);
    assert.deepEqual(alice.delivery.waiting(bob.id), []);
    refuses('WHO_UNKNOWN', () => alice.friends.deny(bob.id));
    bob.ask(alice, invite.uri);
    assert.deepEqual(carry(bob, alice, doorOf(invite.onionKey)), ['kept']);
    assert.equal(alice.of(bob)?.state, 'asking');
  });

  test('that is refused says so, and leaves its door', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const invite = alice.friends.openInvite();
    bob.ask(alice, invite.uri);
    alice.friends.closeInvite(invite.id);
    assert.deepEqual(carry(bob, alice, doorOf(invite.onionKey)), ['refused']);
    assert.equal(bob.of(alice)?.refused, true);
    assert.equal(bob.friends.doorOf(alice.id), null);
    const second = alice.friends.openInvite();
    assert.equal(bob.ask(alice, second.uri).refused, false);
    assert.deepEqual(carry(bob, alice, doorOf(second.onionKey)), ['kept']);
  });

  test('is not made with an invite that leads nowhere, and then nothing has changed', async () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const invite = alice.friends.openInvite({ ttlMs: DAY });
    refuses('INVITE_OWN', () => alice.friends.readInvite(invite.uri));
    refuses('INVITE_MISTYPED', () => bob.friends.readInvite(`${invite.uri}A`));
    refuses('INVITE_MISTYPED', () => bob.friends.readInvite('hello'));
    assert.deepEqual(bob.friends.readInvite(`  ${invite.uri}\n`).onionKey, invite.onionKey);
    refuses('NAME_BAD', () => bob.ask(alice, invite.uri, { name: 'me' }));
    refuses('NOTE_BAD', () => bob.ask(alice, invite.uri, { note: 'x'.repeat(501) }));
    const decoded = bob.friends.readInvite(invite.uri);
    assert.throws(() => bob.friends.request(decoded, idOf('mallory'), { myName: 'bob' }), RangeError);
    await bob.clock.advance(DAY + 1000);
    refuses('INVITE_EXPIRED', () => bob.friends.readInvite(invite.uri));
    assert.deepEqual(bob.friends.list(), []);
    assert.deepEqual(bob.friends.clientKeys(), []);
    assert.deepEqual(bob.told(), []);
  });
});

describe('an end', () => {
  test('unfriending forgets keys, lets nobody in and makes a new home due', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    befriend(alice, bob);
    alice.friends.remove(bob.id);
    assert.deepEqual(alice.told().sort(), [
      'contact-removed',
      'home-rotation-due',
      'homes-to-dial',
      'own-homes',
    ]);
    assert.equal(alice.friends.homeRotationDue, true);
    assert.deepEqual(alice.delivery.forgotten, [Buffer.from(bob.id).toString('hex')]);
    assert.deepEqual(alice.friends.clientKeys(), []);
    assert.deepEqual(alice.friends.loginKeys(bob.id), []);
    assert.deepEqual(alice.friends.linkable(), []);
    alice.friends.rotateHome(keyOf('new home'));
    assert.equal(alice.friends.homeRotationDue, false);
  });

  test('a new friendship after that has a new login key and a new client key', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    befriend(alice, bob);
    const [login, client] = [alice.friends.loginKeys(bob.id), alice.friends.clientKeys()];
    refuses('ALREADY_FRIENDS', () => bob.ask(alice, alice.friends.openInvite().uri));
    alice.friends.remove(bob.id);
    bob.friends.remove(alice.id);
    befriend(alice, bob);
    assert.notDeepEqual(alice.friends.loginKeys(bob.id), login);
    assert.notDeepEqual(alice.friends.clientKeys(), client);
  });

  test('a request that nobody can have seen needs no new home when it is withdrawn', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const invite = alice.friends.openInvite({ public: true });
    bob.ask(alice, invite.uri);
    bob.friends.remove(alice.id);
    assert.equal(bob.friends.homeRotationDue, false);
    bob.ask(alice, invite.uri);
    carry(bob, alice, doorOf(invite.onionKey), true);
    bob.friends.remove(alice.id);
    assert.equal(bob.friends.homeRotationDue, true);
  });

  test('who is blocked is not listened to, until unblocked', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    befriend(alice, bob);
    assert.equal(alice.friends.block(bob.id).state, 'blocked');
    assert.equal(alice.friends.homeRotationDue, true);
    assert.equal(alice.friends.mayLink(bob.id), false);
    assert.deepEqual(alice.friends.clientKeys(), []);
    refuses('NOT_THAT_STATE', () => alice.friends.remove(bob.id));
    refuses('BLOCKED', () => alice.ask(bob, bob.friends.openInvite().uri));
    bob.friends.remove(alice.id);
    const invite = alice.friends.openInvite({ public: true });
    bob.ask(alice, invite.uri);
    assert.deepEqual(carry(bob, alice, doorOf(invite.onionKey)), ['kept'], 'as others hear');
    assert.equal(alice.of(bob)?.state, 'blocked');
    assert.equal(alice.friends.invites()[0]?.used, 0);
    alice.friends.unblock(bob.id);
    assert.equal(alice.of(bob), null);
    refuses('WHO_UNKNOWN', () => alice.friends.unblock(bob.id));
    bob.ask(alice, invite.uri);
    assert.deepEqual(carry(bob, alice, doorOf(invite.onionKey)), ['kept']);
  });
});

test('other contents are admitted from friends, wait for who will be one, and are refused from the rest', () => {
  const [alice, bob, carol] = [new Person('alice'), new Person('bob'), new Person('carol')];
  const arrived = (from: Person) => ({
    contact: from.id,
    content: Uint8Array.of(1),
    proven: false,
    oneTimePrekeyId: null,
    via: LINK,
  });
  const invite = alice.friends.openInvite();
  bob.ask(alice, invite.uri);
  assert.throws(() => bob.friends.admit(arrived(alice)), NotNow);
  carry(bob, alice, doorOf(invite.onionKey));
  assert.throws(() => alice.friends.admit(arrived(bob)), NotNow);
  refuses('REQUEST_REFUSED', () => alice.friends.admit(arrived(carol)));
  alice.friends.accept(bob.id, { myName: 'alice' });
  alice.friends.admit(arrived(bob));
  alice.friends.block(bob.id);
  refuses('REQUEST_REFUSED', () => alice.friends.admit(arrived(bob)));
});

test('safety words that were compared stay compared, also through a rename', () => {
  const [alice, bob] = [new Person('alice'), new Person('bob')];
  befriend(alice, bob);
  assert.equal(alice.friends.isCompared(bob.id), false);
  assert.equal(alice.friends.markCompared(bob.id).compared, true);
  assert.equal(alice.friends.rename(bob.id, 'Robert').compared, true);
  assert.equal(alice.friends.isCompared(bob.id), true);
  assert.equal(alice.friends.isCompared(idOf('nobody')), false);
});
