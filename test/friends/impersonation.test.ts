/** What strangers, ex-friends and thieves of prekeys try with requests, answers and homes. Nothing of it changes the book. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Via } from '../../src/delivery/face.ts';
import { encodeFriendAccept, encodeFriendHome, encodeFriendRequest } from '../../src/wire/friend-content.ts';
import { befriend, carry, DAY, doorOf, guestNamed, hand, keyOf, LINK, Person, type Told } from './people.ts';

const homeNamed = (name: string, revision = 1) => ({
  revision,
  onionKey: keyOf(`home of ${name}`),
  clientSecret: keyOf(`client of ${name}`),
});
const requestOf = (name: string, revision?: number): Uint8Array =>
  encodeFriendRequest({
    introduction: homeNamed(name, revision),
    loginKey: keyOf(`login of ${name}`),
    name,
    note: '',
  });
const acceptOf = (name: string, revision?: number): Uint8Array =>
  encodeFriendAccept({ introduction: homeNamed(name, revision), name });
const homeOf = (name: string, revision?: number): Uint8Array => encodeFriendHome(homeNamed(name, revision));

/** Hands something over and checks that the book says what it said before. */
function changesNothing(
  told: Told,
  from: Person,
  to: Person,
  content: Uint8Array,
  via: Via,
  options: Parameters<typeof hand>[4] = {},
): void {
  const before = [to.friends.list(), to.friends.invites(), to.friends.homesToDial(), to.friends.ownHomes()];
  to.told();
  assert.equal(hand(from, to, content, via, options), told);
  assert.deepEqual(
    [to.friends.list(), to.friends.invites(), to.friends.homesToDial(), to.friends.ownHomes()],
    before,
  );
  assert.deepEqual(to.told(), []);
}

describe('a private invite', () => {
  const alice = new Person('alice');
  const [bob, mallory] = [new Person('bob'), new Person('mallory')];
  const invite = alice.friends.openInvite();
  const door = doorOf(invite.onionKey);
  const { once } = bob.friends.readInvite(invite.uri);
  const oneTimePrekeyId = once?.oneTimePrekey.id ?? 0;

  test('token: another one, none, and one at another door do not admit', () => {
    const token = once?.token ?? new Uint8Array();
    assert.equal(alice.friends.mayKnock(invite.onionKey, token), true);
    assert.equal(alice.friends.mayKnock(invite.onionKey, null), false);
    assert.equal(
      alice.friends.mayKnock(
        invite.onionKey,
        token.map((byte) => byte ^ 1),
      ),
      false,
    );
    assert.equal(alice.friends.mayKnock(invite.onionKey, token.subarray(1)), false);
    assert.equal(alice.friends.mayKnock(keyOf('another door'), token), false);
    const open = alice.friends.openInvite({ public: true });
    assert.equal(alice.friends.mayKnock(open.onionKey, token), false, 'a public door wants none');
    assert.equal(alice.friends.mayKnock(open.onionKey, null), true);
  });

  test('a request that uses the one-time prekey of another invite is refused', () => {
    changesNothing('refused', mallory, alice, requestOf('mallory'), door, { oneTimePrekeyId: 99 });
  });

  test('a request with a used token is refused, and once more by the same person is the same request', () => {
    bob.ask(alice, invite.uri);
    assert.deepEqual(carry(bob, alice, door, true), ['kept']);
    const start = alice.of(bob)?.since;
    changesNothing('refused', mallory, alice, requestOf('mallory'), door, { oneTimePrekeyId });
    changesNothing('refused', mallory, alice, requestOf('mallory'), door, { oneTimePrekeyId: null });
    assert.deepEqual(carry(bob, alice, door), ['kept']);
    assert.equal(alice.of(bob)?.since, start);
    assert.equal(alice.friends.invites().find(({ id }) => id === invite.id)?.used, 1);
    assert.equal(alice.friends.list().length, 1);
  });

  test('a request in a second session, where the first was not known, is taken; the prekey is erased all the same', () => {
    const spare = alice.friends.openInvite();
    const told = hand(mallory, alice, requestOf('mallory'), doorOf(spare.onionKey), {
      oneTimePrekeyId: null,
    });
    assert.equal(told, 'kept');
    assert.equal(alice.delivery.oneTime.size, 0);
    alice.friends.deny(mallory.id);
    alice.friends.closeInvite(spare.id);
  });

  test('a used one closes after a day, a door that is closed admits nobody', async () => {
    await alice.clock.advance(DAY);
    assert.equal(alice.friends.mayKnock(invite.onionKey, once?.token ?? null), false);
    changesNothing('refused', bob, alice, requestOf('bob'), door, { oneTimePrekeyId });
    alice.friends.expire(alice.clock.now());
    assert.equal(
      alice.friends.invites().some(({ id }) => id === invite.id),
      false,
    );
    assert.equal(alice.delivery.oneTime.has(oneTimePrekeyId), false);
  });
});

