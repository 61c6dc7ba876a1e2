import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { PeerId } from '@libp2p/interface';
import { FIRST_LOOK_PAUSE_MS, LOOK_AGAIN_MS, LOOKS_IN_A_ROW } from '../../src/dht/limits.ts';
import { Neighbourhood } from '../../src/dht/neighbourhood.ts';
import { ManualClock } from '../manual-clock.ts';
import { peers } from './model.ts';

/** A neighbourhood of which each look shows a little more. */
class Around {
  readonly clock = new ManualClock();
  /** When looks were begun, ms. */
  readonly looks: number[] = [];
  table: PeerId[] = [];
  dead = new Set<PeerId>();
  disconnected = new Set<PeerId>();
  /** What the next looks find. */
  finds: PeerId[][] = [];
  readonly neighbourhood: Neighbourhood;
  readonly #listeners = new Set<() => void>();

  constructor(t: TestContext) {
    this.neighbourhood = new Neighbourhood({
      closest: () => this.table,
      onPeer: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      isConnected: (peer) => !this.disconnected.has(peer),
      look: async () => {
        this.looks.push(this.clock.monotonic());
        this.table.push(...(this.finds.shift() ?? []));
        return this.table.filter((peer) => !this.dead.has(peer));
      },
      clock: this.clock,
      chance: () => 1,
    });
    t.after(() => this.neighbourhood.stop());
    this.neighbourhood.start();
  }

  async meet(...some: PeerId[]): Promise<void> {
    this.table.push(...some);
    for (const listener of this.#listeners) listener();
    await this.clock.advance(0);
  }

  /** All looks that are done without a cause from outside. */
  async settle(): Promise<void> {
    await this.clock.advance(2 ** LOOKS_IN_A_ROW * FIRST_LOOK_PAUSE_MS);
  }
}

describe('Neighbourhood', { timeout: 5_000 }, () => {
  it('looks when it first knows somebody, and at growing intervals until there is nothing new', async (t) => {
    const around = new Around(t);
    await around.clock.advance(60_000);
    assert.deepEqual(around.looks, [], 'nobody to ask');
    around.finds = [peers(4), peers(3), peers(1)];
    await around.meet(...peers(1));
    await around.settle();
    const seconds = around.looks.map((atMs) => (atMs - 60_000) / FIRST_LOOK_PAUSE_MS);
    assert.deepEqual(seconds, [0, 1, 3, 7], 'three that showed somebody, and one that did not');
    await around.clock.advance(LOOK_AGAIN_MS);
    assert.equal(around.looks.length, 5, 'after a long rest');
  });

  it('goes on while somebody does not answer, but not for ever', async (t) => {
    const around = new Around(t);
    const [silent] = (around.table = peers(5));
    around.dead.add(silent as PeerId);
    await around.meet();
    await around.settle();
    assert.equal(around.looks.length, LOOKS_IN_A_ROW);
    around.table.shift();
    await around.clock.advance(LOOK_AGAIN_MS);
    await around.settle();
    assert.equal(around.looks.length, LOOKS_IN_A_ROW + 1);
  });

  it('looks at once when most of its neighbours have gone, not for one', async (t) => {
    const around = new Around(t);
    await around.meet(...peers(6));
    await around.settle();
    const before = around.looks.length;
    for (const peer of around.table.slice(0, 2)) {
      around.disconnected.add(peer);
      around.neighbourhood.disconnected();
    }
    await around.clock.advance(0);
    assert.equal(around.looks.length, before);
    around.disconnected.add(around.table[2] as PeerId);
    around.neighbourhood.disconnected();
    await around.clock.advance(0);
    assert.equal(around.looks.length, before + 1);
  });

  it('waits for somebody again when all have left the table', async (t) => {
    const around = new Around(t);
    const gone = peers(3);
    for (const peer of gone) around.dead.add(peer);
    await around.meet(...gone);
    around.table = [];
    await around.settle();
    assert.equal(around.looks.length, 1);
    await around.meet(...peers(2));
    await around.settle();
    assert.ok(around.looks.length >= 2);
  });

  it('ends when it is stopped', async (t) => {
    const around = new Around(t);
    await around.meet(...peers(3));
    around.neighbourhood.stop();
    await around.clock.advance(0);
    assert.equal(around.clock.sleeping, 0);
    await around.settle();
    assert.equal(around.looks.length, 1);
  });
});
