import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EntryPoints, type EntryPointRows } from '../../src/dht/entry-points.ts';
import {
  DOUBTFUL_FAILURES,
  ENTRY_POINT_SILENCE_MS,
  KEPT_ENTRY_POINTS,
  MAX_UNPROVEN_ENTRY_POINTS,
} from '../../src/dht/limits.ts';
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
    assert.equal(seen.size, 10, 'all take turns');
    const [worst] = fixed as [OnionAddress];
    for (let i = 0; i < DOUBTFUL_FAILURES; i++) points.failed(worst);
    for (let i = 0; i < 50; i++) assert.ok(!points.pick(9).includes(worst), 'but those that failed lately');
    points.reached(worst);
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

  it('forgets what fails and was silent for weeks, but nothing configured, and never all', async () => {
    const rows = new Rows();
    const clock = new ManualClock();
    const [fixed, ...others] = onions(KEPT_ENTRY_POINTS + 4) as [OnionAddress, ...OnionAddress[]];
    const points = new EntryPoints({ rows, fixed: [fixed], clock, random });
    const failAll = (): void => {
      for (let i = 0; i < 100; i++) for (const onion of [fixed, ...others]) points.failed(onion);
    };
    for (const onion of others) points.learned(onion, clock.now());
    failAll();
    assert.equal(points.list().length, others.length + 1, 'a day without a network costs nobody');
    await clock.advance(ENTRY_POINT_SILENCE_MS + 1);
    const heard = others[0] as OnionAddress;
    points.learned(heard, clock.now());
    failAll();
    assert.equal(points.list().length, KEPT_ENTRY_POINTS);
    assert.ok(hosts(points).includes(fixed.host) && hosts(points).includes(heard.host));
    assert.ok(rows.all.size <= KEPT_ENTRY_POINTS);
  });

  it('works on when nothing can be written down', () => {
    const rows = {
      put: () => {
        throw new Error('the disk is full');
      },
      delete: () => {
        throw new Error('the disk is full');
      },
      entries: () => [],
    };
    const [a, b] = onions(2) as [OnionAddress, OnionAddress];
    const said: string[] = [];
    const log = (_level: string, message: string): void => void said.push(message);
    const points = new EntryPoints({ rows, clock: new ManualClock(), random, log });
    points.learned(a, 1);
    points.added(b);
    points.reached(a);
    points.failed(b);
    assert.deepEqual(new Set(hosts(points)), new Set([a.host, b.host]));
    assert.equal(said.length, 4);
  });

  it('draws two of three from those configured or reached before, however many were announced', () => {
    const [a, b, ...strangers] = onions(500) as [OnionAddress, OnionAddress, ...OnionAddress[]];
    const points = new EntryPoints({ fixed: [a], clock: new ManualClock(), random });
    points.added(b);
    points.reached(b);
    for (const onion of strangers) points.learned(onion, 1);
    assert.equal(points.list().length, 2 + MAX_UNPROVEN_ENTRY_POINTS);
    for (let i = 0; i < 50; i++) {
      const picked = points.pick(3);
      assert.ok(picked.includes(a) && picked.includes(b) && picked.length === 3);
    }
  });

  it('has room for what a person names, however much was heard of', () => {
    const all = onions(5) as [OnionAddress, ...OnionAddress[]];
    const points = new EntryPoints({ clock: new ManualClock(), random, limit: 4 });
    for (const onion of all.slice(0, 4)) {
      points.learned(onion, 1);
      points.reached(onion);
    }
    const last = all[4] as OnionAddress;
    points.learned(last, 1);
    assert.ok(!hosts(points).includes(last.host));
    points.added(last);
    assert.ok(hosts(points).includes(last.host));
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