describe('friends', () => {
  test('a request of a friend at a door is refused, over the link ignored', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    befriend(alice, bob);
    const door = doorOf(alice.friends.openInvite({ public: true }).onionKey);
    changesNothing('refused', bob, alice, requestOf('thief', 2 ** 32 - 1), door);
    changesNothing('kept', bob, alice, requestOf('thief', 2 ** 32 - 1), LINK);
  });

  test('an acceptance at a door is refused: a thief of our prekeys could have written it', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    alice.ask(bob, bob.friends.openInvite().uri);
    const door = doorOf(alice.friends.openInvite({ public: true }).onionKey);
    changesNothing('refused', bob, alice, acceptOf('thief'), door);
    assert.equal(hand(bob, alice, acceptOf('bob'), LINK), 'kept');
    changesNothing('refused', bob, alice, acceptOf('thief', 2 ** 32 - 1), door, { proven: true });
  });

  test('an acceptance that nobody asked for is refused', () => {
    const [alice, bob, carol] = [new Person('alice'), new Person('bob'), new Person('carol')];
    changesNothing('refused', bob, alice, acceptOf('bob'), LINK);
    const invite = alice.friends.openInvite();
    carol.ask(alice, invite.uri);
    carry(carol, alice, doorOf(invite.onionKey));
    changesNothing('refused', carol, alice, acceptOf('carol'), LINK);
  });

  test('an ex-friend is refused: homes, acceptances and requests over a link that is still open', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    befriend(alice, bob);
    alice.friends.remove(bob.id);
    for (const content of [homeOf('bob', 9), acceptOf('bob', 9), requestOf('bob', 9)]) {
      changesNothing('refused', bob, alice, content, LINK);
    }
  });

  test('a home of a friend is taken from the link alone, and only a newer one', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    befriend(alice, bob);
    const door = doorOf(alice.friends.openInvite({ public: true }).onionKey);
    changesNothing('busy', bob, alice, homeOf('thief', 2 ** 32 - 1), door);
    assert.equal(hand(bob, alice, homeOf('bob', 10), LINK), 'kept');
    changesNothing('kept', bob, alice, homeOf('old', 9), LINK);
    assert.equal(hand(bob, alice, homeOf('new', 2 ** 32 - 1), LINK), 'kept');
    assert.deepEqual(alice.friends.homeOf(bob.id), keyOf('home of new'));
  });

  test('nobody lives in our own home', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    befriend(alice, bob);
    changesNothing('refused', bob, alice, homeOf('alice', 2 ** 32 - 1), LINK);
    const invite = bob.friends.openInvite({ public: true });
    changesNothing('refused', new Person('carol'), bob, requestOf('bob'), doorOf(invite.onionKey));
  });

  test("a friend who says to live where another friend lives takes nobody's place", () => {
    const [alice, bob, mallory] = [new Person('alice'), new Person('bob'), new Person('mallory')];
    befriend(alice, bob);
    befriend(alice, mallory);
    assert.deepEqual(alice.friends.contactOfHome(keyOf('home of bob')), bob.id);
    hand(mallory, alice, homeOf('bob', 2 ** 32 - 1), LINK);
    assert.deepEqual(alice.friends.contactOfHome(keyOf('home of bob')), bob.id);
    assert.deepEqual(alice.friends.homeOf(bob.id), keyOf('home of bob'));
    assert.equal(alice.friends.contactOfHome(keyOf('home of nobody')), null);
  });

  test('a home that only a thief of our prekeys can have told gives way to the proven one, never the other way', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    alice.ask(bob, bob.friends.openInvite().uri);
    // a thief knocks in bob's name, and is taken for a request that crossed ours
    const invite = alice.friends.openInvite({ public: true });
    assert.equal(hand(bob, alice, requestOf('thief', 2 ** 32 - 1), doorOf(invite.onionKey)), 'kept');
    assert.deepEqual(alice.friends.homeOf(bob.id), keyOf('home of thief'));
    assert.equal(hand(bob, alice, acceptOf('bob', 7), LINK, { proven: true }), 'kept');
    assert.deepEqual(alice.friends.homeOf(bob.id), keyOf('home of bob'));
    changesNothing('refused', bob, alice, homeOf('thief', 2 ** 32 - 1), LINK, { proven: false });
    // once only the pair key opens a link, what comes over it is theirs, also in a new session
    alice.friends.pairKeyUsed(bob.id);
    assert.equal(hand(bob, alice, homeOf('moved', 8), LINK, { proven: false }), 'kept');
    assert.deepEqual(alice.friends.homeOf(bob.id), keyOf('home of moved'));
  });

  test('bytes that are no request, acceptance or home are refused', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const door = doorOf(alice.friends.openInvite({ public: true }).onionKey);
    for (const content of [requestOf('bob').subarray(1, 60), Uint8Array.of(0x31), Uint8Array.of(0x32, 1)]) {
      const kinds = [0x30, 0x31, 0x32];
      for (const kind of kinds) {
        changesNothing('refused', bob, alice, Uint8Array.of(kind, ...content.subarray(1)), door);
      }
    }
  });
});

