/** Who gets what in: contents at doors, contents that nobody vouches for, people who are blocked; and who knows the home. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Arrived, NotNow, type Via } from '../../src/delivery/face.ts';
import { FriendsError } from '../../src/friends/errors.ts';
import { toHex } from '../../src/safety/bytes.ts';
import { CONTENT_KIND } from '../../src/wire/content-kind.ts';
import { encodeFriendHome, encodeFriendRequest } from '../../src/wire/friend-content.ts';
import { befriend, carry, doorOf, guestNamed, hand, keyOf, LINK, Person, type Told } from './people.ts';

const NOTICES = ['request', 'accept', 'home'];
/** All that a conversation or a profile is made of, and what a newer version may say. */
const CONTENTS = [
  ...Object.entries(CONTENT_KIND).filter(([name]) => !NOTICES.includes(name)),
  ['of a newer version', 0xee] as const,
];
const HARMLESS = ['text', 'attachment', 'part'];

/** What becomes of one content from `from`: the names of those that are let in; all others are to come again. */
function letIn(to: Person, from: Person, via: Via, proven: boolean): string[] {
  const isIn = (kind: number): boolean => {
    const content = Uint8Array.of(kind, 1, 2, 3);
    const arrived: Arrived = { contact: from.id, content, proven, oneTimePrekeyId: null, via };
    try {
      to.friends.admit(arrived);
      return true;
    } catch (error) {
      if (error instanceof NotNow) return false;
      throw error;
    }
  };
  return CONTENTS.filter(([, kind]) => isIn(kind)).map(([name]) => name);
}

const ALL = CONTENTS.map(([name]) => name);

describe("a friend's contents", () => {
  test('are taken from a link alone: at a door they are put off, whoever seems to have written them', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    befriend(alice, bob);
    const door = doorOf(alice.friends.openInvite({ public: true }).onionKey);
    assert.deepEqual(letIn(alice, bob, LINK, true), ALL);
    assert.deepEqual(letIn(alice, bob, door, false), []);
    assert.deepEqual(letIn(alice, bob, door, true), []);
  });

  test('that nobody vouches for add to the history and do no more, once there is a pair key', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    befriend(alice, bob);
    assert.deepEqual(letIn(alice, bob, LINK, false), ALL, 'before, there is nothing proven to be spoiled');
    alice.delivery.pairs.set(toHex(bob.id), [keyOf('pair')]);
    assert.deepEqual(letIn(alice, bob, LINK, false), HARMLESS);
    assert.deepEqual(letIn(alice, bob, LINK, true), ALL);
    // a link that only the pair key can open vouches for a session that begins anew
    alice.friends.pairKeyUsed(bob.id);
    assert.deepEqual(letIn(alice, bob, LINK, false), ALL);
  });

  test('of a home at a door wait for the link: it is not lost, and changes nothing', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    befriend(alice, bob);
    const door = doorOf(alice.friends.openInvite({ public: true }).onionKey);
    const before = alice.friends.homesToDial();
    const moved = { revision: 2 ** 32 - 1, onionKey: keyOf('moved'), clientSecret: keyOf('secret') };
    assert.equal(hand(bob, alice, encodeFriendHome(moved), door), 'busy');
    assert.deepEqual(alice.friends.homesToDial(), before);
  });
});

