import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { decodeIdentity, encodeIdentity, KemError } from '../../src/kem/index.ts';
import { utf8 } from '../../src/safety/bytes.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { FastClock, Person, watchedProvider } from './person.ts';
import { until, Wire } from './wire.ts';

const DAY_MS = 24 * 60 * 60_000;

let people: Person[] = [];
let clock: FastClock;

function pair(): [Person, Person] {
  clock = new FastClock();
  const provider = watchedProvider();
  people = [new Person({ clock, provider }), new Person({ clock, provider })];
  return people as [Person, Person];
}

function befriended(): [Person, Person, Wire] {
  const [a, b] = pair();
  a.delivery.meet(b.delivery.bundle(), { fingerprint: b.id });
  b.delivery.meet(a.delivery.bundle(), { fingerprint: a.id });
  return [a, b, new Wire(a, b)];
}

async function talk(a: Person, b: Person, wire: Wire, what: string): Promise<void> {
  a.write(b.id, `a ${what}`);
  b.write(a.id, `b ${what}`);
  wire.connect();
  await until(() => a.delivery.waiting(b.id) + b.delivery.waiting(a.id) === 0, 5_000, what);
}

afterEach(() => {
  for (const person of people) person.end();
  people = [];
});

/** The same identity on another device: what a thief of the identity keys has, or who lost the device's. */
function moveToOtherDevice(person: Person): void {
  const rows = person.database.table('identity');
  const name = utf8('identity');
  const secrets = decodeIdentity(rows.get(name)?.value as Uint8Array);
  const moved = { ...secrets, deviceSecret: systemRandom(32), deviceId: systemRandom(16) };
  rows.put({ name, value: encodeIdentity(moved) });
  for (const table of ['prekeys', 'session', 'said', 'ciphertext', 'peer', 'outbox']) {
    for (const row of person.database.table(table).page({ limit: 1_000 }))
      person.database.table(table).delete(row.name);
  }
  person.restart();
}

test('another device stops delivery until it is confirmed, and nothing of it is applied', async () => {
  const [a, b, wire] = befriended();
  await talk(a, b, wire, 'first');
  wire.disconnect();
  moveToOtherDevice(b);
  b.delivery.meet(a.delivery.bundle(), { fingerprint: a.id });
  wire.tellsCounts = false;
  b.write(a.id, 'b other');
  wire.connect();
  await until(() => a.delivery.trust(b.id) === 'changed');
  assert.equal(a.troubles, 1);
  a.write(b.id, 'a held');
  await until(() => a.delivery.outbox(b.id)[0]?.cause === 'device-changed');
  await until(() => b.delivery.outbox(a.id)[0]?.cause === 'busy-there');
  assert.deepEqual(a.applied(b.id), ['b first']);
  assert.equal(a.delivery.outbox(b.id)[0]?.state, 'saved');
  a.delivery.confirmDevice(b.id);
  assert.equal(a.delivery.trust(b.id), 'unproven');
  assert.deepEqual(a.delivery.pairKeys(b.id), []);
  await until(() => a.delivery.waiting(b.id) + b.delivery.waiting(a.id) === 0);
  assert.deepEqual(a.applied(b.id), ['b first', 'b other']);
  assert.equal(b.applied(a.id).at(-1), 'a held');
});

test('a bundle of another device, handed over on a link, is set aside too', () => {
  const [a, b] = befriended();
  moveToOtherDevice(b);
  assert.equal(a.delivery.learnBundle(b.id, b.delivery.bundle()), 'changed');
  assert.equal(a.delivery.trust(b.id), 'changed');
});

test('of bundles the newest counts, and only of the contact', () => {
  const [a, b] = befriended();
  const old = b.delivery.bundle();
  const hash = a.delivery.bundleHashOf(b.id);
  clock.offset += 8 * DAY_MS;
  const newer = b.delivery.bundle();
  assert.notDeepEqual(newer, old);
  assert.equal(a.delivery.learnBundle(b.id, newer), 'newer');
  assert.equal(a.delivery.learnBundle(b.id, old), 'same');
  assert.notDeepEqual(a.delivery.bundleHashOf(b.id), hash);
  const isWrong = (error: unknown): boolean => error instanceof KemError && error.code === 'WRONG_CONTACT';
  assert.throws(() => a.delivery.learnBundle(b.id, a.delivery.bundle()), isWrong);
});

test('an opening that nobody answered for a month waits for a newer bundle, then goes', async () => {
  const [a, b] = pair();
  a.delivery.meet(b.delivery.bundle(), { fingerprint: b.id });
  b.delivery.meet(a.delivery.bundle(), { fingerprint: a.id });
  a.write(b.id, 'late');
  clock.offset += 31 * DAY_MS;
  const wire = new Wire(a, b);
  wire.tellsCounts = false;
  wire.connect();
  await until(() => a.delivery.outbox(b.id)[0]?.cause === 'no-current-bundle');
  assert.ok(a.troubles > 0);
  wire.tellsCounts = true;
  wire.connect();
  await until(() => a.delivery.waiting(b.id) === 0);
  assert.deepEqual(b.applied(a.id), ['late']);
});

test('housekeeping erases prekeys and replays past their time; a session that is proven stays', async () => {
  const [a, b, wire] = befriended();
  await talk(a, b, wire, 'first');
  wire.disconnect();
  const kept = b.database.table('replay').count();
  assert.ok(kept > 0);
  clock.offset += 50 * DAY_MS;
  b.delivery.housekeep(clock.now());
  assert.equal(b.database.table('prekeys').count(), 1);
  assert.equal(b.database.table('replay').count(), 0);
  await talk(a, b, wire, 'after 50 days');
});

test('whoever is forgotten and comes again is somebody new, and no old opening brings them back', async () => {
  const [a, b] = pair();
  a.delivery.meet(b.delivery.bundle(), { fingerprint: b.id });
  a.write(b.id, 'may I?');
  const wire = new Wire(a, b);
  const via = { kind: 'door', invite: new Uint8Array(32) } as const;
  a.delivery.attach({
    contact: b.id,
    send: async (carried) => {
      wire.sent.push({ ...carried, from: a });
      return b.delivery.receive(carried, { contact: null, via });
    },
  });
  await until(() => a.delivery.waiting(b.id) === 0);
  b.delivery.forget(a.id);
  for (const table of ['peer', 'session', 'skipped', 'heard', 'said', 'outbox', 'ciphertext']) {
    assert.equal(b.database.table(table).count(), 0, table);
  }
  const [opening] = wire.sent;
  assert.ok(opening !== undefined);
  assert.equal(b.delivery.receive(opening, { contact: null, via }), 'unknown-session');
  assert.equal(b.delivery.knows(a.id), false);
});

test('a link carries only what its contact wrote', async () => {
  const [a, b] = befriended();
  const c = new Person({ clock, provider: watchedProvider() });
  people.push(c);
  b.delivery.meet(c.delivery.bundle(), { fingerprint: c.id });
  c.delivery.meet(b.delivery.bundle(), { fingerprint: b.id });
  const wire = new Wire(a, b);
  await talk(a, b, wire, 'first');
  await talk(c, b, new Wire(c, b), 'first');
  const from = { contact: c.id, via: { kind: 'link' } } as const;
  const before = b.applied(c.id);
  for (const carried of wire.sent.filter(({ from }) => from === a)) {
    assert.notEqual(b.delivery.receive(carried, from), 'kept');
  }
  assert.deepEqual(b.applied(c.id), before);
});
