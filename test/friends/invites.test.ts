/** Own invites: how many, for how long, and what is undone when a transaction is. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FriendsError, type FriendsErrorCode } from '../../src/friends/errors.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { carry, DAY, doorOf, keyOf, Person } from './people.ts';

function refuses(code: FriendsErrorCode, work: () => unknown): void {
  assert.throws(work, (error) => error instanceof FriendsError && error.code === code && error.hint !== '');
}

describe('invites', () => {
  test('hold what the text says, and their doors the key of the onion', () => {
    const entryPoints = [keyOf('a'), keyOf('a'), keyOf('b'), keyOf('c'), keyOf('d')];
    const alice = new Person('alice', { entryPoints });
    const bob = new Person('bob');
    const invite = alice.friends.openInvite({ ttlMs: 3 * DAY });
    const decoded = bob.friends.readInvite(invite.uri);
    assert.deepEqual(decoded.fingerprint, alice.id);
    assert.deepEqual(decoded.onionKey, invite.onionKey);
    assert.deepEqual(decoded.entryPoints, [keyOf('a'), keyOf('b'), keyOf('c')]);
    assert.equal(decoded.expiry * 1000, invite.expiresAt);
    assert.equal(invite.expiresAt, alice.clock.now() + 3 * DAY);
    assert.deepEqual([...alice.delivery.oneTime], [decoded.once?.oneTimePrekey.id]);
    const [door] = alice.friends.doors();
    assert.deepEqual(nodeProvider.ed25519.publicKey(door?.seed ?? new Uint8Array(32)), invite.onionKey);
    assert.deepEqual(door?.token, decoded.once?.token);
    const open = alice.friends.openInvite({ public: true });
    assert.equal(bob.friends.readInvite(open.uri).once, null);
    assert.deepEqual([open.public, alice.friends.doors()[1]?.token], [true, null]);
    assert.match(open.id, /^[0-9a-f]{16}$/);
  });

  test('are at most four; one that was used gives way', () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const [first] = [1, 2, 3, 4].map((number) => alice.friends.openInvite({ public: number > 2 }));
    refuses('INVITES_FULL', () => alice.friends.openInvite());
    assert.equal(alice.delivery.oneTime.size, 2, 'no prekey is left of what was refused');
    bob.ask(alice, first?.uri ?? '');
    carry(bob, alice, doorOf(first?.onionKey ?? new Uint8Array()));
    alice.friends.openInvite();
    assert.equal(alice.friends.invites().length, 4);
    assert.equal(
      alice.friends.invites().some(({ id }) => id === first?.id),
      false,
    );
  });

  test('close by id, a beginning of it or their text; what is closed is gone with its prekey', () => {
    const alice = new Person('alice');
    for (const nameOf of [
      ({ id }: { id: string }) => id,
      ({ id }: { id: string }) => id.slice(0, 8).toUpperCase(),
      ({ uri }: { uri: string }) => uri,
    ]) {
      const invite = alice.friends.openInvite();
      alice.told();
      alice.friends.closeInvite(nameOf(invite));
      assert.deepEqual(alice.told(), ['invite-closed']);
      refuses('INVITE_UNKNOWN', () => alice.friends.closeInvite(invite.id));
    }
    alice.friends.openInvite();
    refuses('INVITE_UNKNOWN', () => alice.friends.closeInvite(''));
    alice.friends.restored();
    assert.deepEqual([alice.friends.doors(), alice.delivery.oneTime.size], [[], 0]);
  });

  test('live as long as their kind may', async () => {
    const alice = new Person('alice');
    refuses('INVITE_LIFE', () => alice.friends.openInvite({ ttlMs: 31 * DAY }));
    refuses('INVITE_LIFE', () => alice.friends.openInvite({ ttlMs: 366 * DAY, public: true }));
    refuses('INVITE_LIFE', () => alice.friends.openInvite({ ttlMs: 1000 }));
    refuses('INVITE_LIFE', () => alice.friends.openInvite({ ttlMs: Number.NaN }));
    refuses('NOTE_BAD', () => alice.friends.openInvite({ note: 'é'.repeat(251) }));
    alice.friends.openInvite();
    const open = alice.friends.openInvite({ public: true, ttlMs: 365 * DAY });
    assert.equal(alice.friends.nextExpiry(), alice.clock.now() + 7 * DAY);
    await alice.clock.advance(7 * DAY);
    alice.friends.expire(alice.clock.now());
    assert.deepEqual(
      alice.friends.invites().map(({ id }) => id),
      [open.id],
    );
  });
});

test('what is undone leaves no trace: in the book, in its memory, in what is told', () => {
  const [alice, bob] = [new Person('alice'), new Person('bob')];
  const invite = alice.friends.openInvite();
  bob.ask(alice, invite.uri);
  carry(bob, alice, doorOf(invite.onionKey));
  const before = [alice.friends.list(), alice.friends.invites(), alice.friends.ownHomes()];
  alice.told();
  const boom = new Error('boom');
  assert.throws(
    () =>
      alice.database.transaction(() => {
        alice.friends.accept(bob.id, { myName: 'alice' });
        alice.friends.openInvite();
        alice.friends.closeInvite(invite.id);
        alice.friends.rotateHome(keyOf('second'));
        assert.equal(alice.of(bob)?.state, 'friend');
        throw boom;
      }),
    boom,
  );
  assert.deepEqual([alice.friends.list(), alice.friends.invites(), alice.friends.ownHomes()], before);
  assert.deepEqual(alice.told(), []);
  assert.equal(
    alice.friends.doors()[0]?.seed.some((byte) => byte !== 0),
    true,
    'its seed was not erased',
  );
  alice.friends.accept(bob.id, { myName: 'alice' });
  assert.deepEqual(alice.told().sort(), ['contact', 'homes-to-dial', 'own-homes']);
});

test('a home has room for 128, asked and friends together', () => {
  const alice = new Person('alice');
  const first = new Person('first');
  const uri = first.friends.openInvite().uri;
  const asking = new Person('asking');
  const door = alice.friends.openInvite();
  asking.ask(alice, door.uri);
  carry(asking, alice, doorOf(door.onionKey));
  alice.database.transaction(() => {
    for (let i = 0; i < 128; i++) {
      const other = keyOf(`door ${i}`);
      const fingerprint = new Uint8Array(48).fill(i);
      const invite = { onionKey: other, fingerprint, expiry: 2 ** 32 - 1, once: null, entryPoints: [] };
      alice.friends.request(invite, fingerprint, { myName: 'alice' });
    }
  });
  assert.equal(alice.friends.clientKeys().length, 128);
  refuses('FRIENDS_FULL', () => alice.friends.readInvite(uri));
  refuses('FRIENDS_FULL', () => alice.friends.accept(asking.id, { myName: 'alice' }));
  alice.friends.remove(new Uint8Array(48).fill(7));
  assert.equal(alice.friends.accept(asking.id, { myName: 'alice' }).state, 'friend');
});