describe('who is blocked', () => {
  const requestOf = (name: string): Uint8Array =>
    encodeFriendRequest({
      introduction: { revision: 1, onionKey: keyOf(`home of ${name}`), clientSecret: keyOf(name) },
      loginKey: keyOf(`login of ${name}`),
      name,
      note: '',
    });

  /** What somebody hears at the doors of alice, who is blocked there or was never heard of. */
  function heard(isBlocked: boolean): unknown[] {
    const [alice, mallory] = [new Person('alice'), new Person('mallory')];
    befriend(alice, mallory);
    mallory.friends.remove(alice.id);
    if (isBlocked) alice.friends.block(mallory.id);
    else alice.friends.remove(mallory.id);
    const open = doorOf(alice.friends.openInvite({ public: true }).onionKey);
    const told: unknown[] = [
      hand(mallory, alice, requestOf('mallory'), open),
      hand(mallory, alice, requestOf('mallory'), open),
      letIn(alice, mallory, open, false),
    ];
    const home = { revision: 2, onionKey: keyOf('elsewhere'), clientSecret: keyOf('secret') };
    told.push(hand(mallory, alice, encodeFriendHome(home), open));
    const secret = alice.friends.openInvite();
    const oneTimePrekeyId = mallory.friends.readInvite(secret.uri).once?.oneTimePrekey.id ?? 0;
    const options = { oneTimePrekeyId };
    const second = guestNamed('mallory again');
    told.push(hand(mallory, alice, requestOf('mallory'), doorOf(secret.onionKey), options));
    told.push(hand(second, alice, requestOf('again'), doorOf(secret.onionKey), options));
    assert.equal(alice.of(mallory)?.state, isBlocked ? 'blocked' : 'asking');
    assert.equal(alice.friends.list('asking').length, isBlocked ? 0 : 1);
    return told;
  }

  test('hears at a door what others hear', () => {
    assert.deepEqual(heard(true), heard(false));
    assert.deepEqual(heard(true), ['kept', 'kept', [], 'kept', 'kept', 'refused']);
  });

  test('displaces nobody, and hears that it is full where it is', () => {
    const [alice, mallory] = [new Person('alice'), new Person('mallory')];
    befriend(alice, mallory);
    alice.friends.block(mallory.id);
    const door = doorOf(alice.friends.openInvite({ public: true }).onionKey);
    for (let i = 0; i < 50; i++) hand(guestNamed(`${i}`), alice, requestOf(`${i}`), door);
    assert.equal(hand(mallory, alice, requestOf('mallory'), door), 'kept');
    assert.equal(alice.friends.list('asking').length, 50);
    alice.told();
    assert.equal(hand(mallory, alice, requestOf('mallory'), door), 'kept');
    const home = { revision: 2, onionKey: keyOf('elsewhere'), clientSecret: keyOf('secret') };
    assert.equal(hand(mallory, alice, encodeFriendHome(home), door), 'kept');
    assert.deepEqual(alice.told(), [], 'and the owner hears of nothing');
    const atPrivateDoor = (name: string, who = guestNamed(name)): Told => {
      const { id, onionKey, uri } = alice.friends.openInvite();
      const oneTimePrekeyId = mallory.friends.readInvite(uri).once?.oneTimePrekey.id ?? 0;
      const told = hand(who, alice, requestOf(name), doorOf(onionKey), { oneTimePrekeyId });
      alice.friends.closeInvite(id);
      return told;
    };
    mallory.friends.remove(alice.id);
    for (let i = 50; i < 100; i++) assert.equal(atPrivateDoor(`${i}`), 'kept');
    assert.equal(atPrivateDoor('somebody else'), 'busy');
    assert.equal(atPrivateDoor('mallory', mallory), 'busy');
  });

  test('is refused over a link that is still open', () => {
    const [alice, mallory] = [new Person('alice'), new Person('mallory')];
    befriend(alice, mallory);
    alice.friends.block(mallory.id);
    assert.equal(hand(mallory, alice, requestOf('mallory'), LINK), 'refused');
    assert.throws(() => letIn(alice, mallory, LINK, true), FriendsError);
  });
});

