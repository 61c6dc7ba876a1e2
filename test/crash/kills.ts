/**
 * Real kill -9: two nodes' people in processes of their own, on a fake onion network in this one, write to each other all
 * the time while one or both are ended at any moment and started again. What was saved has to arrive once and in order.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FakeNetwork } from '../../src/testnet/fake-proxy.ts';
import type { FakeTor } from '../../src/testnet/fake-tor.ts';
import { seededChance } from '../../src/testnet/seeded.ts';
import { PersonProcess } from './person-process.ts';

export interface KillsInit {
  readonly dir: string;
  readonly seed: number;
  readonly kills: number;
  /** Messages a second of each. */
  readonly rate: number;
  /** Longest time between two kills, ms. */
  readonly lifeMs: number;
  readonly progress: (kills: number) => void;
}

export interface KillsEnd {
  readonly kills: number;
  /** Lives that ended before they had begun to work. */
  readonly early: number;
  readonly messages: number;
  /** From the last start until all of it had arrived, ms. */
  readonly settledMs: number;
}

/** Longer than all pauses of links and delivery: a friend of today is dialed again within two minutes. */
const PATIENCE_MS = 240_000;

export async function killAll({ dir, seed, kills, rate, lifeMs, progress }: KillsInit): Promise<KillsEnd> {
  const chance = seededChance(seed);
  const network = new FakeNetwork({ dir, delayMs: 5, jitterMs: 10, seed });
  const tors = [network.tor(), network.tor()];
  await Promise.all(tors.map((tor) => tor.start()));
  const children = ['a', 'b'].map(
    (name, i) => new PersonProcess(name, join(dir, name), tors[i] as FakeTor, rate),
  );
  const [a, b] = children as [PersonProcess, PersonProcess];
  let [done, early] = [0, 0];
  try {
    await Promise.all(
      [a, b].map(async (child) => {
        child.start();
        await child.ready();
      }),
    );
    await befriend(a, b);
    await Promise.all([a.call('begin'), b.call('begin')]);
    await sleep(500);
    while (done < kills) {
      await sleep(chance() * lifeMs);
      const victims = chance() < 0.2 ? [a, b] : [chance() < 0.5 ? a : b];
      early += victims.filter(({ isReady }) => !isReady).length;
      await Promise.all(victims.map((child) => child.kill()));
      done += victims.length;
      progress(done);
      await sleep(chance() * 100);
      for (const child of victims) {
        child.start();
        void child.ready().then(
          () => child.call('begin').catch(() => {}),
          () => {}, // killed before
        );
      }
    }
    const settledMs = await settle(a, b);
    return { kills: done, early, messages: await compare(a, b), settledMs };
  } finally {
    await Promise.all(children.map((child) => child.end()));
    await network.stop();
  }
}

async function befriend(a: PersonProcess, b: PersonProcess): Promise<void> {
  const uri = await a.call('invite');
  await eventually('the door is open', () => a.call('doorIsOpen'));
  await b.call('add', uri);
  await eventually('the request is there', () => a.call('accept'));
  await eventually('they are friends', async () => (await a.call('isFriend')) === true && b.call('isFriend'));
}

/** Nobody writes but one message each, and everything arrives. */
async function settle(a: PersonProcess, b: PersonProcess): Promise<number> {
  const startedAt = performance.now();
  await Promise.all(
    [a, b].map(async (child) => {
      await child.ready();
      await child.call('quiet');
      await child.call('write');
    }),
  );
  await eventually('everything arrives', async () => {
    const reports = await Promise.all([a.report(), b.report()]);
    return reports.every(({ waiting }) => waiting === 0);
  });
  return Math.round(performance.now() - startedAt);
}

async function compare(a: PersonProcess, b: PersonProcess): Promise<number> {
  const [first, second] = await Promise.all([a.report(), b.report()]);
  for (const [author, of, reader] of [
    [a, first, second],
    [b, second, first],
  ] as const) {
    const own = of.messages.filter(({ mine }) => mine);
    const theirs = reader.messages.filter(({ mine }) => !mine);
    assert.deepEqual(
      theirs.map(({ id, text }) => `${id} ${text}`),
      own.map(({ id, text }) => `${id} ${text}`),
      `what ${author.name} wrote, in order`,
    );
    assert.equal(new Set(own.map(({ id }) => id)).size, own.length);
    assert.deepEqual([...new Set(own.map(({ state }) => state))], ['delivered']);
    assert.equal(of.toldTwice, 0);
    const texts = own.map(({ text }) => text);
    const known = new Set(texts);
    const saved = author.saved();
    assert.deepEqual(
      saved.filter((text) => !known.has(text)),
      [],
      `everything that ${author.name} had saved is there`,
    );
    const returned = new Set(saved);
    assert.deepEqual(
      texts.filter((text) => returned.has(text)),
      saved,
      'in the order of saving',
    );
  }
  return first.messages.length;
}

async function eventually(what: string, is: () => Promise<unknown>): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while ((await is()) !== true) {
    if (performance.now() > giveUpAt) assert.fail(`${what}: not within ${PATIENCE_MS} ms`);
    await sleep(50);
  }
}
