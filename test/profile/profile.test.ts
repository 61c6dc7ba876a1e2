/** Profiles between two friends, over a carrier that loses, repeats and reorders as told. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { ContactId } from '../../src/delivery/face.ts';
import { PROFILE_TABLES, Profile } from '../../src/profile/profile.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { Database } from '../../src/store/database.ts';
import { encodeProfile } from '../../src/wire/profile-content.ts';
import { png } from '../wire/pictures.ts';

interface Item {
  readonly key: Uint8Array;
  readonly content: Uint8Array;
}

class Person {
  readonly id: ContactId = randomBytes(48);
  readonly friends: ContactId[] = [];
  outbox: Item[] = [];
  changed = 0;
  readonly database = Database.open({ path: ':memory:', key: randomBytes(32), tables: PROFILE_TABLES });
  readonly profile = new Profile({
    database: this.database,
    outbox: {
      enqueue: (_contact, item) => void this.outbox.push(item),
      withdraw: (_contact, key) => {
        const before = this.outbox.length;
        this.outbox = this.outbox.filter((item) => !Buffer.from(item.key).equals(key));
        return this.outbox.length < before;
      },
    },
    friends: () => this.friends,
    provider: nodeProvider,
    onChanged: () => this.changed++,
  });

  take(from: Person, content: Uint8Array): void {
    const arrived = {
      contact: from.id,
      content,
      proven: true,
      oneTimePrekeyId: null,
      via: { kind: 'link' } as const,
    };
    this.database.transaction(() => this.profile.apply(arrived));
  }
}

function pair(): [Person, Person] {
  const [alice, bob] = [new Person(), new Person()];
  alice.friends.push(bob.id);
  return [alice, bob];
}

/** A picture of several parts, each another one. */
const largePicture = (): Buffer => Buffer.concat([png(9, 9), randomBytes(40_000)]);

test('friends see name, status and picture, in whatever order the parts come', () => {
  const [alice, bob] = pair();
  const picture = largePicture();
  alice.profile.set({ name: '  Alice ', status: 'at sea', picture });
  const [profile, ...parts] = alice.outbox as [Item, ...Item[]];
  assert.equal(parts.length, 3);
  bob.take(alice, profile.content);
  assert.deepEqual(bob.profile.of(alice.id)?.picture, null);
  for (const { content } of parts.toReversed())
    for (let twice = 0; twice < 2; twice++) bob.take(alice, content);
  const { name, status, picture: seen } = bob.profile.of(alice.id) ?? assert.fail();
  assert.deepEqual([name, status], ['Alice', 'at sea']);
  assert.deepEqual(Buffer.from(seen ?? []), picture);
  assert.equal(bob.database.table('picture_part').count(), 0);
});

test('an older profile that comes late changes nothing, and an unsent one is not sent any more', () => {
  const [alice, bob] = pair();
  alice.profile.set({ name: 'One' });
  const old = alice.outbox[0] ?? assert.fail();
  alice.profile.set({ name: 'Two' });
  assert.equal(alice.outbox.length, 1, 'only the newest waits');
  bob.take(alice, (alice.outbox[0] ?? assert.fail()).content);
  bob.take(alice, old.content);
  assert.equal(bob.profile.of(alice.id)?.name, 'Two');
});

test('a picture stays when only the name changes, and goes when it is taken away', () => {
  const [alice, bob] = pair();
  const everything = (): void => {
    for (const { content } of alice.outbox.splice(0)) bob.take(alice, content);
  };
  alice.profile.set({ picture: png(2, 2) });
  everything();
  alice.profile.set({ name: 'Alice' });
  assert.equal(alice.outbox.length, 1, 'the picture is not sent again');
  everything();
  assert.deepEqual(Buffer.from(bob.profile.of(alice.id)?.picture ?? []), png(2, 2));
  alice.profile.set({ picture: null });
  everything();
  assert.equal(bob.profile.of(alice.id)?.picture, null);
});

test('a picture replaced on its way, one with another hash, and one that is none are never shown', () => {
  const [alice, bob] = pair();
  const [first, second] = [largePicture(), largePicture()];
  alice.profile.set({ picture: first });
  for (const { content } of alice.outbox.splice(0).slice(0, 3)) bob.take(alice, content);
  alice.profile.set({ picture: second });
  for (const { content } of alice.outbox.splice(0)) bob.take(alice, content);
  assert.deepEqual(Buffer.from(bob.profile.of(alice.id)?.picture ?? []), second);

  const forged = encodeProfile({
    revision: 9,
    name: '',
    status: '',
    picture: { sizeBytes: 3, sha256: nodeProvider.sha256(Uint8Array.of(1, 2, 3)) },
  });
  bob.take(alice, forged);
  bob.take(
    alice,
    Buffer.concat([
      Uint8Array.of(0x39),
      nodeProvider.sha256(Uint8Array.of(1, 2, 3)),
      Uint8Array.of(0, 0, 3, 1, 2, 3),
    ]),
  );
  assert.equal(bob.profile.of(alice.id)?.picture, null, 'what is no picture is not kept');
  assert.equal(bob.database.table('picture_part').count(), 0);
});

test('what cannot be shown is refused and nothing is told', () => {
  const [alice] = pair();
  assert.throws(() => alice.profile.set({ name: 'x'.repeat(65) }), { code: 'NAME_UNUSABLE' });
  assert.throws(() => alice.profile.set({ name: 'Al\u202eice' }), { code: 'NAME_UNUSABLE' });
  assert.throws(() => alice.profile.set({ status: 'a\nb' }), { code: 'STATUS_UNUSABLE' });
  assert.throws(() => alice.profile.set({ picture: Buffer.from('GIF89a') }), { code: 'PICTURE_UNUSABLE' });
  assert.throws(() => alice.profile.set({ picture: png(2_000, 1) }), { code: 'PICTURE_UNUSABLE' });
  assert.deepEqual([alice.outbox.length, alice.changed], [0, 0]);
});

test('a new friend is told, one who is gone is forgotten', () => {
  const [alice, bob] = pair();
  alice.profile.tell(bob.id);
  assert.equal(alice.outbox.length, 0, 'nothing to tell yet');
  alice.profile.set({ name: 'Alice', picture: png(2, 2) });
  alice.outbox = [];
  alice.profile.tell(bob.id);
  for (const { content } of alice.outbox) bob.take(alice, content);
  assert.equal(bob.profile.of(alice.id)?.name, 'Alice');
  bob.profile.forget(alice.id);
  assert.equal(bob.profile.of(alice.id), null);
});
