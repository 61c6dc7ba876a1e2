import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Announcer } from '../../src/gossip/announcer.ts';
import {
  ANNOUNCE_INTERVAL_MS,
  ANNOUNCE_JITTER,
  ANNOUNCEMENT_ROUNDING_SECONDS,
  ANNOUNCEMENT_TTL_SECONDS,
  MIN_RENEWAL_SECONDS,
  WELCOME_INTERVAL_MS,
} from '../../src/gossip/limits.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { decodeAnnouncement } from '../../src/wire/announcement.ts';
import { ManualClock } from '../manual-clock.ts';

const DAY_MS = 24 * 60 * 60_000;
const signer = nodeProvider.ed25519.signer(new Uint8Array(32).fill(1));

function scene() {
  const clock = new ManualClock();
  const said: { atMs: number; bytes: Uint8Array }[] = [];
  const publish = async (bytes: Uint8Array): Promise<void> => {
    said.push({ atMs: clock.now(), bytes });
    throw new Error('nobody is there');
  };
  const announcer = new Announcer({ clock, random: systemRandom, publish });
  return { clock, said, announcer };
}

describe('a public node', () => {
  test('announces itself at once and again every few hours, never evenly', async () => {
    const { clock, said, announcer } = scene();
    const stop = announcer.start(signer);
    await clock.advance(0);
    await clock.advance(10 * DAY_MS);
    stop();
    const gaps = said.slice(1).map(({ atMs }, i) => atMs - (said[i]?.atMs ?? 0));
    assert.equal(said[0]?.atMs, new ManualClock().now());
    assert.ok(gaps.length >= 24 && gaps.length <= 40, `${gaps.length}`);
    for (const gap of gaps)
      assert.ok(Math.abs(gap - ANNOUNCE_INTERVAL_MS) <= ANNOUNCE_JITTER * ANNOUNCE_INTERVAL_MS, `${gap}`);
    assert.ok(new Set(gaps).size > gaps.length / 2);
    // each is news to others, and several can be lost
    assert.ok(Math.min(...gaps) > (MIN_RENEWAL_SECONDS + ANNOUNCEMENT_ROUNDING_SECONDS) * 1000);
    assert.ok(3 * Math.max(...gaps) < ANNOUNCEMENT_TTL_SECONDS * 1000);
    await clock.advance(DAY_MS);
    assert.equal(said.length, gaps.length + 1);
    assert.equal(clock.sleeping, 0);
  });

  test('tells the time in steps of ten minutes', async () => {
    const { clock, said, announcer } = scene();
    clock.setWall(1_700_000_000_123);
    announcer.start(signer);
    await clock.advance(0);
    announcer.stop();
    const { issued, expiry } = decodeAnnouncement(said[0]?.bytes ?? new Uint8Array(0));
    assert.equal(issued % ANNOUNCEMENT_ROUNDING_SECONDS, 0);
    assert.ok(1_700_000_000 - issued < ANNOUNCEMENT_ROUNDING_SECONDS && issued <= 1_700_000_000);
    assert.equal(expiry - issued, ANNOUNCEMENT_TTL_SECONDS);
  });

  test('has an announcement for new neighbours while it runs and while that is good', () => {
    const { clock, announcer } = scene();
    assert.equal(announcer.current(), null);
    const stop = announcer.start(signer);
    assert.notEqual(announcer.current(), null);
    const again = announcer.start(signer);
    stop();
    assert.notEqual(announcer.current(), null, 'the end of the first start is not that of the second');
    // the machine slept for days
    clock.setWall(clock.now() + 3 * DAY_MS);
    assert.equal(announcer.current(), null);
    again();
    assert.equal(announcer.current(), null);
  });

  test('welcomes a neighbour once in a while, however often it comes', async () => {
    const { clock, announcer } = scene();
    assert.ok(announcer.mayWelcome('a'));
    assert.ok(!announcer.mayWelcome('a'));
    assert.ok(announcer.mayWelcome('b'));
    await clock.advance(WELCOME_INTERVAL_MS);
    assert.ok(announcer.mayWelcome('a'));
  });
});
