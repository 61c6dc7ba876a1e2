/** What is believed of the counts of ciphertexts, and what a friend can make us do with them. */

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { CountTags } from '../../src/delivery/count-tag.ts';
import { DELIVERY_TABLES } from '../../src/delivery/delivery.ts';
import type { Carried } from '../../src/delivery/face.ts';
import { COUNTS_PER_SECOND } from '../../src/delivery/limits.ts';
import { Streams } from '../../src/delivery/streams.ts';
import { decodeIdentity } from '../../src/kem/index.ts';
import { utf8 } from '../../src/safety/bytes.ts';
import { systemClock } from '../../src/safety/clock.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { Database } from '../../src/store/database.ts';
import { FastClock, Person, watchedProvider } from './person.ts';
import { until, Wire } from './wire.ts';

const HOUR_MS = 60 * 60_000;

let people: Person[] = [];
let clock: FastClock;

function pair(): [Person, Person] {
  clock = new FastClock();
  const provider = watchedProvider();
  people = [new Person({ clock, provider }), new Person({ clock, provider })];
  return people as [Person, Person];
}

async function befriended(): Promise<[Person, Person, Wire]> {
  const [a, b] = pair();
  a.delivery.meet(b.delivery.bundle(), { fingerprint: b.id });
  b.delivery.meet(a.delivery.bundle(), { fingerprint: a.id });
  const wire = new Wire(a, b);
  await talk(a, b, wire, 'first');
  return [a, b, wire];
}

async function talk(a: Person, b: Person, wire: Wire, what: string): Promise<void> {
  for (let i = 0; i < 3; i++) {
    a.write(b.id, `a ${what} ${i}`);
    b.write(a.id, `b ${what} ${i}`);
  }
  wire.connect();
  await until(() => a.delivery.waiting(b.id) + b.delivery.waiting(a.id) === 0, 5_000, what);
}

afterEach(() => {
  for (const person of people) person.end();
  people = [];
});

const tagsOf = (wire: Wire, from: Person): Carried[] =>
  wire.sent.filter((sent) => sent.from === from).toSorted((x, y) => x.count - y.count);

test('a friend who claims to have seen more than was sent changes nothing without evidence', async () => {
  const [a, b, wire] = await befriended();
  wire.disconnect();
  a.write(b.id, 'waits');
  const { sent } = a.delivery.counts(b.id);
  const known = tagsOf(wire, a);
  const rows = ['outbox', 'session', 'said'].map((name) => a.database.table(name).page({ limit: 100 }));
  const claims = [
    new Uint8Array(16),
    systemRandom(16),
    ...known.map(({ tag }) => tag),
    b.delivery.counts(a.id).tag,
  ];
  for (const tag of claims) a.delivery.theySaw(b.id, sent + 1, tag);
  // the right tags of what was sent are no news
  for (const { count, tag } of known) a.delivery.theySaw(b.id, count, tag);
  assert.equal(a.rollbacks, 0);
  assert.deepEqual(
    ['outbox', 'session', 'said'].map((name) => a.database.table(name).page({ limit: 100 })),
    rows,
  );
});

test('the tag of the highest count comes back, and shows an old copy that it is one', async () => {
  const [a, b, wire] = await befriended();
  const goBack = a.snapshot();
  await talk(a, b, wire, 'gone');
  const { seen, tag } = b.delivery.counts(a.id);
  assert.deepEqual(tag, tagsOf(wire, a).find(({ count }) => count === seen)?.tag);
  wire.disconnect();
  goBack();
  a.delivery.theySaw(b.id, seen, tag);
  assert.equal(a.rollbacks, 1);
  assert.equal(a.delivery.counts(b.id).sent >= seen, true);
});

test('a friend with many tags makes an old copy begin anew once an hour and no oftener', async () => {
  const [a, b, wire] = await befriended();
  wire.disconnect();
  const identity = a.database.table('identity').get(utf8('identity'))?.value as Uint8Array;
  const tags = new CountTags(nodeProvider, decodeIdentity(identity).edSeed);
  /** What a copy that has counted on would have given to b. */
  const tell = (): void => {
    const count = a.delivery.counts(b.id).sent + 1;
    a.delivery.theySaw(b.id, count, tags.of(b.id, count));
  };
  tell();
  tell();
  assert.equal(a.rollbacks, 1);
  clock.offset += HOUR_MS;
  tell();
  assert.equal(a.rollbacks, 2);
});

test('the tags of before have no effect on who was removed and is a friend again', async () => {
  const [a, b, wire] = await befriended();
  wire.disconnect();
  const old = tagsOf(wire, a);
  a.delivery.forget(b.id);
  b.delivery.forget(a.id);
  clock.offset += HOUR_MS;
  a.delivery.meet(b.delivery.bundle(), { fingerprint: b.id });
  b.delivery.meet(a.delivery.bundle(), { fingerprint: a.id });
  for (const { count, tag } of old) a.delivery.theySaw(b.id, count, tag);
  assert.equal(a.rollbacks, 0);
  await talk(a, b, new Wire(a, b), 'again');
  assert.equal(a.rollbacks, 0);
});

