import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DialHistory } from '../../src/transport-tor/dial-history.ts';
import { DialPlaces } from '../../src/transport-tor/dial-places.ts';
import { DialQueue, type DialQueueInit } from '../../src/transport-tor/dial-queue.ts';
import { DialError } from '../../src/transport-tor/errors.ts';
import {
  BACKOFF_FIRST_MS,
  BACKOFF_MAX_MS,
  BACKOFF_WAIT_MS,
  PARALLEL_DIALS,
  QUEUE_PATIENCE_MS,
  QUEUED_DIALS,
  REMEMBERED_ONIONS,
  URGENT_DIALS,
} from '../../src/transport-tor/limits.ts';
import { ManualClock } from '../manual-clock.ts';

const ORDINARY = PARALLEL_DIALS - URGENT_DIALS;

class Dead extends Error {}

function setUp(init: Partial<DialQueueInit> = {}) {
  const clock = new ManualClock();
  const queue = new DialQueue({
    clock,
    chance: () => 0.5,
    isOnionFailure: (error) => error instanceof Dead,
    ...init,
  });
  const started: string[] = [];
  const running = new Map<string, PromiseWithResolvers<string>>();
  const dial = (host: string, options?: { urgent?: boolean; signal?: AbortSignal }): Promise<string> =>
    queue.run(
      host,
      () => {
        started.push(host);
        const held = Promise.withResolvers<string>();
        running.set(host, held);
        return held.promise;
      },
      options,
    );
  const finish = async (host: string, error?: Error): Promise<void> => {
    const held = running.get(host);
    assert.ok(held, `${host} is running`);
    if (error === undefined) held.resolve(host);
    else held.reject(error);
    await clock.advance(0);
  };
  return { clock, queue, started, dial, finish };
}

