import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DhtError } from '../../src/dht/errors.ts';
import { SCOUT_ENTRY_POINTS, SCOUT_ENTRY_TRIES, SCOUT_TIMEOUT_MS } from '../../src/dht/limits.ts';
import type { SlotRead } from '../../src/dht/read.ts';
import { type Scout, Scouts, type ScoutsInit } from '../../src/dht/scouts.ts';
import { systemClock } from '../../src/safety/clock.ts';
import { systemRandom as random } from '../../src/safety/random.ts';
import { type OnionAddress, onionOf } from '../../src/wire/onion.ts';
import { ManualClock } from '../manual-clock.ts';
import { silent } from './model.ts';

const onions = (count: number): OnionAddress[] => Array.from({ length: count }, () => onionOf(random(32)));
const READ: SlotRead = { bytes: null, slot: null, answers: 1, conflicts: [], tookMs: 1 };
const { signal } = new AbortController();

interface Trace {
  opened: number;
  stopped: number;
  entered: string[];
}

/** Scouts whose personas do nothing but remember what was asked of them. */
function scouts(
  entries: readonly OnionAddress[],
  dht: Partial<Scout['dht']> = {},
  more: Partial<ScoutsInit> = {},
): { scouts: Scouts; trace: Trace } {
  const trace: Trace = { opened: 0, stopped: 0, entered: [] };
  const open = async (): Promise<Scout> => {
    trace.opened++;
    return {
      dht: {
        enter: async (onion, options) => {
          trace.entered.push(onion.host);
          await dht.enter?.(onion, options);
        },
        get: dht.get ?? (async () => READ),
        put: dht.put ?? (async () => ({ holders: 20, refused: 0, unreachable: 0, tookMs: 1 })),
      },
      stop: async () => void trace.stopped++,
    };
  };
  return {
    trace,
    scouts: new Scouts({ open, entryPoints: () => entries, clock: systemClock, random, ...more }),
  };
}

describe('Scouts', { timeout: 10_000 }, () => {
  it('makes one persona for each batch, and stops it', async () => {
    const { scouts: some, trace } = scouts(onions(5));
    assert.equal((await some.get([random(32), random(32)], { signal })).length, 2);
    assert.equal((await some.put([random(625)], { signal }))[0]?.holders, 20);
    assert.deepEqual([trace.opened, trace.stopped], [2, 2]);
    assert.equal(trace.entered.length, 2 * SCOUT_ENTRY_POINTS);
  });

  it('picks its entry points anew each time', async () => {
    const entries = onions(12);
    const { scouts: some, trace } = scouts(entries);
    for (let i = 0; i < 40; i++) await some.get([random(32)], { signal });
    assert.equal(new Set(trace.entered).size, entries.length);
  });

  it('starts with the first entry point that answers, and says how the others did', async () => {
    const entries = onions(3);
    const [good, bad, slow] = entries as [OnionAddress, OnionAddress, OnionAddress];
    const seen: string[] = [];
    const { scouts: some, trace } = scouts(
      entries,
      {
        enter: async (onion, options) => {
          if (onion === bad) throw new DhtError('PEER_UNREACHABLE');
          if (onion === slow) await silent(options.signal);
        },
        get: async () => {
          await new Promise((resolve) => setImmediate(resolve));
          return READ;
        },
      },
      {
        reached: (onion) => seen.push(onion === good ? 'reached' : 'wrong'),
        failed: (onion) => seen.push(onion === bad ? 'failed' : 'wrong'),
      },
    );
    await some.get([random(32)], { signal });
    assert.deepEqual(seen.sort(), ['failed', 'reached']);
    assert.equal(trace.stopped, 1);
  });

  it('goes on to others when entry points are gone', async () => {
    const entries = onions(SCOUT_ENTRY_TRIES);
    const { scouts: some, trace } = scouts(entries, {
      enter: async (onion) => {
        if (onion !== entries[5]) throw new DhtError('PEER_UNREACHABLE');
      },
    });
    assert.equal((await some.get([random(32)], { signal })).length, 1);
    assert.ok(trace.entered.includes(entries[5]?.host ?? ''));
  });

  it('says that it knows nobody, before it makes a persona', async () => {
    const { scouts: some, trace } = scouts([]);
    await assert.rejects(some.get([random(32)], { signal }), (error: DhtError) => {
      assert.equal(error.code, 'NO_ENTRY_POINTS');
      assert.match(error.hint, /public node/);
      return true;
    });
    assert.equal(trace.opened, 0);
  });

  it('says that nobody answered, and how many were tried', async () => {
    const { scouts: some, trace } = scouts(onions(20), {
      enter: () => Promise.reject(new DhtError('PEER_UNREACHABLE')),
    });
    const rejection = { code: 'NO_ENTRY_POINT_REACHED', data: { tried: SCOUT_ENTRY_TRIES } };
    await assert.rejects(some.get([random(32)], { signal }), rejection);
    assert.equal(trace.stopped, 1);
  });

  it('stops the persona when a batch fails, is cut off, or takes too long', async () => {
    const failing = scouts(onions(1), { put: () => Promise.reject(new DhtError('SLOT_EXPIRED')) });
    await assert.rejects(failing.scouts.put([random(625)], { signal }), { code: 'SLOT_EXPIRED' });
    assert.equal(failing.trace.stopped, 1);

    const hanging = {
      get: (_pk: Uint8Array, options?: { signal?: AbortSignal }) => silent(options?.signal as AbortSignal),
    };
    const cut = new AbortController();
    const cutOff = scouts(onions(1), hanging);
    const reading = cutOff.scouts.get([random(32)], { signal: cut.signal });
    setImmediate(() => cut.abort(new Error('no longer needed')));
    await assert.rejects(reading, /no longer needed/);
    assert.equal(cutOff.trace.stopped, 1);

    const clock = new ManualClock();
    const slow = scouts(onions(1), hanging, { clock });
    const late = assert.rejects(slow.scouts.get([random(32)], { signal }), { code: 'SCOUT_TIMEOUT' });
    await clock.advance(0);
    await clock.advance(SCOUT_TIMEOUT_MS);
    await late;
    assert.equal(slow.trace.stopped, 1);
  });
});
