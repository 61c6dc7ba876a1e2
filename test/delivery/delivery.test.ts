import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { KemError } from '../../src/kem/index.ts';
import { DeliveryError } from '../../src/delivery/errors.ts';
import { MAX_CONTENT_BYTES } from '../../src/delivery/limits.ts';
import { FastClock, Never, notNow, Person, text, watchedProvider } from './person.ts';
import { until, Wire } from './wire.ts';

let people: Person[] = [];
let clock: FastClock;

function pair(): [Person, Person] {
  clock = new FastClock();
  const provider = watchedProvider();
  people = [new Person({ clock, provider }), new Person({ clock, provider })];
  return people as [Person, Person];
}

afterEach(() => {
  for (const person of people) person.end();
  people = [];
});

/** a has met b and b a, as after a request; nothing was written. */
function befriended(): [Person, Person] {
  const [a, b] = pair();
  a.delivery.meet(b.delivery.bundle(), { fingerprint: b.id });
  b.delivery.meet(a.delivery.bundle(), { fingerprint: a.id });
  return [a, b];
}

test('contents arrive once and in order, both ways, and are proven in the end', async () => {
  const [a, b] = befriended();
  const wire = new Wire(a, b);
  for (let i = 0; i < 100; i++) {
    a.write(b.id, `a ${i}`);
    if (i % 3 === 0) b.write(a.id, `b ${i}`, 12_000);
  }
  assert.equal(a.delivery.waiting(b.id), 100);
  wire.connect();
  await until(() => a.delivery.waiting(b.id) + b.delivery.waiting(a.id) === 0);
  assert.deepEqual(b.applied(a.id), a.written(b.id));
  assert.deepEqual(a.applied(b.id), b.written(a.id));
  assert.equal(a.kept(), 100);
  assert.equal(a.delivery.trust(b.id), 'proven');
  assert.equal(b.delivery.trust(a.id), 'proven');
  assert.deepEqual(a.delivery.pairKeys(b.id)[0], b.delivery.pairKeys(a.id)[0]);
  const before = wire.sent.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(wire.sent.length, before, 'and then it is quiet');
});

/** Everything that waits is kept, and what was written is there once and in order. */
async function arrives(a: Person, b: Person): Promise<void> {
  await until(() => a.delivery.waiting(b.id) + b.delivery.waiting(a.id) === 0);
  assert.deepEqual(b.applied(a.id), a.written(b.id));
  assert.deepEqual(a.applied(b.id), b.written(a.id));
}

test('only one side has met the other: the opening comes through the door, the answer over the link', async () => {
  const [a, b] = pair();
  const prekey = b.delivery.newOneTimePrekey();
  a.delivery.meet(b.delivery.bundle(), { fingerprint: b.id, oneTimePrekey: prekey });
  a.write(b.id, 'may I?');
  const invite = new Uint8Array(32).fill(7);
  let used: number | null = null;
  b.onApply = ({ via, oneTimePrekeyId, proven, contact }) => {
    assert.deepEqual([via.kind, proven, contact], ['door', false, a.id]);
    used = oneTimePrekeyId;
  };
  const detach = a.delivery.attach({
    contact: b.id,
    send: async (carried) => b.delivery.receive(carried, { contact: null, via: { kind: 'door', invite } }),
  });
  await until(() => a.delivery.waiting(b.id) === 0);
  assert.equal(used, prekey.id);
  assert.ok(b.delivery.knows(a.id));
  assert.equal(b.delivery.trust(a.id), 'unproven');
  detach();
  b.onApply = () => {};
  b.write(a.id, 'yes');
  new Wire(a, b).connect();
  await arrives(a, b);
  assert.equal(b.delivery.trust(a.id), 'proven');
});

test('a stranger whose request is refused, or who says nothing, leaves nothing behind', async () => {
  const [a, b] = pair();
  a.delivery.meet(b.delivery.bundle(), { fingerprint: b.id });
  a.write(b.id, 'may I?');
  b.onApply = () => {
    throw new Never();
  };
  const invite = new Uint8Array(32);
  a.delivery.attach({
    contact: b.id,
    send: async (carried) => b.delivery.receive(carried, { contact: null, via: { kind: 'door', invite } }),
  });
  await until(() => a.refused.length === 1);
  assert.equal(a.delivery.waiting(b.id), 0);
  assert.equal(b.delivery.knows(a.id), false);
  for (const table of ['peer', 'session', 'replay', 'heard', 'skipped']) {
    assert.equal(b.database.table(table).count(), 0, table);
  }
});

