import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EntryPoints } from '../../src/dht/entry-points.ts';
import type { Member } from '../../src/node/member.ts';
import { Membership, type Standing } from '../../src/node/membership.ts';
import { silent } from '../../src/safety/log.ts';
import { type OnionAddress, onionOf } from '../../src/wire/onion.ts';
import { ManualClock } from '../manual-clock.ts';

const EPOCHS = { lengthMs: 1000_000, windowMs: 100_000 };

/** Members that only say what is done with them. `refuse`: how many starts fail first. */
function rig(epochs: typeof EPOCHS | null, { refuse = 0, friendless = false } = {}) {
  const clock = new ManualClock(5_000_000_000);
  const told: string[] = [];
  const arrived: string[] = [];
  let made = 0;
  let left = refuse;
  const create = async (): Promise<Member> => {
    const name = `m${made++}`;
    told.push(`${name} made`);
    return {
      name,
      onion: onionOf(new Uint8Array(32).fill(made)),
      peers: () => [],
      avoid: ({ publicKey }: OnionAddress) => told.push(`${name} avoids m${(publicKey[0] as number) - 1}`),
      start: async () => {
        if (left-- > 0) throw new Error('no tor');
        told.push(`${name} up`);
      },
      dht: {
        ready: (signal: AbortSignal) =>
          friendless
            ? new Promise((_resolve, reject) => {
                signal.addEventListener('abort', () => reject(signal.reason));
              })
            : Promise.resolve(),
      },
      leave: async (handOnMs: number) => void told.push(`${name} gone (${handOnMs / 1000} s)`),
    } as unknown as Member;
  };
  const draws = [0.25, 0.75];
  let standing: Standing | undefined;
  const membership = new Membership({
    create,
    epochs,
    entryPoints: new EntryPoints({ clock, random: (size) => new Uint8Array(size) }),
    clock,
    chance: () => draws.shift() ?? 0.5,
    log: silent,
    onArriving: ({ onion }) => arrived.push(onion.host),
    onChange: (now) => {
      standing = now;
    },
  });
  const stop = new AbortController();
  const running = membership.run(stop.signal);
  return { clock, told, arrived, membership, running, stop, standing: () => standing };
}

test('a handle changes once in each epoch: the new one first, the old one later, neither knows the other', async () => {
  const { clock, told, running, stop, standing, membership } = rig(EPOCHS);
  await clock.advance(0);
  assert.deepEqual(told.splice(0), ['m0 made', 'm0 up']);
  assert.equal(standing()?.epoch, 5000);
  // the joining loop of a member with no peers draws too: of the window, what is left to know is the order
  await clock.advance(999_999);
  assert.deepEqual(told.splice(0), []);
  await clock.advance(100_001 + 30_000);
  assert.deepEqual(told.splice(0), ['m1 made', 'm0 avoids m1', 'm1 avoids m0', 'm1 up', 'm0 gone (900 s)']);
  assert.equal(standing()?.epoch, 5001);
  assert.equal(membership.members().length, 1);
  stop.abort();
  await running;
  assert.deepEqual(told, ['m1 gone (5 s)']);
});

test('while both handles are there a stop ends both, each once', async () => {
  const { clock, told, running, stop, membership } = rig(EPOCHS, { friendless: true });
  await clock.advance(0);
  await clock.advance(1_130_000);
  assert.equal(membership.members().length, 2, 'the old one waits until the new one has peers');
  told.splice(0);
  stop.abort();
  await running;
  assert.deepEqual(told.toSorted(), ['m0 gone (5 s)', 'm1 gone (5 s)']);
});

test('an old handle does not wait for ever for a new one that finds nobody', async () => {
  const { clock, told, running, stop } = rig(EPOCHS, { friendless: true });
  await clock.advance(0);
  await clock.advance(1_130_000 + 600_000);
  assert.ok(told.includes('m0 gone (900 s)'));
  stop.abort();
  await running;
});

test('a public node stays the same', async () => {
  const { clock, told, running, stop, standing } = rig(null);
  await clock.advance(0);
  await clock.advance(5_000_000);
  assert.deepEqual(told.splice(0), ['m0 made', 'm0 up']);
  assert.equal(standing()?.epoch, 0);
  stop.abort();
  await running;
});

test('a member that cannot start is tried again, as a new one', async () => {
  const { clock, told, running, stop, standing } = rig(EPOCHS, { refuse: 2 });
  await clock.advance(0);
  assert.equal(standing()?.trouble?.message, 'no tor');
  await clock.advance(20_000);
  assert.deepEqual(told, ['m0 made', 'm1 made', 'm2 made', 'm2 up']);
  assert.equal(standing()?.trouble, null);
  stop.abort();
  await running;
});

test('who knows nobody is told so', async () => {
  const { clock, running, stop, standing } = rig(null);
  await clock.advance(0);
  assert.equal(standing()?.knowsSomebody, false);
  stop.abort();
  await running;
});

test('a clock that was ahead and is set right is noticed: the handle changes then, and goes on changing', async () => {
  const { clock, told, running, stop, standing } = rig(EPOCHS);
  await clock.advance(0);
  clock.setWall(clock.now() - 20_500_000);
  await clock.advance(40_000);
  assert.equal(standing()?.epoch, 4979);
  told.splice(0);
  await clock.advance(1_000_000);
  assert.deepEqual(told, ['m2 made', 'm1 avoids m2', 'm2 avoids m1', 'm2 up', 'm1 gone (900 s)']);
  stop.abort();
  await running;
});

test('after a sleep through the window the old handle goes before the new one comes', async () => {
  const { clock, told, running, stop, standing } = rig(EPOCHS);
  await clock.advance(0);
  told.splice(0);
  clock.setWall(5_003_500_000);
  await clock.advance(40_000);
  assert.deepEqual(told, ['m0 gone (0 s)', 'm1 made', 'm1 up']);
  assert.equal(standing()?.epoch, 5003);
  stop.abort();
  await running;
});

test('whoever must not meet a new member is told before it is up', async () => {
  const { clock, arrived, running, stop, standing } = rig(EPOCHS, { refuse: 1 });
  await clock.advance(0);
  assert.equal(arrived.length, 1);
  assert.equal(standing()?.current, undefined);
  stop.abort();
  await running;
});
