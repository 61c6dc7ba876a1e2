import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DialPlaces } from '../../src/transport-tor/dial-places.ts';
import { DialQueue } from '../../src/transport-tor/dial-queue.ts';
import { PARALLEL_DIALS, URGENT_DIALS } from '../../src/transport-tor/limits.ts';
import { ManualClock } from '../manual-clock.ts';

/** Queues of several personas on one tor, and which of their dials run. */
function setUp(count: number, places = new DialPlaces()) {
  const clock = new ManualClock();
  const running = new Map<string, () => void>();
  const started: string[] = [];
  const queues = Array.from(
    { length: count },
    () => new DialQueue({ clock, chance: () => 0.5, places, isOnionFailure: () => true }),
  );
  const dial = (queue: number, host: string, options: { urgent?: boolean; signal?: AbortSignal } = {}) =>
    (queues[queue] as DialQueue).run(
      host,
      () =>
        new Promise<void>((resolve, reject) => {
          started.push(host);
          running.set(host, () => (host.startsWith('dead') ? reject(new Error('dead')) : resolve()));
        }),
      options,
    );
  const finish = async (host: string): Promise<void> => {
    running.get(host)?.();
    await clock.advance(0);
  };
  return { clock, queues, dial, finish, started };
}

describe('DialPlaces', () => {
  it('bounds the dials of all queues together, and serves the queues in turn', async () => {
    const { clock, queues, dial, finish, started } = setUp(2);
    const ordinary = PARALLEL_DIALS - URGENT_DIALS;
    const dials = Array.from({ length: 10 }, (_, i) => dial(0, `a${i}`));
    await clock.advance(0);
    dials.push(dial(1, 'b0'), dial(1, 'b1'));
    await clock.advance(0);
    assert.equal(started.length, ordinary);
    await finish('a0');
    await finish('a1');
    await finish('a2');
    assert.deepEqual(started.slice(ordinary), ['a6', 'b0', 'a7']);
    const urgent = [0, 1, 1].map((queue, i) => dial(queue, `u${i}`, { urgent: true }));
    await clock.advance(0);
    assert.deepEqual(started.slice(-2), ['u0', 'u1']);
    assert.deepEqual(
      queues.map((queue) => queue.stats().running).reduce((a, b) => a + b),
      PARALLEL_DIALS,
    );
    for (let at = 0; at < started.length; at++) await finish(started[at] as string);
    await Promise.all([...dials, ...urgent]);
    assert.equal(started.length, 15);
  });

  it('gives a place back however a dial ends, and to nobody who gave up waiting', async () => {
    const { clock, dial, finish, started } = setUp(2, new DialPlaces({ parallel: 1, urgentOnly: 0 }));
    const failing = assert.rejects(dial(0, 'dead'), /dead/);
    await clock.advance(0);
    const giving = new AbortController();
    const gone = assert.rejects(dial(1, 'gone', { signal: giving.signal }), /enough/);
    const last = dial(0, 'last');
    await clock.advance(0);
    giving.abort(new Error('enough'));
    await gone;
    await finish('dead');
    await failing;
    await finish('last');
    await last;
    assert.deepEqual(started, ['dead', 'last']);
  });

  it('keeps the failures of one queue from the others', async () => {
    const { clock, queues, dial, finish } = setUp(2);
    const failing = assert.rejects(dial(0, 'dead'));
    await clock.advance(0);
    await finish('dead');
    await failing;
    assert.equal(queues[0]?.export().length, 1);
    assert.deepEqual(queues[1]?.export(), []);
  });
});