test('what the other side will never take is dropped, and what is behind it arrives in order', async () => {
  const [a, b] = befriended();
  for (let i = 0; i < 10; i++) a.write(b.id, `${i}`);
  b.onApply = ({ content }) => {
    if (text(content) === '4') throw new Never();
  };
  new Wire(a, b).connect();
  await until(() => a.delivery.waiting(b.id) === 0);
  assert.equal(a.refused.length, 1);
  assert.deepEqual(b.applied(a.id), ['0', '1', '2', '3', '5', '6', '7', '8', '9']);
});

test('what the other side has no room for comes again, and nothing overtakes it', async () => {
  const [a, b] = befriended();
  for (let i = 0; i < 10; i++) a.write(b.id, `${i}`);
  let tries = 0;
  b.onApply = ({ content }) => {
    if (text(content) === '4' && tries++ < 3) notNow();
  };
  new Wire(a, b).connect();
  await arrives(a, b);
  assert.equal(tries, 4);
});

test('a content that was never encrypted is replaced or withdrawn; after that both versions arrive', async () => {
  const [a, b] = befriended();
  const key = new Uint8Array(16).fill(9);
  const say = (what: string): void =>
    a.delivery.enqueue(b.id, { key, content: new TextEncoder().encode(`.${what}`) });
  say('old');
  say('new');
  a.delivery.enqueue(b.id, { key: new Uint8Array(16).fill(8), content: Uint8Array.of(1) });
  assert.equal(a.delivery.withdraw(b.id, new Uint8Array(16).fill(8)), true);
  assert.equal(a.delivery.waiting(b.id), 1);
  b.onApply = () => notNow();
  const wire = new Wire(a, b);
  wire.connect();
  await until(() => a.delivery.outbox(b.id)[0]?.state === 'sent');
  assert.equal(a.delivery.withdraw(b.id, key), false);
  say('newer');
  say('newest');
  assert.deepEqual(
    a.delivery.outbox(b.id).map(({ state }) => state),
    ['sent', 'saved'],
  );
  b.onApply = () => {};
  await until(() => a.delivery.waiting(b.id) === 0);
  assert.deepEqual(b.applied(a.id), ['new', 'newest']);
  assert.equal(a.kept(), 2);
});

test('a late verdict about an earlier content of the same key drops nothing', async () => {
  const [a, b] = befriended();
  const key = new Uint8Array(16).fill(9);
  const say = (what: string): void =>
    a.delivery.enqueue(b.id, { key, content: new TextEncoder().encode(`.${what}`) });
  let tell: ((verdict: 'kept') => void) | undefined;
  a.delivery.attach({ contact: b.id, send: () => new Promise((resolve) => (tell ??= resolve)) });
  say('first');
  await until(() => tell !== undefined);
  const wire = new Wire(a, b);
  wire.connect();
  await until(() => a.delivery.waiting(b.id) === 0);
  wire.disconnect();
  say('second');
  tell?.('kept');
  await new Promise((resolve) => setTimeout(resolve, 20));
  wire.connect();
  await until(() => a.delivery.waiting(b.id) === 0);
  assert.deepEqual(b.applied(a.id), ['first', 'second']);
});

test('contents too large for an opening wait for its answer', async () => {
  const [a, b] = pair();
  a.delivery.meet(b.delivery.bundle(), { fingerprint: b.id });
  b.delivery.meet(a.delivery.bundle(), { fingerprint: a.id });
  b.delivery.renew(a.id);
  a.write(b.id, 'long', MAX_CONTENT_BYTES - 1);
  b.write(a.id, 'long too', 9_000);
  new Wire(a, b).connect();
  await arrives(a, b);
});

test('what is too long, for nobody or too much is refused', () => {
  const [a, b] = befriended();
  const key = new Uint8Array(16);
  const refuses = (work: () => void, code: string): void =>
    assert.throws(work, (error) => error instanceof DeliveryError && error.code === code);
  refuses(
    () => a.delivery.enqueue(b.id, { key, content: new Uint8Array(MAX_CONTENT_BYTES + 1) }),
    'CONTENT_TOO_LONG',
  );
  refuses(() => a.delivery.enqueue(a.id, { key, content: new Uint8Array(1) }), 'UNKNOWN_CONTACT');
  assert.throws(
    () => a.delivery.meet(b.delivery.bundle(), { fingerprint: a.id }),
    (error) => error instanceof KemError && error.code === 'WRONG_CONTACT',
  );
  b.delivery.forget(a.id);
  assert.equal(b.delivery.knows(a.id), false);
  refuses(() => b.delivery.enqueue(a.id, { key, content: new Uint8Array(1) }), 'UNKNOWN_CONTACT');
});
