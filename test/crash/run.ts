/**
 * `npm run test:crash -- [--points N] [--kills N] [--losses N] [--seed N] [--only K]
 * [--json]`: everything that a crash may not do. Simulated crashes at N steps of two people's databases and deliveries,
 * then N rounds of restored backups and of data files put back, then N real kill -9. Exit code 1 when anything was lost,
 * doubled, reused or stuck.
 *
 * A failure is told with what shows it again: `--seed S --points N --only K` runs that point alone, the seed of a loss
 * with `--points 0 --losses 1 --kills 0` that loss. Kills depend on the machine too, and can only be tried again.
 */

import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { killAll } from './kills.ts';
import { LOSSES, lose } from './losses.ts';
import { makeFriends, tell } from './points.ts';
import type { Friends } from './story.ts';
import { storyDir } from './world.ts';

/** Things that are done in one story: enough that each kind of message is there, twice. */
const ACTIONS = 24;
/** Messages a second of each side. */
const RATE = 20;
/** Lives last up to this, ms, so that some end while they start and most while they work. */
const LIFE_MS = 4_000;

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '1000' },
    kills: { type: 'string', default: '100' },
    losses: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const seed = count('seed', values.seed);
const only = values.only === undefined ? null : count('only', values.only);
const dir = storyDir();
let failures = 0;

try {
  say('begin', `seed ${seed}`, { seed });
  const friends = await makeFriends(seed, dir);
  await points(friends, count('points', values.points));
  if (only === null) {
    await losses(friends, count('losses', values.losses));
    await kills(count('kills', values.kills));
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}
say('end', failures === 0 ? 'nothing was lost, doubled, reused or stuck' : `${failures} FAILED`, {
  failures,
});
process.exit(failures === 0 ? 0 : 1);

/** Half of them among friends, half from the first knock on; both stories are cut at even distances, again with other seeds. */
async function points(friends: Friends, wanted: number): Promise<void> {
  const startedAt = performance.now();
  let [crashes, done] = [0, 0];
  for (const who of ['friends', 'strangers'] as const) {
    const share = who === 'friends' ? Math.ceil(wanted / 2) : Math.floor(wanted / 2);
    if (share === 0) continue;
    const init = { dir, friends: who === 'friends' ? friends : null, actions: ACTIONS };
    const whole = await tell({ ...init, seed, point: Infinity });
    for (let i = 0; i < share; i++) {
      const round = Math.floor(i / whole.points);
      const point = 1 + (Math.floor((i * whole.points) / Math.min(share, whole.points)) % whole.points);
      const id = 2 * i + (who === 'friends' ? 0 : 1);
      if (only !== null && id !== only) continue;
      const end = await attempt(`point ${id}`, { id, who, point }, () =>
        tell({ ...init, seed: seed + round, point }),
      );
      crashes += end?.crashes ?? 0;
      done += 1;
      if (done % 50 === 0) {
        const seconds = Math.round((performance.now() - startedAt) / 1000);
        say('points', `${done} points, ${crashes} crashes, ${seconds} s`, { done, crashes, seconds });
      }
    }
  }
  say('points', `${done} points, ${crashes} crashes, ${failures} failed`, { done, crashes, failures });
}

async function losses(friends: Friends, rounds: number): Promise<void> {
  let done = 0;
  for (let i = 0; i < rounds; i++) {
    for (const loss of LOSSES) {
      for (const who of ['host', 'asker'] as const) {
        const told = { seed: seed + i, loss, who };
        await attempt(`${loss} of ${who}`, told, () =>
          lose({ ...told, dir, friends, crash: told.seed % 2 === 1 }),
        );
        done++;
      }
    }
  }
  say('losses', `${done} restored backups and files put back, ${failures} failed`, { done, failures });
}

async function kills(wanted: number): Promise<void> {
  if (wanted === 0) return;
  const progress = (done: number): void => {
    if (done % 10 < 2) say('kills', `${done} of ${wanted} kills`, { done });
  };
  const end = await attempt('kills', {}, () =>
    killAll({ dir, seed, kills: wanted, rate: RATE, lifeMs: LIFE_MS, progress }),
  );
  if (end !== null) {
    const { kills, early, messages, settledMs } = end;
    const text = `${kills} kills (${early} while starting), ${messages} messages, all there after ${settledMs} ms`;
    say('kills', text, { ...end });
  }
}

/** Null where it failed, which is told. */
async function attempt<T>(what: string, told: object, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    failures++;
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    say('failed', `${what} FAILED (seed ${seed}) ${JSON.stringify(told)}: ${reason}`, {
      what,
      ...told,
      reason,
    });
    return null;
  }
}

function say(event: string, text: string, data: object): void {
  console.log(values.json ? JSON.stringify({ event, ...data }) : text);
}

function count(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0 && number < 2 ** 31) return number;
  process.stderr.write(`--${name} takes a whole number\n`);
  return process.exit(2);
}