test('nor on who has restored a backup, and no other after a roll-back', async () => {
  const [a, b, wire] = await befriended();
  const [restore, goBack] = [a.backup(), a.snapshot()];
  await talk(a, b, wire, 'gone');
  wire.disconnect();
  const old = tagsOf(wire, a);
  const last = old.at(-1) as Carried;
  const first = old.find(({ count }) => count > last.count - 3) as Carried;
  goBack();
  // also where the clock does not help
  clock.offset -= 3 * HOUR_MS;
  for (const { count, tag } of [first, last]) {
    a.delivery.theySaw(b.id, count, tag);
    clock.offset += HOUR_MS;
  }
  assert.equal(a.rollbacks, 1);
  clock.offset += 3 * HOUR_MS;
  restore();
  a.delivery.theySaw(b.id, last.count, last.tag);
  assert.equal(a.rollbacks, 1);
});

test('a copy from before the first ciphertext finds that it is an old one', async () => {
  const [a, b] = pair();
  a.delivery.meet(b.delivery.bundle(), { fingerprint: b.id });
  const goBack = a.snapshot();
  b.delivery.meet(a.delivery.bundle(), { fingerprint: a.id });
  await talk(a, b, new Wire(a, b), 'gone');
  const { seen, tag } = b.delivery.counts(a.id);
  goBack();
  clock.offset += HOUR_MS;
  a.delivery.theySaw(b.id, seen, tag);
  assert.equal(a.rollbacks, 1);
});

test('a count that comes to a door from whoever has our prekeys is not believed', async () => {
  const [a, b] = pair();
  a.delivery.meet(b.delivery.bundle(), { fingerprint: b.id });
  a.write(b.id, 'may I?');
  const via = { kind: 'door', invite: new Uint8Array(32) } as const;
  const detach = a.delivery.attach({
    contact: b.id,
    send: async (carried) => b.delivery.receive({ ...carried, count: 2 ** 40 }, { contact: null, via }),
  });
  await until(() => a.delivery.waiting(b.id) === 0);
  detach();
  assert.equal(b.delivery.counts(a.id).seen, 0);
  const wire = new Wire(a, b);
  await talk(a, b, wire, 'then');
  assert.equal(
    b.delivery.counts(a.id).seen,
    a.delivery.counts(b.id).sent,
    'the roll-back detection is not off',
  );
});

test('with a pair key in hand, what an unproven session says of the count on a provisional link is not believed', async () => {
  const [a, b, wire] = await befriended();
  wire.disconnect();
  // so that there is nothing yet that only a could have told
  b.database.table('heard').delete(a.id);
  b.restart();
  assert.ok(b.delivery.pairKeys(a.id).length > 0);
  for (const [isFirm, expected] of [
    [false, 0],
    [true, 2 ** 30],
  ] as const) {
    a.delivery.renew(b.id);
    a.write(b.id, `forged ${isFirm}`);
    const detach = a.delivery.attach({
      contact: b.id,
      send: async (carried) =>
        b.delivery.receive({ ...carried, count: 2 ** 30 }, { contact: a.id, via: { kind: 'link' }, isFirm }),
    });
    await until(() => a.delivery.waiting(b.id) === 0);
    detach();
    assert.equal(b.delivery.counts(a.id).seen, expected);
  }
});

test('an old copy goes on above all that another copy can have counted by now', () => {
  const database = Database.open({ path: ':memory:', key: systemRandom(32), tables: [...DELIVERY_TABLES] });
  let now = Date.UTC(2026, 10, 21);
  const streams = new Streams(database, systemRandom, { now: () => now });
  const contact = new Uint8Array(48);
  streams.prepare(contact);
  const { sent } = streams.counts(contact);
  now += 24 * HOUR_MS;
  assert.equal(streams.counts(contact).sent, sent, 'the clock alone changes nothing');
  streams.begin(contact, sent + 5);
  assert.equal(streams.counts(contact).sent, sent + 24 * 60 * 60 * COUNTS_PER_SECOND);
  database.close();
});

test('a count that only the contact can have told takes the place of one that others may have, lower or not', () => {
  const database = Database.open({ path: ':memory:', key: systemRandom(32), tables: [...DELIVERY_TABLES] });
  const streams = new Streams(database, systemRandom, systemClock);
  const contact = new Uint8Array(48);
  const told = (seen: number, isFirm: boolean) => ({ seen, isFirm, tag: new Uint8Array(16).fill(seen) });
  const seenAfter = (...given: Parameters<typeof told>): number => {
    streams.received(contact, null, told(...given));
    return streams.counts(contact).seen;
  };
  assert.equal(seenAfter(200, false), 200);
  assert.equal(seenAfter(100, false), 200);
  assert.equal(seenAfter(7, true), 7);
  assert.equal(seenAfter(250, false), 7);
  assert.equal(seenAfter(6, true), 7);
  assert.equal(seenAfter(8, true), 8);
  assert.equal(seenAfter(2 ** 41, true), 8, 'nobody sends so many');
  assert.deepEqual(streams.counts(contact).tag, new Uint8Array(16).fill(8));
  database.close();
});