describe('DialQueue', () => {
  it('runs at most eight dials, two of them kept for user actions', async () => {
    const { clock, queue, started, dial, finish } = setUp();
    const dials = Array.from({ length: 10 }, (_, i) => dial(`o${i}`));
    await clock.advance(0);
    assert.equal(started.length, ORDINARY);
    const urgent = Array.from({ length: 3 }, (_, i) => dial(`u${i}`, { urgent: true }));
    await clock.advance(0);
    assert.deepEqual(started.slice(ORDINARY), ['u0', 'u1']);
    assert.deepEqual(queue.stats(), { running: PARALLEL_DIALS, waiting: 10 - ORDINARY + 1 });
    await finish('o0');
    assert.equal(started.at(-1), 'u2');
    for (let done = 0; done < started.length; done++) await finish(started[done] as string);
    assert.equal(started.length, 13);
    await Promise.all([...dials, ...urgent]);
    assert.deepEqual(queue.stats(), { running: 0, waiting: 0 });
  });

  it('prefers the most recently reachable onion, then who came first', async () => {
    const { clock, started, dial, finish } = setUp({
      places: new DialPlaces({ parallel: 1, urgentOnly: 0 }),
    });
    for (const host of ['old', 'new']) {
      void dial(host);
      await clock.advance(10);
      await finish(host);
    }
    started.length = 0;
    for (const host of ['busy', 'x', 'y', 'old', 'new']) void dial(host);
    await clock.advance(0);
    for (let at = 0; at < 5; at++) await finish(started[at] as string);
    assert.deepEqual(started, ['busy', 'new', 'old', 'x', 'y']);
  });

  it('lets nobody starve behind reachable onions', async () => {
    const { clock, started, dial, finish } = setUp({
      places: new DialPlaces({ parallel: 1, urgentOnly: 0 }),
    });
    void dial('friend');
    await clock.advance(0);
    void dial('stranger');
    await clock.advance(QUEUE_PATIENCE_MS);
    await finish('friend');
    void dial('friend');
    assert.deepEqual(started, ['friend', 'stranger']);
    await finish('stranger');
    assert.deepEqual(started, ['friend', 'stranger', 'friend']);
    await finish('friend');
  });

  it('never joins two dials of one onion', async () => {
    const { clock, started, dial } = setUp();
    void dial('same');
    void dial('same');
    await clock.advance(0);
    assert.deepEqual(started, ['same', 'same']);
  });

  it('backs off from a failing onion with growing pauses, and forgets them when it is reached', async () => {
    const { clock, started, dial, finish } = setUp();
    const failing = dial('dead');
    await clock.advance(0);
    await Promise.all([assert.rejects(failing, Dead), finish('dead', new Dead())]);

    // first pause: waited out in the queue, three quarters of 2 s with this chance
    const second = dial('dead');
    await clock.advance(BACKOFF_FIRST_MS * 0.75 - 1);
    assert.equal(started.length, 1);
    await clock.advance(1);
    assert.equal(started.length, 2);
    await Promise.all([assert.rejects(second, Dead), finish('dead', new Dead())]);

    for (let failures = 3; failures < 12; failures++) {
      await clock.advance(BACKOFF_MAX_MS);
      const again = dial('dead');
      await clock.advance(0);
      await Promise.all([assert.rejects(again, Dead), finish('dead', new Dead())]);
    }
    const refused = await dial('dead').catch((error: unknown) => error);
    assert.ok(refused instanceof DialError && refused.code === 'BACKOFF');
    assert.equal(refused.data['retryInMs'], BACKOFF_MAX_MS * 0.75);

    const urgent = dial('dead', { urgent: true });
    await clock.advance(0);
    await finish('dead');
    assert.equal(await urgent, 'dead');
    void dial('dead');
    await clock.advance(0);
    await finish('dead');
  });

  it('does not hold the failures of tor or of the caller against the onion', async () => {
    const { clock, started, dial, finish } = setUp();
    const failing = dial('fine');
    await clock.advance(0);
    await Promise.all([assert.rejects(failing, /tor is down/), finish('fine', new Error('tor is down'))]);
    void dial('fine');
    await clock.advance(0);
    assert.equal(started.length, 2);
  });

  it('gives up a waiting dial when its signal is aborted, in the queue and in a pause', async () => {
    const { clock, queue, started, dial, finish } = setUp({
      places: new DialPlaces({ parallel: 1, urgentOnly: 0 }),
    });
    void dial('busy');
    const waiting = new AbortController();
    const dialed = dial('waits', { signal: waiting.signal });
    await clock.advance(0);
    waiting.abort(new Error('no longer wanted'));
    await assert.rejects(dialed, /no longer wanted/);
    assert.deepEqual(queue.stats(), { running: 1, waiting: 0 });
    await finish('busy');

    const failing = dial('dead');
    await clock.advance(0);
    await Promise.all([assert.rejects(failing, Dead), finish('dead', new Dead())]);
    const pausing = new AbortController();
    const paused = dial('dead', { signal: pausing.signal });
    await clock.advance(1);
    pausing.abort(new Error('nor this'));
    await assert.rejects(paused, /nor this/);
    assert.equal(clock.sleeping, 0);
    await assert.rejects(dial('late', { signal: AbortSignal.abort(new Error('before')) }), /before/);
    assert.deepEqual(started, ['busy', 'dead']);
  });

  it('refuses more than it may hold, keeping places for user actions', async () => {
    const { clock, dial } = setUp({ places: new DialPlaces({ parallel: 1, urgentOnly: 0 }) });
    void dial('busy');
    for (let i = 0; i < QUEUED_DIALS; i++) void dial(`o${i}`);
    await clock.advance(0);
    await assert.rejects(
      dial('one more'),
      (error) => error instanceof DialError && error.code === 'QUEUE_FULL',
    );
    void dial('a person', { urgent: true });
    await clock.advance(0);
  });

  it('carries on from the records of an earlier process', async () => {
    const first = setUp();
    const failing = first.dial('dead');
    const fine = first.dial('alive');
    await first.clock.advance(0);
    await Promise.all([assert.rejects(failing, Dead), first.finish('dead', new Dead())]);
    await first.finish('alive');
    await fine;

    const second = setUp({ records: first.queue.export() });
    assert.deepEqual(second.queue.export(), first.queue.export());
    void second.dial('dead');
    await second.clock.advance(1);
    assert.deepEqual(second.started, []);
    await second.clock.advance(BACKOFF_WAIT_MS);
    assert.deepEqual(second.started, ['dead']);
  });
});

describe('DialHistory', () => {
  function history(clock: ManualClock, chance = () => 0.5, remembered = REMEMBERED_ONIONS): DialHistory {
    return new DialHistory({ clock, chance, firstMs: 1000, maxMs: 60_000, remembered });
  }

  it('draws each pause from the upper half of a doubling range, never beyond the longest', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, draw) => {
          const clock = new ManualClock();
          const tried = history(clock, () => draw);
          for (let i = 0; i < failures; i++) tried.failed('x');
          const fullMs = Math.min(60_000, 1000 * 2 ** (failures - 1));
          const pauseMs = tried.pauseMs('x');
          assert.ok(pauseMs >= fullMs / 2 && pauseMs <= fullMs, `${pauseMs} of ${fullMs}`);
        },
      ),
    );
  });

  it('survives a clock that is set back', () => {
    const clock = new ManualClock();
    const tried = history(clock);
    tried.failed('x');
    clock.setWall(0);
    assert.equal(tried.pauseMs('x'), 60_000);
  });

  it('forgets the least recently dialed onions first', () => {
    const tried = history(new ManualClock(), () => 0.5, 2);
    for (const host of ['a', 'b', 'a', 'c']) tried.reached(host);
    assert.deepEqual(
      tried.export().map((record) => record.host),
      ['a', 'c'],
    );
  });
});
