/** What a slot store keeps when there is more than fits, and what of it is there after a restart. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { DhtError } from '../../src/dht/errors.ts';
import { SLOT_STORE_LIMITS } from '../../src/dht/limits.ts';
import { distanceBetween } from '../../src/dht/slot-index.ts';
import { SlotStore } from '../../src/dht/slot-store.ts';
import { utf8 } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { bytesOf, made, rowsIn, START_S, startedClock, trusting, unsigned } from './made-slots.ts';

const ownId = bytesOf('own id');
const distance = (key: Uint8Array): string => distanceBetween(nodeProvider.sha256(key), ownId);

/** What became of a put: its word, or the code of its refusal. */
function outcome(
  store: SlotStore,
  { key, bytes }: { key: Uint8Array; bytes: Uint8Array },
  from: string | null,
): string {
  try {
    return store.offer(key, bytes, from);
  } catch (error) {
    if (error instanceof DhtError) return error.code;
    throw error;
  }
}

/** As many as it takes to turn the store over a few times; 100,000 in a long run. */
const FLOOD = process.env['KITH_LONG'] === '1' ? 100_000 : 30_000;

test('a flood of fresh keys from many peers: caps hold, and the closest are kept', () => {
  const [clock, rows, provider] = [startedClock(), rowsIn(), trusting()];
  const quota = { ...SLOT_STORE_LIMITS.quota, fresh: 500, peers: 64 };
  const store = SlotStore.open({
    rows,
    clock,
    ownId,
    provider,
    limits: { slots: 1_000, conflicts: 8, quota },
  });
  const distances: string[] = [];
  for (let i = 0; i < FLOOD; i++) {
    const slot = unsigned(`flood ${i}`);
    distances.push(distance(slot.key));
    const became = outcome(store, slot, `peer ${i % 1_000}`);
    assert.ok(became === 'stored' || became === 'STORE_FULL', became);
    if (i % 5_000 === 0) assert.ok(store.stats().slots <= 1_000 && store.stats().peers <= 64);
  }
  const closest = distances.toSorted((a, b) => (a < b ? -1 : 1)).slice(0, 1_000);
  assert.deepEqual(
    [...store.slots()].map(({ key }) => distance(key)),
    closest,
  );
  assert.equal(rows.size().rows, 1_000);
  assert.ok(provider.checked < 8_000, `${provider.checked} signature checks`);
});

test('a flood from one peer ends at its quota, and leaves room to others', () => {
  const [clock, rows, provider] = [startedClock(), rowsIn(), trusting()];
  const quota = { ...SLOT_STORE_LIMITS.quota, fresh: 100, updates: 10 };
  const store = SlotStore.open({ rows, clock, ownId, provider, limits: { ...SLOT_STORE_LIMITS, quota } });
  const counts = new Map<string, number>();
  for (let i = 0; i < 1_000; i++) {
    const became = outcome(store, unsigned(`flood ${i}`), 'one');
    counts.set(became, (counts.get(became) ?? 0) + 1);
  }
  assert.deepEqual(Object.fromEntries(counts), { stored: 100, QUOTA: 900 });
  assert.equal(provider.checked, 100);
  assert.equal(outcome(store, unsigned('other'), 'two'), 'stored');
  assert.equal(outcome(store, unsigned('own'), null), 'stored');
  const updates = Array.from({ length: 20 }, (_, i) =>
    outcome(store, unsigned('own', { seq: i + 2 }), 'one'),
  );
  assert.deepEqual(updates, [...Array(10).fill('stored'), ...Array(10).fill('QUOTA')]);
  assert.equal(
    outcome(store, unsigned('flood 0'), 'one'),
    'had',
    'putting again what is kept is always fine',
  );
});

