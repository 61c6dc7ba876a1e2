/** What a contact can make us do, and how much of it; and what goes over a way whose end may be somebody else. */

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { Carried, Route, Verdict } from '../../src/delivery/face.ts';
import { MAX_REPLAYS, MAX_STRANGER_REPLAYS, OPENINGS_BURST } from '../../src/delivery/limits.ts';
import { decodeBundle } from '../../src/kem/bundle.ts';
import { decodeIdentity, encodeIdentity, KemError } from '../../src/kem/index.ts';
import { utf8 } from '../../src/safety/bytes.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { FieldReader } from '../../src/wire/fields.ts';
import { FastClock, Person, watchedProvider } from './person.ts';
import { until, Wire } from './wire.ts';

let people: Person[] = [];
let clock: FastClock;

function pair(): [Person, Person] {
  clock = new FastClock();
  const provider = watchedProvider();
  people = [new Person({ clock, provider }), new Person({ clock, provider })];
  const [a, b] = people as [Person, Person];
  a.delivery.meet(b.delivery.bundle(), { fingerprint: b.id });
  b.delivery.meet(a.delivery.bundle(), { fingerprint: a.id });
  return [a, b];
}

async function talk(a: Person, b: Person, wire: Wire, what: string): Promise<void> {
  a.write(b.id, `a ${what}`);
  b.write(a.id, `b ${what}`);
  wire.connect();
  await until(() => a.delivery.waiting(b.id) + b.delivery.waiting(a.id) === 0, 5_000, what);
  // replies too
  const isQuiet = (person: Person): boolean => person.database.table('ciphertext').count() === 0;
  await until(() => isQuiet(a) && isQuiet(b), 5_000, 'quiet');
}

afterEach(() => {
  for (const person of people) person.end();
  people = [];
});

/** New openings of a to b, each with a content, that nobody has seen yet. */
async function openings(a: Person, b: Person, count: number): Promise<Carried[]> {
  const made: Carried[] = [];
  a.write(b.id, 'again and again');
  for (let i = 0; i < count; i++) {
    a.delivery.renew(b.id);
    let sent: Carried | undefined;
    const detach = a.delivery.attach({
      contact: b.id,
      send: (carried) => {
        sent ??= carried;
        return new Promise(() => {});
      },
    });
    // one after the other
    // oxlint-disable-next-line no-await-in-loop
    await until(() => sent !== undefined);
    detach();
    assert.equal(sent?.form, 'opening');
    made.push(sent);
  }
  return made;
}

const LINK = { kind: 'link' } as const;

test('a friend who floods with openings over a link hears busy before any cryptography, until time has passed', async () => {
  const [a, b] = pair();
  const made = await openings(a, b, OPENINGS_BURST + 3);
  const real = clock.monotonic.bind(clock);
  const stopped = real();
  clock.monotonic = () => stopped;
  const from = { contact: a.id, via: LINK };
  const verdicts = made.map((carried) => b.delivery.receive(carried, from));
  assert.equal(verdicts.filter((verdict) => verdict === 'busy').length, 3);
  assert.deepEqual(verdicts.slice(0, OPENINGS_BURST).includes('busy'), false);
  assert.equal(b.database.table('replay').count(), OPENINGS_BURST);
  const nonsense = { ...(made[0] as Carried), bytes: new Uint8Array(16_256) };
  assert.equal(b.delivery.receive(nonsense, from), 'busy', 'it is not looked at');
  clock.monotonic = () => stopped + 60_001;
  assert.equal(b.delivery.receive(made.at(-1) as Carried, from), 'kept');
});

/** As if so many first contacts had been accepted under the newest prekeys. */
function acceptMany(person: Person, count: number): void {
  const rows = person.database.table('replay');
  const [set] = person.database.table('prekeys').page({ limit: 1 });
  const scope = set?.name as Uint8Array;
  assert.equal(new FieldReader('id', scope).left, 4);
  person.database.transaction(() => {
    for (let i = 0; i < count; i++) {
      const name = new Uint8Array(32);
      new DataView(name.buffer).setUint32(0, i);
      rows.put({ name, scope, alias: null, value: Uint8Array.of(1) });
    }
  });
}

