import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EntryPoints, type EntryPointRows } from '../../src/dht/entry-points.ts';
import { ENTRY_POINT_FAILURES } from '../../src/dht/limits.ts';
import { toHex } from '../../src/safety/bytes.ts';
import { systemRandom as random } from '../../src/safety/random.ts';
import { type OnionAddress, onionOf } from '../../src/wire/onion.ts';
import { ManualClock } from '../manual-clock.ts';

const onions = (count: number): OnionAddress[] => Array.from({ length: count }, () => onionOf(random(32)));

class Rows implements EntryPointRows {
  readonly all = new Map<string, [Uint8Array, Uint8Array]>();
  put(name: Uint8Array, value: Uint8Array): void {
    this.all.set(toHex(name), [name, value]);
  }
  delete(name: Uint8Array): void {
    this.all.delete(toHex(name));
  }
  entries(): Iterable<[Uint8Array, Uint8Array]> {
    return [...this.all.values()];
  }
}

const hosts = (points: EntryPoints): string[] => points.list().map(({ onion }) => onion.host);

describe('EntryPoints', { timeout: 10_000 }, () => {
  it('picks at random, each at most once, and no more than there are', () => {
    const fixed = onions(10);
    const points = new EntryPoints({ fixed, clock: new ManualClock(), random });
    const seen = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const picked = points.pick(3).map(({ host }) => host);
      assert.equal(new Set(picked).size, 3);
      for (const host of picked) seen.add(host);
    }
    assert.equal(seen.size, 5, 'the better half takes turns');
    assert.equal(points.pick(99).length, 10);
    assert.equal(new EntryPoints({ clock: new ManualClock(), random }).pick(3).length, 0);
  });

  it('ranks by failures, then by who was reached last, then by who was heard of last', async () => {
    const clock = new ManualClock();
    const [a, b, c, d] = onions(4) as [OnionAddress, OnionAddress, OnionAddress, OnionAddress];
    const points = new EntryPoints({ clock, random });
    for (const onion of [a, b, c]) points.learned(onion, 1_000);
    points.learned(d, 2_000);
    points.reached(b);
    await clock.advance(1_000);
    points.reached(c);
    points.failed(a);
    assert.deepEqual(
      hosts(points),
      [c, b, d, a].map(({ host }) => host),
    );
    points.reached(a);
    assert.equal(points.list().find(({ onion }) => onion.host === a.host)?.failures, 0);
  });

  it('remembers across restarts, and keeps what was learned about configured ones', () => {
    const rows = new Rows();
    const clock = new ManualClock();
    const [a, b] = onions(2) as [OnionAddress, OnionAddress];
    const first = new EntryPoints({ rows, fixed: [a], clock, random });
    first.learned(b, 5_000);
    first.reached(a);
    rows.put(Uint8Array.of(9), Uint8Array.of(1, 2, 3));
    const second = new EntryPoints({ rows, fixed: [a], clock, random });
    assert.deepEqual(new Set(hosts(second)), new Set([a.host, b.host]));
    const [best] = second.list();
    assert.equal(best?.onion.host, a.host);
    assert.equal(best?.fixed, true);
    assert.equal(best?.reachedAtMs, clock.now());
    assert.equal(second.list()[1]?.learnedAtMs, 5_000);
    assert.equal(rows.all.size, 2, 'a row that cannot be read is removed');
  });

  it('forgets what fails for long, but nothing from the configuration', () => {
    const rows = new Rows();
    const [a, b, stranger] = onions(3) as [OnionAddress, OnionAddress, OnionAddress];
    const points = new EntryPoints({ rows, fixed: [a], clock: new ManualClock(), random });
    points.learned(b, 1);
    for (let i = 0; i < ENTRY_POINT_FAILURES; i++) for (const onion of [a, b, stranger]) points.failed(onion);
    assert.deepEqual(hosts(points), [a.host]);
    assert.equal(rows.all.size, 1);
  });

  it('is not filled by a flood: neither configured nor reached ones are pushed out', () => {
    const [a, b] = onions(2) as [OnionAddress, OnionAddress];
    const rows = new Rows();
    const points = new EntryPoints({ rows, fixed: [a], clock: new ManualClock(), random, limit: 20 });
    points.learned(b, 1);
    points.reached(b);
    for (const onion of onions(200)) points.learned(onion, 1e15);
    assert.equal(points.list().length, 20);
    assert.ok(hosts(points).includes(a.host));
    assert.equal(hosts(points)[0], b.host);
    assert.ok(rows.all.size <= 20);
    for (const { onion } of points.list()) points.reached(onion);
    points.learned(onions(1)[0] as OnionAddress, 1e15);
    assert.equal(points.list().length, 20, 'no room among those that answered');
    const smaller = new EntryPoints({ rows, clock: new ManualClock(), random, limit: 5 });
    assert.equal(smaller.list().length, 5);
    assert.equal(rows.all.size, 5);
  });

  it('never gives out the onions of this node', () => {
    const [own, other] = onions(2) as [OnionAddress, OnionAddress];
    const isOwn = ({ host }: OnionAddress): boolean => host === own.host;
    const points = new EntryPoints({ fixed: [own, other], clock: new ManualClock(), random, isOwn });
    assert.deepEqual(hosts(points), [other.host]);
    assert.deepEqual(
      points.pick(5).map(({ host }) => host),
      [other.host],
    );
  });
});
