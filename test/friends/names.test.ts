/** Petnames: unique, typed by people, and never chosen by those they name. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FriendsError, type FriendsErrorCode } from '../../src/friends/errors.ts';
import { checkedPetname, ownName, suggestedPetname } from '../../src/friends/names.ts';
import { toHex } from '../../src/safety/bytes.ts';
import { encodeFriendRequest } from '../../src/wire/friend-content.ts';
import { befriend, doorOf, hand, idOf, keyOf, Person } from './people.ts';

function refuses(code: FriendsErrorCode, work: () => unknown): void {
  assert.throws(work, (error) => error instanceof FriendsError && error.code === code && error.hint !== '');
}

const requestOf = (name: string): Uint8Array =>
  encodeFriendRequest({
    introduction: { revision: 1, onionKey: keyOf(name), clientSecret: keyOf(name) },
    loginKey: keyOf(name),
    name,
    note: '',
  });

describe('petnames', () => {
  test('are kept as people mean them', () => {
    assert.equal(checkedPetname('  Ana   María '), 'Ana María');
    assert.equal(checkedPetname('Jose\u0301'), 'José');
    assert.equal(checkedPetname('李小龙'), '李小龙');
    assert.equal(checkedPetname('x'.repeat(64)).length, 64);
  });

  const bad = [
    '',
    '   ',
    'x'.repeat(65),
    'é'.repeat(33),
    'a\nb',
    'a\u0000',
    'a\u202eb',
    'a\u200bb',
    'me',
    'ME',
    '\ud800',
  ];
  for (const name of [...bad, 'deadbeef', '0123456789abcdef']) {
    test(`refused: ${JSON.stringify(name.slice(0, 16))}`, () =>
      refuses('NAME_BAD', () => checkedPetname(name)));
  }

  test('are unique whatever the case; those that the owner did not choose give way', () => {
    const [alice, bob, carol] = [new Person('alice'), new Person('bob'), new Person('carol')];
    befriend(alice, bob);
    befriend(alice, carol);
    refuses('NAME_TAKEN', () => alice.friends.rename(carol.id, 'BOB'));
    refuses('NAME_TAKEN', () => alice.friends.rename(carol.id, 'ｂｏｂ'));
    assert.equal(alice.friends.rename(bob.id, 'Bob').name, 'Bob');
    const door = doorOf(alice.friends.openInvite({ public: true }).onionKey);
    const squatter = new Person('squatter');
    hand(squatter, alice, requestOf('dave'), door);
    assert.equal(alice.of(squatter)?.name, 'dave');
    assert.equal(alice.friends.rename(carol.id, 'Dave').name, 'Dave');
    assert.equal(alice.of(squatter)?.name, 'dave 2');
    assert.equal(alice.friends.accept(squatter.id, { myName: 'alice' }).name, 'dave 2');
    refuses('NAME_TAKEN', () => alice.friends.rename(carol.id, 'dave 2'));
  });

  test('that others suggest are used only where they are plain and look like no other', () => {
    const id = idOf('somebody');
    const made = `contact-${toHex(id.subarray(0, 4))}`;
    const suggest = (name: string, ...others: string[]): string => suggestedPetname(name, id, others);
    assert.equal(suggest('Eve Smith'), 'Eve Smith');
    assert.equal(suggest('bob', 'Bob', 'bob 2'), 'bob 3');
    assert.equal(suggest('Paypai', 'PayPal'), 'Paypai 2');
    assert.equal(suggest('rnax', 'Max'), 'rnax 2');
    assert.equal(suggest('B0B', 'bob'), 'B0B 2');
    assert.equal(suggest('a-n n', 'Ann'), 'a-n n 2');
    for (const name of ['', 'me', 'аlice', 'a\u202eb', 'deadbeef', '-x', 'x'.repeat(33), '\n']) {
      assert.equal(suggest(name), made, JSON.stringify(name));
    }
    assert.equal(suggest('', made), `${made} 2`);
  });

  test('find: petname first, then ids and beginnings of ids', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    befriend(alice, bob);
    const hex = toHex(bob.id);
    for (const who of ['bob', 'Bob', hex, hex.toUpperCase(), hex.slice(0, 8)]) {
      assert.deepEqual(alice.friends.find(who).id, bob.id);
    }
    for (const who of ['', 'me', 'bo', hex.slice(0, 7), `${hex}00`, 'ffffffff', 'carol']) {
      refuses('WHO_UNKNOWN', () => alice.friends.find(who));
    }
    const twins = [1, 2].map((last) => new Uint8Array(48).fill(9).with(47, last));
    const door = alice.friends.openInvite({ public: true }).onionKey;
    for (const contact of twins) {
      alice.database.transaction(() =>
        alice.friends.apply({
          contact,
          content: requestOf(`twin ${contact[47]}`),
          proven: false,
          oneTimePrekeyId: null,
          via: doorOf(door),
        }),
      );
    }
    refuses('WHO_AMBIGUOUS', () => alice.friends.find('09'.repeat(47)));
    assert.deepEqual(alice.friends.find(`${'09'.repeat(47)}02`).id, twins[1]);
  });
});

test('an own name is cut to what fits, at a character', () => {
  assert.equal(ownName('alice'), 'alice');
  assert.equal(ownName('é'.repeat(33)), 'é'.repeat(32));
  assert.equal(ownName('😀'.repeat(17)), '😀'.repeat(16));
});