test('strangers at doors do not use up what friends and invited people need, and get new prekeys once a day', async () => {
  const [a, b] = pair();
  const [first, second] = (await openings(a, b, 2)) as [Carried, Carried];
  acceptMany(b, MAX_STRANGER_REPLAYS);
  const door = { contact: null, via: { kind: 'door', invite: new Uint8Array(32) } } as const;
  assert.equal(b.delivery.receive(first, door), 'busy');
  assert.equal(b.delivery.receive(first, { contact: a.id, via: LINK }), 'kept', 'over a link');
  const invite = { fingerprint: b.id, oneTimePrekey: b.delivery.newOneTimePrekey() };
  a.delivery.forget(b.id);
  a.delivery.meet(b.delivery.bundle(), invite);
  a.write(b.id, 'invited');
  const detach = a.delivery.attach({
    contact: b.id,
    send: async (carried) => b.delivery.receive(carried, door),
  });
  await until(() => b.applied(a.id).at(-1) === 'invited', 5_000, 'the invited');
  detach();
  assert.equal(b.delivery.receive(second, door), 'busy');
  const before = b.delivery.bundle();
  clock.offset += 23 * 60 * 60_000;
  assert.deepEqual(b.delivery.bundle(), before);
  clock.offset += 60 * 60_000;
  const next = b.delivery.bundle();
  assert.notDeepEqual(next, before);
  clock.offset += 24 * 60 * 60_000;
  assert.deepEqual(b.delivery.bundle(), next, 'it is not full');
});

test('first contacts under one set of prekeys are bounded, and those beyond it wait', async () => {
  const [a, b] = pair();
  const [opening] = (await openings(a, b, 1)) as [Carried];
  acceptMany(b, MAX_REPLAYS);
  const rows = b.database.table('replay');
  const from = { contact: a.id, via: LINK };
  assert.equal(b.delivery.receive(opening, from), 'busy');
  assert.equal(rows.count(), MAX_REPLAYS);
  assert.deepEqual(b.applied(a.id), []);
  rows.delete(new Uint8Array(32));
  assert.equal(b.delivery.receive(opening, from), 'kept');
});

test('whether a content waits is known by its key, in whatever place it waits', async () => {
  const [a, b] = pair();
  const wire = new Wire(a, b);
  await talk(a, b, wire, 'first');
  wire.disconnect();
  const [key, other] = [systemRandom(16), systemRandom(16)];
  const content = Uint8Array.of(1, 2);
  assert.equal(a.delivery.has(b.id, key), false);
  a.delivery.enqueue(b.id, { key, content });
  assert.deepEqual([a.delivery.has(b.id, key), a.delivery.has(b.id, other)], [true, false]);
  // the first one is on its way, the second behind it
  const { promise, resolve } = Promise.withResolvers<Verdict>();
  let isSent = false;
  const detach = a.delivery.attach({
    contact: b.id,
    send: () => {
      if (isSent) return new Promise(() => {});
      isSent = true;
      return promise;
    },
  });
  await until(() => isSent);
  a.delivery.enqueue(b.id, { key, content });
  assert.equal(a.delivery.waiting(b.id), 2);
  resolve('kept');
  await until(() => a.delivery.waiting(b.id) === 1);
  assert.equal(a.delivery.has(b.id, key), true);
  detach();
  wire.connect();
  await until(() => a.delivery.waiting(b.id) === 0);
  assert.equal(a.delivery.has(b.id, key), false);
});

/** A way that is narrow until it is made wide. */
class NarrowRoute implements Route {
  readonly contact: Uint8Array;
  isNarrow = true;
  readonly sent: Carried[] = [];
  #answer: (carried: Carried) => Verdict;

  constructor(contact: Uint8Array, answer: (carried: Carried) => Verdict) {
    this.contact = contact;
    this.#answer = answer;
  }

  async send(carried: Carried): Promise<Verdict> {
    this.sent.push(carried);
    return this.#answer(carried);
  }

  /** The contact itself is at the other end now, and shows it. */
  turnTo(answer: (carried: Carried) => Verdict): Route['send'] {
    this.isNarrow = false;
    this.#answer = answer;
    return (carried) => this.send(carried);
  }
}

for (const loses of [false, true]) {
  const what = loses ? 'and claims to know no session ' : '';
  test(`a thief of a login key who says kept to everything ${what}makes no content vanish`, async () => {
    const [a, b] = pair();
    const wire = new Wire(a, b);
    await talk(a, b, wire, 'first');
    wire.disconnect();
    const key = a.write(b.id, 'precious');
    const thief = new NarrowRoute(b.id, ({ form }) =>
      loses && form === 'message' ? 'unknown-session' : 'kept',
    );
    const detach = a.delivery.attach(thief);
    await until(() => thief.sent.length > (loses ? 1 : 0));
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(a.delivery.has(b.id, key), true);
    assert.ok(thief.sent.length < 5);
    detach();
    wire.connect();
    await until(() => a.delivery.waiting(b.id) === 0);
    assert.equal(b.applied(a.id).at(-1), 'precious');
  });
}

for (const when of ['is shown on the same way', 'logs in on another way'] as const) {
  test(`what a thief says of a session delays nothing once the contact's pair key ${when}`, async () => {
    const [a, b] = pair();
    const wire = new Wire(a, b);
    await talk(a, b, wire, 'first');
    wire.disconnect();
    const stopped = clock.monotonic();
    clock.monotonic = () => stopped;
    a.write(b.id, 'held');
    const from = { contact: a.id, via: LINK };
    const thief = new NarrowRoute(b.id, () => 'unknown-session');
    a.delivery.attach(thief);
    await until(() => a.delivery.outbox(b.id)[0]?.cause === 'session-refused');
    const friend = thief.turnTo((carried) => b.delivery.receive(carried, from));
    if (when === 'is shown on the same way') a.delivery.routeChanged(b.id);
    else a.delivery.attach({ contact: b.id, isFirm: true, send: friend });
    await until(() => a.delivery.waiting(b.id) === 0);
    assert.equal(b.applied(a.id).at(-1), 'held');
  });
}

