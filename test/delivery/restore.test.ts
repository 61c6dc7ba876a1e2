import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { equal } from '../../src/safety/bytes.ts';
import { FastClock, Person, watchedProvider, type WatchedProvider } from './person.ts';
import { until, Wire } from './wire.ts';

let people: Person[] = [];
let clock: FastClock;
let provider: WatchedProvider;

/** Two friends who have talked, and the link between them. */
async function friends(): Promise<[Person, Person, Wire]> {
  clock = new FastClock();
  provider = watchedProvider();
  const [a, b] = (people = [new Person({ clock, provider }), new Person({ clock, provider })]) as [
    Person,
    Person,
  ];
  a.delivery.meet(b.delivery.bundle(), { fingerprint: b.id });
  b.delivery.meet(a.delivery.bundle(), { fingerprint: a.id });
  const wire = new Wire(a, b);
  await talk(a, b, wire, 'first');
  return [a, b, wire];
}

/** Both write, and what is on its way arrives. */
async function talk(a: Person, b: Person, wire: Wire, what: string): Promise<void> {
  for (let i = 0; i < 5; i++) {
    a.write(b.id, `a ${what} ${i}`);
    b.write(a.id, `b ${what} ${i}`);
  }
  wire.connect();
  await until(() => a.delivery.waiting(b.id) + b.delivery.waiting(a.id) === 0, 5_000, what);
}

afterEach(() => {
  assert.equal(provider.reused(), 0, 'no key and nonce seal two plaintexts');
  for (const person of people) person.end();
  people = [];
});

const times = (all: readonly string[], what: string): number => all.filter((one) => one === what).length;

for (const who of ['the sender', 'the recipient'] as const) {
  test(`${who} restores an old backup: everything new arrives, in order`, async () => {
    const [a, b, wire] = await friends();
    const restore = (who === 'the sender' ? a : b).backup();
    await talk(a, b, wire, 'lost');
    wire.disconnect();
    restore();
    await talk(a, b, wire, 'new');
    const news = [0, 1, 2, 3, 4].map((i) => `new ${i}`);
    assert.deepEqual(
      b.applied(a.id).slice(-5),
      news.map((what) => `a ${what}`),
    );
    assert.deepEqual(
      a.applied(b.id).slice(-5),
      news.map((what) => `b ${what}`),
    );
    assert.equal(a.delivery.trust(b.id), 'proven');
    await talk(a, b, wire, 'newer');
  });
}

test('what waited in a backup, and was delivered after it was written, is applied once', async () => {
  const [a, b, wire] = await friends();
  wire.disconnect();
  a.write(b.id, 'waiting');
  const restore = a.backup();
  await talk(a, b, wire, 'after');
  assert.equal(times(b.applied(a.id), 'waiting'), 1);
  wire.disconnect();
  restore();
  assert.equal(a.delivery.waiting(b.id), 1);
  await talk(a, b, wire, 'then');
  assert.equal(times(b.applied(a.id), 'waiting'), 1);
  assert.equal(times(b.applied(a.id), 'a then 4'), 1);
});

test('both restore old backups', async () => {
  const [a, b, wire] = await friends();
  const [restoreA, restoreB] = [a.backup(), b.backup()];
  await talk(a, b, wire, 'lost');
  wire.disconnect();
  restoreA();
  restoreB();
  await talk(a, b, wire, 'new');
  assert.equal(times(b.applied(a.id), 'a new 4'), 1);
});

test('an old copy of the data directory hears that it is one, and loses nothing that it writes', async () => {
  const [a, b, wire] = await friends();
  const goBack = a.snapshot();
  await talk(a, b, wire, 'gone');
  wire.disconnect();
  goBack();
  await talk(a, b, wire, 'new');
  assert.deepEqual([a.rollbacks, b.rollbacks], [1, 0]);
  for (let i = 0; i < 5; i++) assert.equal(times(b.applied(a.id), `a new ${i}`), 1);
  await talk(a, b, wire, 'newer');
  assert.equal(times(b.applied(a.id), 'a newer 4'), 1);
});

test('who restores the same backup again and again has a login key in common with the friend every time', async () => {
  const [a, b, wire] = await friends();
  wire.disconnect();
  const restore = b.backup();
  for (let times = 1; times <= 5; times++) {
    restore();
    const keys = b.delivery.pairKeys(a.id);
    const common = a.delivery.pairKeys(b.id).find((key) => keys.some((other) => equal(key, other)));
    assert.ok(common, `after ${times}`);
    a.delivery.pairKeyUsed(b.id, common);
    b.delivery.pairKeyUsed(a.id, common);
    await talk(a, b, wire, `${times}`);
    await until(() => !equal(a.delivery.pairKeys(b.id)[0] as Uint8Array, common), 5_000, 'a new pair key');
    wire.disconnect();
  }
});

test('a recipient that lost its sessions says so, and contents are encrypted anew', async () => {
  const [a, b, wire] = await friends();
  wire.tellsCounts = false;
  const restore = b.backup();
  wire.disconnect();
  restore();
  a.write(b.id, 'anew');
  wire.connect();
  // b has new prekeys, and a hears of them late
  await until(() => a.delivery.outbox(b.id)[0]?.cause === 'session-refused');
  a.delivery.learnBundle(b.id, b.delivery.bundle());
  await until(() => a.delivery.waiting(b.id) === 0);
  assert.equal(times(b.applied(a.id), 'anew'), 1);
});