test('what expired makes room before anything else does', async () => {
  const [clock, rows, provider] = [startedClock(), rowsIn(), trusting()];
  const store = SlotStore.open({ rows, clock, ownId, provider, limits: { ...SLOT_STORE_LIMITS, slots: 10 } });
  for (let i = 0; i < 10; i++) outcome(store, unsigned(`short ${i}`, { expiry: START_S + 10 }), null);
  await clock.advance(10_000);
  for (let i = 0; i < 10; i++) assert.equal(outcome(store, unsigned(`long ${i}`), null), 'stored');
  assert.equal(store.stats().slots, 10);
});

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'kith-slots-'));
  t.after(() => rmSync(path, { recursive: true }));
  return join(path, 'slots.db');
}

test('after a restart: what was kept is kept; expired, damaged and foreign rows are gone', async (t) => {
  const path = folder(t);
  const clock = startedClock();
  let rows = rowsIn(path);
  let store = SlotStore.open({ rows, clock, ownId });
  const names = ['a', 'b', 'c', 'd'];
  for (const name of names) assert.equal(outcome(store, made(name, { seq: 3 }), 'peer'), 'stored');
  outcome(store, made('short', { expiry: START_S + 10 }), 'peer');
  assert.equal(outcome(store, made('a', { seq: 3, fill: 1 }), 'peer'), 'SLOT_CONFLICT');
  // what never was a slot, a slot under the name of another, and a name without its pair
  rows.put(utf8('foreign'), utf8('row'));
  rows.put(bytesOf('nowhere'), made('e').bytes);
  rows.put(utf8('conflict/'), made('e').bytes);
  rows.close();
  damage(path, 'b', [...names, 'short']);
  await clock.advance(10_000);

  rows = rowsIn(path);
  store = SlotStore.open({ rows, clock, ownId });
  const left = [...store.slots()].map(({ key }) => Buffer.from(key).toString('hex')).toSorted();
  const kept = ['a', 'c', 'd'].map((name) => Buffer.from(made(name).key).toString('hex')).toSorted();
  assert.deepEqual(left, kept);
  assert.equal(store.conflicts().length, 1);
  assert.equal(rows.size().rows, 4);
  assert.equal(outcome(store, made('a', { seq: 2 }), 'peer'), 'SLOT_OLDER', 'seq is remembered');
  assert.equal(outcome(store, made('b', { seq: 2 }), 'peer'), 'stored', 'what was damaged can come again');
  rows.close();

  rows = rowsIn(path);
  store = SlotStore.open({ rows, clock, ownId, limits: { ...SLOT_STORE_LIMITS, slots: 2 } });
  assert.equal(store.stats().slots, 2, 'a lower cap holds from the start');
  rows.close();
});

test('a row that is damaged while the store is open reads as absent, and can come again', (t) => {
  const rows = rowsIn();
  const store = SlotStore.open({ rows, clock: startedClock(), ownId });
  const slot = made('alice', { seq: 4 });
  outcome(store, slot, 'peer');
  t.mock.method(rows, 'get', () => null, { times: 1 });
  assert.equal(store.get(slot.key), null);
  assert.equal(store.stats().slots, 0);
  assert.equal(outcome(store, slot, 'peer'), 'stored');
});

test('rows with smaller caps than the store are followed, not believed', () => {
  const rows = rowsIn(':memory:', 5);
  const store = SlotStore.open({ rows, clock: startedClock(), ownId, provider: trusting() });
  for (let i = 0; i < 20; i++) outcome(store, unsigned(`slot ${i}`), null);
  assert.equal(store.stats().slots, 5);
  assert.equal([...store.slots()].length, 5);
});

/** Changes the last byte of the row of one of the slots, which were written in this order. */
function damage(path: string, name: string, written: readonly string[]): void {
  const database = new DatabaseSync(path);
  const rows = database.prepare('SELECT seq, sealed FROM rows ORDER BY seq').all() as {
    seq: number;
    sealed: Uint8Array;
  }[];
  const { seq, sealed } = rows[written.indexOf(name)] as { seq: number; sealed: Uint8Array };
  sealed[sealed.length - 1] = (sealed.at(-1) as number) ^ 1;
  database.prepare('UPDATE rows SET sealed = ? WHERE seq = ?').run(sealed, seq);
  database.close();
}