test('what was encrypted for a way that was wide is not sent over a narrow one', async () => {
  const [a, b] = pair();
  const wire = new Wire(a, b);
  await talk(a, b, wire, 'first');
  wire.disconnect();
  const key = a.write(b.id, 'precious');
  let isSent = false;
  const lost = a.delivery.attach({
    contact: b.id,
    send: () => {
      isSent = true;
      return new Promise(() => {});
    },
  });
  await until(() => isSent);
  lost();
  a.delivery.attach(new NarrowRoute(b.id, () => 'kept'));
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(a.delivery.has(b.id, key), true);
});

test('a way that is narrow no more carries what was held back', async () => {
  const [a, b] = pair();
  const wire = new Wire(a, b);
  await talk(a, b, wire, 'first');
  wire.disconnect();
  a.write(b.id, 'held');
  const from = { contact: a.id, via: LINK };
  const route = new NarrowRoute(b.id, (carried) => b.delivery.receive(carried, from));
  a.delivery.attach(route);
  await until(() => route.sent.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.deepEqual([a.delivery.waiting(b.id), route.sent.length], [1, 1]);
  route.isNarrow = false;
  a.delivery.routeChanged(b.id);
  await until(() => a.delivery.waiting(b.id) === 0);
  assert.equal(b.applied(a.id).at(-1), 'held');
});

test('over a narrow way somebody who has lost the session comes to a new one, and to a pair key', async () => {
  const [a, b] = pair();
  const wire = new Wire(a, b);
  await talk(a, b, wire, 'first');
  wire.disconnect();
  const before = a.delivery.pairKeys(b.id).length;
  const restore = b.backup();
  restore();
  a.delivery.learnBundle(b.id, b.delivery.bundle());
  a.write(b.id, 'held');
  const way = new NarrowRoute(b.id, (carried) => b.delivery.receive(carried, { contact: a.id, via: LINK }));
  const back = new NarrowRoute(a.id, (carried) => a.delivery.receive(carried, { contact: b.id, via: LINK }));
  a.delivery.attach(way);
  b.delivery.attach(back);
  await until(() => a.delivery.pairKeys(b.id).length > before, 5_000, 'a new pair key');
  assert.equal(a.delivery.waiting(b.id), 1);
  const inHex = (keys: Uint8Array[]): string[] => keys.map((key) => Buffer.from(key).toString('hex'));
  const isCommon = (): boolean => {
    const theirs = inHex(b.delivery.pairKeys(a.id));
    return inHex(a.delivery.pairKeys(b.id)).filter((key) => theirs.includes(key)).length > before;
  };
  await until(isCommon, 5_000, 'a new pair key of both');
});

/** The same identity on another device. */
function moveToOtherDevice(person: Person): void {
  const rows = person.database.table('identity');
  const name = utf8('identity');
  const secrets = decodeIdentity(rows.get(name)?.value as Uint8Array);
  const moved = { ...secrets, deviceSecret: systemRandom(32), deviceId: systemRandom(16) };
  rows.put({ name, value: encodeIdentity(moved) });
  for (const table of ['prekeys', 'session', 'said', 'ciphertext', 'outbox']) {
    for (const row of person.database.table(table).page({ limit: 1_000 }))
      person.database.table(table).delete(row.name);
  }
  person.restart();
}

test('a bundle, an invite and an opening of a device that the contact had before are no change of device', async () => {
  const [a, b] = pair();
  const old = b.delivery.bundle();
  const [opening] = (await openings(b, a, 1)) as [Carried];
  clock.offset += 60_000;
  moveToOtherDevice(b);
  assert.equal(a.delivery.learnBundle(b.id, b.delivery.bundle()), 'changed');
  assert.deepEqual(a.delivery.deviceOf(b.id), decodeBundle(b.delivery.bundle()).device);
  a.delivery.confirmDevice(b.id);
  assert.equal(a.delivery.learnBundle(b.id, old), 'same');
  const isGone = (error: unknown): boolean => error instanceof KemError && error.code === 'BUNDLE_MISMATCH';
  assert.throws(() => a.delivery.meet(old, { fingerprint: b.id }), isGone);
  const before = a.troubles;
  assert.equal(a.delivery.receive(opening, { contact: b.id, via: LINK }), 'refused');
  assert.equal(a.troubles, before);
  assert.notEqual(a.delivery.trust(b.id), 'changed');
});
