/** A small part of `npm run test:crash` (run.ts): some points of each kind, backups of each kind, a few real kills. */

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { systemRandom } from '../../src/safety/random.ts';
import { killAll } from './kills.ts';
import { LOSSES, lose } from './losses.ts';
import { makeFriends, tell } from './points.ts';
import type { Friends } from './story.ts';
import { storyDir, World } from './world.ts';

const SEED = 1;
const ACTIONS = 13;
/** Of each of two stories. */
const POINTS = 4;
const KILLS = 2;

let dir: string;
let friends: Friends;

before(async () => {
  dir = storyDir();
  friends = await makeFriends(SEED, dir);
});
after(() => rmSync(dir, { recursive: true, force: true }));

for (const who of ['friends', 'strangers'] as const) {
  test(`${who}: a crash at any step of either side loses, doubles and reuses nothing`, async () => {
    const init = { dir, seed: SEED, friends: who === 'friends' ? friends : null, actions: ACTIONS };
    const { points } = await tell({ ...init, point: Infinity });
    assert.ok(points > 500, `only ${points} points`);
    const ends = [];
    for (let i = 0; i < POINTS; i++) {
      // one story after the other: each has the whole clock
      // oxlint-disable-next-line no-await-in-loop
      ends.push(await tell({ ...init, point: 7 + Math.floor((i * points) / POINTS) }));
    }
    assert.ok(ends.every(({ crashes, at }) => crashes > 0 && at !== ''));
  });
}

for (const [i, loss] of LOSSES.entries()) {
  test(`${loss}: who went back in time and who went on find together again`, () =>
    lose({ seed: SEED, dir, friends, loss, who: i % 2 === 0 ? 'host' : 'asker', crash: i % 2 === 1 }));
}

test('kill -9: what was saved arrives once and in order', async () => {
  const { kills, messages } = await killAll({
    dir,
    seed: SEED,
    kills: KILLS,
    rate: 20,
    lifeMs: 1_500,
    progress: () => {},
  });
  assert.ok(kills >= KILLS);
  assert.ok(messages > 20);
});

test('a key and nonce that seal two things are noticed', () => {
  const world = new World(SEED, dir);
  const [key, nonce] = [systemRandom(32), systemRandom(12)];
  for (const what of [1, 1, 2])
    world.provider.aes256Gcm.seal(key, nonce, new Uint8Array(0), Uint8Array.of(what));
  assert.equal(world.reused, 1);
});
