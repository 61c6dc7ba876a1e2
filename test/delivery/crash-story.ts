/** Two people who write to each other while either process ends at any moment. */

import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { Crash, FastClock, Person, watchedProvider } from './person.ts';
import { type Faults, NO_FAULTS, until, Wire } from './wire.ts';

/** mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface StoryResult {
  readonly crashes: number;
  readonly written: number;
  readonly sent: number;
  readonly applied: number;
}

/** Runs what may end in a crash of the person. */
function mayCrash(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
}

/** Both write while either ends at any step; in the end everything that was saved is there once, in order. */
export async function story(seed: number, faults: Faults, crashes: number): Promise<StoryResult> {
  const chance = seeded(seed);
  const clock = new FastClock();
  const provider = watchedProvider();
  const a = new Person({ clock, provider });
  const b = new Person({ clock, provider });
  try {
    a.delivery.meet(b.delivery.bundle(), { fingerprint: b.id });
    b.delivery.meet(a.delivery.bundle(), { fingerprint: a.id });
    const wire = new Wire(a, b, faults, chance);
    wire.connect();
    let written = 0;
    while (a.crashes + b.crashes < crashes) {
      const victim = chance() < 0.5 ? a : b;
      victim.fuse = victim.steps + 1 + Math.floor(chance() ** 2 * 150);
      for (let i = 0; i < 40 && !victim.isDead; i++) {
        const [x, y] = chance() < 0.5 ? [a, b] : [b, a];
        mayCrash(() => x.write(y.id, `${written++}`, chance() < 0.1 ? 9_000 : 0));
        if (chance() < 0.4) await pause(0);
      }
      // where it does not come that far it ends between two steps
      await until(() => victim.isDead, 100, 'the crash').catch(() => {});
      wire.disconnect();
      victim.restart();
      wire.connect();
    }
    wire.faults = chance() < 0.5 ? NO_FAULTS : faults;
    await until(() => a.delivery.waiting(b.id) + b.delivery.waiting(a.id) === 0, 20_000, 'delivery').catch(
      (error: unknown) => {
        const left = { a: a.delivery.outbox(b.id), b: b.delivery.outbox(a.id), sent: wire.sent.length };
        throw new Error(`stuck: ${inspect(left, { depth: 3 })}`, { cause: error });
      },
    );
    assert.deepEqual(b.applied(a.id), a.written(b.id));
    assert.deepEqual(a.applied(b.id), b.written(a.id));
    assert.equal(provider.reused(), 0, 'no key and nonce seal two plaintexts');
    return {
      crashes: a.crashes + b.crashes,
      written,
      sent: wire.sent.length,
      applied: a.applied(b.id).length + b.applied(a.id).length,
    };
  } finally {
    a.end();
    b.end();
  }
}
