/**
 * The network at its worst, for whole people on the fake onion network: dials fail, circuits are cut in the middle of
 * messages, everything stands still for a while, both dial at once. All that was saved arrives once and in order.
 *
 * With KITH_LONG=1 at full size: minutes of it, and stalls of ten seconds.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageView } from '../../src/node/people-face.ts';
import { fromHex } from '../../src/safety/bytes.ts';
import { seededChance } from '../../src/testnet/seeded.ts';
import { befriend, PeopleNetwork, type PeopleNode } from './people-nodes.ts';

const LONG = process.env['KITH_LONG'] === '1';
const SEED = 5;
const LOSS = 0.3;
const SCALE = LONG
  ? { drillMs: 180_000, stallMs: 10_000, patienceMs: 10 * 60_000 }
  : { drillMs: 3_000, stallMs: 700, patienceMs: 40_000 };
/** Of each side: 20 a second. */
const WRITE_EVERY_MS = 50;

let network: PeopleNetwork;
let alice: PeopleNode;
let bob: PeopleNode;

before(async () => {
  network = await PeopleNetwork.create({ delayMs: 5, jitterMs: 20, seed: SEED });
  [alice, bob] = await Promise.all([network.node('alice'), network.node('bob')]);
  await befriend(alice, bob);
});
after(() => network.remove());

test('failing dials, cut circuits, stalls and links dialed at once lose, double and reorder nothing', {
  timeout: SCALE.drillMs + SCALE.patienceMs + 30_000,
}, async () => {
  const chance = seededChance(SEED);
  network.network.set({ loss: LOSS });
  const over = new AbortController();
  const done = [write(alice, 'bob', over.signal), write(bob, 'alice', over.signal)];
  const trouble = { cuts: 0, stalls: 0, crossings: 0 };
  const endsAt = performance.now() + SCALE.drillMs;
  while (performance.now() < endsAt) {
    // trouble comes one after the other
    // oxlint-disable-next-line no-await-in-loop
    await sleep(chance() * 600);
    const kind = chance();
    if (kind < 0.5) {
      trouble.cuts += network.network.kill() > 0 ? 1 : 0;
      await cross(trouble);
    } else if (kind < 0.7) await stall(trouble);
    else await cross(trouble);
  }
  await stall(trouble);
  over.abort();
  const saved = await Promise.all(done);
  assert.ok(trouble.cuts > 0 && trouble.stalls > 0 && trouble.crossings > 0, JSON.stringify(trouble));
  await arrived(saved.map((texts) => texts.length));
  network.network.set({ loss: 0 });
  compare(alice, bob, saved[0] ?? []);
  compare(bob, alice, saved[1] ?? []);
});

/** Writes until `over`; what was saved. */
async function write(node: PeopleNode, who: string, over: AbortSignal): Promise<string[]> {
  const saved: string[] = [];
  while (!over.aborted) {
    const text = `${node.name} ${saved.length}`;
    // long ones are cut in the middle
    node.calls.send(who, { text: saved.length % 7 === 0 ? text.padEnd(9_000, '.') : text });
    saved.push(text);
    // at a rate
    // oxlint-disable-next-line no-await-in-loop
    await sleep(WRITE_EVERY_MS);
  }
  return saved;
}

async function stall(trouble: { stalls: number }): Promise<void> {
  trouble.stalls++;
  network.network.stall();
  await sleep(SCALE.stallMs);
  network.network.resume();
}

/** Both sides dial now, whatever there is. */
async function cross(trouble: { crossings: number }): Promise<void> {
  trouble.crossings++;
  for (const [node, who] of [
    [alice, 'bob'],
    [bob, 'alice'],
  ] as const) {
    node.people.links.want(fromHex(node.calls.friend(who).id), true);
  }
  await sleep(5);
}

/** Everything was acknowledged on both sides. */
async function arrived(counts: readonly number[]): Promise<void> {
  const giveUpAt = performance.now() + SCALE.patienceMs;
  for (;;) {
    const waiting = [alice, bob].map((node) => node.people.stats().waiting);
    if (waiting.every((count) => count === 0)) return;
    if (performance.now() > giveUpAt)
      assert.fail(`of ${counts.join(' and ')}, ${waiting.join(' and ')} still wait`);
    // oxlint-disable-next-line no-await-in-loop
    await sleep(50);
  }
}

function compare(author: PeopleNode, reader: PeopleNode, saved: readonly string[]): void {
  const short = (text: string): string => text.replace(/\.+$/, '');
  const own = all(author, reader.name).filter(({ mine }) => mine);
  const theirs = all(reader, author.name).filter(({ mine }) => !mine);
  assert.deepEqual(
    own.map(({ text }) => short(text)),
    saved,
  );
  assert.deepEqual(
    theirs.map(({ id, text }) => [id, text]),
    own.map(({ id, text }) => [id, text]),
  );
  assert.ok(own.every(({ state }) => state === 'delivered'));
}

function all(node: PeopleNode, who: string): MessageView[] {
  const found: MessageView[] = [];
  for (let after = 0; ; ) {
    const page = node.calls.history(who, { after, limit: 200 });
    found.push(...page);
    const last = page.at(-1);
    if (last === undefined) return found;
    after = last.seq;
  }
}
