/** A failure before or after any statement: the book is as it was or as it should be, and its memory is as the file. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Friends } from '../../src/friends/friends.ts';
import { carry, DAY, doorOf, hand, keyOf, LINK, Person } from './people.ts';
import { encodeFriendHome } from '../../src/wire/friend-content.ts';

class Fault extends Error {}

/** All that a book says. */
function saidBy(friends: Friends): unknown[] {
  return [
    friends.list(),
    friends.invites(),
    friends.doors(),
    friends.ownHomes(),
    friends.homesToDial(),
    friends.homeRotationDue,
    friends.homeWaiting(),
    friends.nextExpiry(),
    friends.list().map(({ id }) => [friends.loginKeys(id), friends.doorOf(id)]),
  ];
}

interface Scene {
  readonly alice: Person;
  readonly bob: Person;
  readonly door: Uint8Array;
}

function sceneWith(onStep: (step: string) => void): Scene {
  const [alice, bob] = [new Person('alice', { onStep }), new Person('bob')];
  const { uri, onionKey } = alice.friends.openInvite();
  bob.ask(alice, uri);
  carry(bob, alice, doorOf(onionKey));
  return { alice, bob, door: onionKey };
}

const MOVED = encodeFriendHome({ revision: 2 ** 32 - 1, onionKey: keyOf('moved'), clientSecret: keyOf('x') });
const accepted = ({ alice, bob }: Scene): void => void alice.friends.accept(bob.id, { myName: 'alice' });
const never = (): void => {};

const actions: [name: string, before: (scene: Scene) => void, act: (scene: Scene) => void][] = [
  ['accept', never, accepted],
  ['deny', never, ({ alice, bob }) => alice.friends.deny(bob.id)],
  ['block', accepted, ({ alice, bob }) => void alice.friends.block(bob.id)],
  ['remove', accepted, ({ alice, bob }) => alice.friends.remove(bob.id)],
  ['rotate home', accepted, ({ alice }) => alice.move(keyOf('second'))],
  [
    'close an invite',
    never,
    ({ alice, door }) => alice.friends.closeInvite(Buffer.from(door).toString('hex')),
  ],
  ['use a pair key', accepted, ({ alice, bob }) => alice.friends.pairKeyUsed(bob.id)],
  ['a friend moves', accepted, ({ alice, bob }) => void hand(bob, alice, MOVED, LINK)],
  ['expire', never, ({ alice }) => alice.friends.expire(alice.clock.now() + 20 * DAY)],
  ['keep', accepted, ({ alice, bob }) => void carry(alice, bob, LINK)],
];

for (const [name, before, act] of actions) {
  test(`${name}: whole or not at all`, () => {
    let steps = 0;
    const end = () => {
      for (let at = 1; ; at++) {
        let left = Number.POSITIVE_INFINITY;
        let last = '';
        const scene = sceneWith((step) => {
          last = step;
          if (--left === 0) throw new Fault(step);
        });
        before(scene);
        const { alice } = scene;
        const was = saidBy(alice.friends);
        left = at;
        try {
          act(scene);
        } catch (error) {
          assert.ok(error instanceof Fault, String(error));
        }
        const isThrough = left > 0;
        left = Number.POSITIVE_INFINITY;
        assert.deepEqual(saidBy(alice.friends), saidBy(alice.book()), `memory after ${last}`);
        if (isThrough) {
          assert.notDeepEqual(saidBy(alice.friends), was);
          return;
        }
        steps++;
        if (!last.includes('commit')) assert.deepEqual(saidBy(alice.friends), was, `undone at ${last}`);
      }
    };
    end();
    assert.ok(steps >= 4, `${steps} steps`);
  });
}