describe('a flood', () => {
  test('of a public door drops the oldest who ask, leaves friends and private requests, and has an end', async () => {
    const alice = new Person('alice');
    const friend = new Person('friend');
    befriend(alice, friend);
    const secret = alice.friends.openInvite();
    const carol = new Person('carol');
    carol.ask(alice, secret.uri);
    carry(carol, alice, doorOf(secret.onionKey));
    const door = doorOf(alice.friends.openInvite({ public: true }).onionKey);
    const crowd = Array.from({ length: 53 }, (_, i) => guestNamed(`stranger ${i}`));
    for (const [i, stranger] of crowd.entries()) {
      assert.equal(hand(stranger, alice, requestOf(`stranger ${i}`), door), 'kept');
      await alice.clock.advance(1000);
    }
    assert.equal(alice.friends.list('asking').length, 51);
    assert.deepEqual(
      crowd.map(({ id }) => alice.friends.get(id) === null),
      crowd.map((_, i) => i < 3),
    );
    assert.equal(alice.of(carol)?.state, 'asking');
    assert.equal(alice.of(friend)?.state, 'friend');
    assert.equal(alice.delivery.forgotten.length, 3);
    const names = new Set(alice.friends.list().map(({ name }) => name.toLowerCase()));
    assert.equal(names.size, 52);
  });

  test('of private requests ends at a hundred: the next ones are told to come later', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const take = (name: string): Told => {
      const { id, onionKey, uri } = alice.friends.openInvite();
      const oneTimePrekeyId = bob.friends.readInvite(uri).once?.oneTimePrekey.id ?? 0;
      const told = hand(guestNamed(name), alice, requestOf(name), doorOf(onionKey), { oneTimePrekeyId });
      alice.friends.closeInvite(id);
      return told;
    };
    for (let i = 0; i < 100; i++) assert.equal(take(`guest ${i}`), 'kept');
    assert.equal(take('one more'), 'busy');
    const open = alice.friends.openInvite({ public: true });
    assert.equal(hand(guestNamed('stranger'), alice, requestOf('stranger'), doorOf(open.onionKey)), 'busy');
    alice.friends.deny(alice.friends.find('guest 7').id);
    assert.equal(take('one more'), 'kept');
  });

  test('a home that comes before its request waits for it', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const invite = alice.friends.openInvite({ public: true });
    const door = doorOf(invite.onionKey);
    changesNothing('busy', bob, alice, homeOf('bob', 9), door);
    hand(bob, alice, requestOf('bob'), door);
    assert.equal(hand(bob, alice, homeOf('moved', 9), door), 'kept');
    alice.friends.accept(bob.id, { myName: 'alice' });
    assert.deepEqual(alice.friends.homeOf(bob.id), keyOf('home of moved'));
    alice.friends.remove(bob.id);
    alice.ask(bob, bob.friends.openInvite().uri);
    changesNothing('busy', bob, alice, homeOf('bob', 10), LINK);
  });
});