describe('two who say to live at one onion', () => {
  const at = (name: string, secret: string) =>
    encodeFriendHome({ revision: 2 ** 32 - 1, onionKey: keyOf(name), clientSecret: keyOf(secret) });
  const secretOf = (alice: Person, name: string): string[] =>
    alice.friends
      .homesToDial()
      .filter(({ onionKey }) => toHex(onionKey) === toHex(keyOf(name)))
      .map(({ clientSecret }) => toHex(clientSecret));

  /** alice's friends; each has logged in from home unless told otherwise. */
  function village(order: readonly string[]): { alice: Person; bob: Person; mallory: Person } {
    const [alice, bob, mallory] = [new Person('alice'), new Person('bob'), new Person('mallory')];
    for (const name of order) befriend(alice, name === 'bob' ? bob : mallory);
    return { alice, bob, mallory };
  }

  test('tor gets the key of who has logged in from there, whoever says so first, last or again', () => {
    for (const order of [
      ['bob', 'mallory'],
      ['mallory', 'bob'],
    ]) {
      const { alice, bob, mallory } = village(order);
      alice.friends.cameFrom(bob.id, keyOf('home of bob'));
      alice.friends.cameFrom(mallory.id, keyOf('home of mallory'));
      const before = secretOf(alice, 'home of bob');
      assert.equal(before.length, 1);
      alice.told();
      assert.equal(hand(mallory, alice, at('home of bob', 'junk'), LINK), 'kept');
      assert.deepEqual(secretOf(alice, 'home of bob'), before);
      assert.deepEqual(alice.friends.contactOfHome(keyOf('home of bob')), bob.id);
      assert.deepEqual(alice.friends.homeOf(mallory.id), keyOf('home of bob'), 'she may say so');
    }
  });

  test('who was seen nowhere yet goes before who was seen elsewhere, and a login decides it', () => {
    const { alice, bob, mallory } = village(['mallory', 'bob']);
    alice.friends.cameFrom(mallory.id, keyOf('home of mallory'));
    const before = secretOf(alice, 'home of bob');
    hand(mallory, alice, at('home of bob', 'junk'), LINK);
    assert.deepEqual(secretOf(alice, 'home of bob'), before);
    // both have moved to where neither was seen: the first in the book, until one logs in from there
    alice.friends.cameFrom(bob.id, keyOf('home of bob'));
    hand(mallory, alice, at('second', 'junk'), LINK);
    hand(bob, alice, at('second', 'right'), LINK);
    assert.deepEqual(alice.friends.contactOfHome(keyOf('second')), mallory.id);
    alice.told();
    alice.friends.cameFrom(bob.id, keyOf('second'));
    assert.deepEqual(secretOf(alice, 'second'), [toHex(keyOf('right'))]);
    assert.deepEqual(alice.told().sort(), ['contact', 'homes-to-dial']);
    alice.friends.cameFrom(bob.id, keyOf('second'));
    assert.deepEqual(alice.told(), [], 'the same login again writes nothing');
    assert.deepEqual(secretOf(alice, 'second'), [toHex(keyOf('right'))]);
  });

  test('a login of somebody who may not link is none', () => {
    const { alice, bob } = village(['bob']);
    alice.friends.remove(bob.id);
    alice.friends.cameFrom(bob.id, keyOf('home of bob'));
    assert.equal(alice.of(bob), null);
  });
});

describe('an end', () => {
  test('with a friend who never heard where home is moves nobody', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const invite = alice.friends.openInvite();
    bob.ask(alice, invite.uri);
    carry(bob, alice, doorOf(invite.onionKey));
    alice.friends.accept(bob.id, { myName: 'alice' });
    alice.friends.remove(bob.id);
    assert.equal(alice.friends.homeRotationDue, false);
  });

  test('with one who may have heard it makes a new home due', () => {
    for (const told of ['the answer is on its way', 'the answer has arrived', 'they were linked'] as const) {
      const [alice, bob] = [new Person('alice'), new Person('bob')];
      const invite = alice.friends.openInvite();
      bob.ask(alice, invite.uri);
      carry(bob, alice, doorOf(invite.onionKey));
      alice.friends.accept(bob.id, { myName: 'alice' });
      if (told === 'they were linked') alice.friends.cameFrom(bob.id, keyOf('home of bob'));
      else carry(alice, bob, LINK, told === 'the answer is on its way');
      // told once more, which is not on its way yet
      alice.friends.rotateHome(keyOf('home of alice'));
      alice.friends.remove(bob.id);
      assert.equal(alice.friends.homeRotationDue, true, told);
    }
  });

  test('of a request that was asked twice remembers that the first may have arrived', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const first = bob.friends.openInvite();
    alice.ask(bob, first.uri);
    carry(alice, bob, doorOf(first.onionKey), true);
    alice.ask(bob, bob.friends.openInvite().uri);
    alice.friends.remove(bob.id);
    assert.equal(alice.friends.homeRotationDue, true);
  });

  test('after a restore takes everybody for informed', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    alice.ask(bob, bob.friends.openInvite().uri);
    alice.friends.restored();
    alice.friends.remove(bob.id);
    assert.equal(alice.friends.homeRotationDue, true);
  });
});
