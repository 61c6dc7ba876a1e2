import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EntryPoints } from '../../src/dht/entry-points.ts';
import { stayJoined } from '../../src/node/joining.ts';
import type { Member } from '../../src/node/member.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { type OnionAddress, onionOf } from '../../src/wire/onion.ts';
import { ManualClock } from '../manual-clock.ts';

const onions = (count: number): OnionAddress[] =>
  Array.from({ length: count }, () => onionOf(systemRandom(32)));

/** A member whose peers are what a test says; `answers` tells which onions let it in. */
function rig(known: readonly OnionAddress[], answers: (onion: OnionAddress) => boolean) {
  const clock = new ManualClock();
  const entryPoints = new EntryPoints({ fixed: known, clock, random: systemRandom });
  const state = { peers: 0, entered: [] as OnionAddress[], looks: [] as boolean[] };
  const member = {
    peers: () => Array.from({ length: state.peers }, () => ''),
    dht: {
      enter: async (onion: OnionAddress) => {
        state.entered.push(onion);
        if (!answers(onion)) throw new Error('unreachable');
      },
    },
  } as unknown as Member;
  const stop = new AbortController();
  let nudge = new AbortController();
  const running = stayJoined(
    { member, entryPoints, clock, chance: () => 0.999, onLook: (somebody) => state.looks.push(somebody) },
    () => nudge.signal,
    stop.signal,
  );
  return {
    clock,
    state,
    entryPoints,
    running,
    stop,
    nudge: () => {
      nudge.abort();
      nudge = new AbortController();
    },
  };
}

test('enters through three at a time, again and again at growing intervals, until there are enough peers', async () => {
  const { clock, state, stop, running } = rig(onions(10), () => true);
  await clock.advance(0);
  assert.equal(state.entered.length, 3);
  await clock.advance(6_000);
  assert.equal(state.entered.length, 6);
  await clock.advance(6_000);
  assert.equal(state.entered.length, 6, 'the second pause is longer');
  await clock.advance(6_000);
  assert.equal(state.entered.length, 9);
  state.peers = 6;
  await clock.advance(600_000);
  assert.equal(state.entered.length, 9);
  state.peers = 5;
  await clock.advance(60_000);
  assert.ok(state.entered.length >= 12, 'and again when they have gone');
  stop.abort();
  await running;
});

test('tells who answered and who did not', async () => {
  const [good, bad] = onions(2) as [OnionAddress, OnionAddress];
  const { clock, entryPoints, stop, running } = rig([good, bad], ({ host }) => host === good.host);
  await clock.advance(0);
  const [first, second] = entryPoints.list();
  assert.equal(first?.onion.host, good.host);
  assert.equal(first?.reachedAtMs, clock.now());
  assert.equal(second?.failures, 1);
  stop.abort();
  await running;
});

test('who knows nobody says so, and looks at once when there is somebody', async () => {
  const { clock, state, entryPoints, nudge, stop, running } = rig([], () => true);
  await clock.advance(0);
  assert.deepEqual(state.looks, [false]);
  entryPoints.learned(onions(1)[0] as OnionAddress, clock.now());
  nudge();
  await clock.advance(0);
  assert.equal(state.entered.length, 1);
  assert.equal(state.looks.at(-1), true);
  stop.abort();
  await running;
});
