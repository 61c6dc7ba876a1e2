import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KnownNodes } from '../../src/gossip/known-nodes.ts';
import {
  MAX_CLOCK_SKEW_SECONDS,
  MAX_KNOWN,
  MIN_REMAINING_SECONDS,
  MIN_RENEWAL_SECONDS,
  NEWCOMER_PLACES,
  NEWCOMERS_PER_PEER,
  WELCOME,
} from '../../src/gossip/limits.ts';
import { concat, toHex } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import type { Provider } from '../../src/safety/crypto/provider.ts';
import { systemRandom } from '../../src/safety/random.ts';
import {
  announcementSigningInput,
  encodeAnnouncement,
  MAX_ANNOUNCEMENT_TTL_SECONDS,
} from '../../src/wire/announcement.ts';
import { ed25519PeerId } from '../../src/wire/peer-id.ts';
import { ManualClock } from '../manual-clock.ts';

const DAY = 86_400;
const signer = nodeProvider.ed25519.signer(new Uint8Array(32).fill(1));

function scene(provider?: Provider) {
  const clock = new ManualClock();
  const nodes = new KnownNodes({ clock, random: systemRandom, ...(provider && { provider }) });
  const now = clock.now() / 1000;
  return { clock, nodes, now };
}

function announcement(issued: number, life = 2 * DAY, by = signer): Uint8Array {
  const unsigned = { publicKey: by.publicKey, issued, expiry: issued + life };
  return encodeAnnouncement({ ...unsigned, signature: by.sign(announcementSigningInput(unsigned)) });
}

/** One whose signature nobody looks at: making a thousand real ones takes a second. */
function unsigned(n: number, issued: number, life = MAX_ANNOUNCEMENT_TTL_SECONDS): Uint8Array {
  const publicKey = new Uint8Array(32);
  new DataView(publicKey.buffer).setUint32(0, n);
  return encodeAnnouncement({ publicKey, issued, expiry: issued + life, signature: new Uint8Array(64) });
}

const credulous: Provider = { ...nodeProvider, ed25519: { ...nodeProvider.ed25519, verify: () => true } };

describe('an announcement', () => {
  test('is accepted once; the same, an older and a hasty newer one are ignored', () => {
    const { nodes, now } = scene();
    assert.equal(nodes.judge(announcement(now)), 'accept');
    assert.equal(nodes.judge(announcement(now)), 'ignore');
    assert.equal(nodes.judge(announcement(now - MIN_RENEWAL_SECONDS)), 'ignore');
    assert.equal(nodes.judge(announcement(now + MIN_RENEWAL_SECONDS - 1)), 'ignore');
    assert.equal(nodes.list()[0]?.issuedMs, now * 1000);
  });

  test('that renews is accepted, and told of', async () => {
    const { nodes, now, clock } = scene();
    const told: number[] = [];
    const end = nodes.onKnown(({ issuedMs }) => told.push(issuedMs / 1000));
    nodes.judge(announcement(now));
    await clock.advance(MIN_RENEWAL_SECONDS * 1000);
    assert.equal(nodes.judge(announcement(now + MIN_RENEWAL_SECONDS)), 'accept');
    assert.deepEqual(told, [now, now + MIN_RENEWAL_SECONDS]);
    assert.equal(nodes.list().length, 1);
    end();
    nodes.judge(announcement(now + 2 * MIN_RENEWAL_SECONDS));
    assert.equal(told.length, 2);
  });

  test('of the future counts as far as clocks may differ', () => {
    const { nodes, now } = scene();
    assert.equal(nodes.judge(announcement(now + MAX_CLOCK_SKEW_SECONDS + 1)), 'ignore');
    assert.equal(nodes.judge(announcement(now + MAX_CLOCK_SKEW_SECONDS)), 'accept');
  });

  test('that has expired is ignored, and one that expires is forgotten', async () => {
    const { nodes, now, clock } = scene();
    assert.equal(nodes.judge(announcement(now - DAY, DAY)), 'ignore');
    nodes.judge(announcement(now - DAY + 1, 2 * DAY));
    assert.equal(nodes.list().length, 1);
    await clock.advance((DAY + 1) * 1_000);
    assert.deepEqual(nodes.list(), []);
  });

  test('that the next hops would find too old is ignored: it would mark this node', () => {
    const { nodes, now } = scene();
    assert.equal(nodes.judge(announcement(now, 1)), 'ignore');
    assert.equal(nodes.judge(announcement(now, MIN_REMAINING_SECONDS)), 'ignore');
    assert.equal(nodes.judge(announcement(now, MIN_REMAINING_SECONDS + 1)), 'accept');
  });

  test("of somebody else's onion, or changed anywhere, is rejected", () => {
    const { nodes, now } = scene();
    const stranger = nodeProvider.ed25519.signer(new Uint8Array(32).fill(2));
    const theirs = { publicKey: signer.publicKey, issued: now, expiry: now + 2 * DAY };
    const signature = stranger.sign(announcementSigningInput(theirs));
    assert.equal(nodes.judge(encodeAnnouncement({ ...theirs, signature })), 'reject');
    // keys, the last byte of each time, and the signature
    for (const at of [0, 1, 32, 40, 48, 49, 112]) {
      const changed = announcement(now);
      changed[at] = (changed[at] as number) ^ 1;
      assert.equal(nodes.judge(changed), 'reject', `byte ${at}`);
    }
    assert.equal(nodes.judge(concat(announcement(now), Uint8Array.of(0))), 'reject');
    // the identity point signs anything under other rules
    const identity = encodeAnnouncement({
      ...theirs,
      publicKey: concat(Uint8Array.of(1), new Uint8Array(31)),
      signature,
    });
    assert.equal(nodes.judge(identity), 'reject');
    assert.deepEqual(nodes.list(), []);
  });

  test('of this node itself is ignored', () => {
    const { nodes, now } = scene();
    nodes.judge(announcement(now - MIN_RENEWAL_SECONDS));
    nodes.own(signer.publicKey);
    assert.deepEqual(nodes.list(), []);
    assert.equal(nodes.judge(announcement(now)), 'ignore');
  });
});

describe('the list', () => {
  test('keeps those known longest through any flood', () => {
    const { nodes, now } = scene(credulous);
    for (let i = 0; i < 5 * MAX_KNOWN; i++) assert.equal(nodes.judge(unsigned(i, now)), 'accept');
    const known = nodes.list().map(({ onion }) => toHex(onion.publicKey));
    assert.equal(known.length, MAX_KNOWN);
    const first = Array.from({ length: MAX_KNOWN - NEWCOMER_PLACES }, (_, i) => unsigned(i, now));
    for (const [i, bytes] of first.entries()) assert.equal(known[i], toHex(bytes.subarray(1, 33)));
  });

  test('makes room of what has expired first', async () => {
    const { nodes, now, clock } = scene(credulous);
    for (let i = 0; i < MAX_KNOWN; i++) nodes.judge(unsigned(i, i === 0 ? now - DAY / 2 : now));
    await clock.advance(1.5 * DAY * 1000);
    nodes.judge(unsigned(MAX_KNOWN, clock.now() / 1000));
    const known = new Set(nodes.list().map(({ onion }) => toHex(onion.publicKey)));
    assert.equal(known.size, MAX_KNOWN);
    assert.ok(!known.has(toHex(unsigned(0, now).subarray(1, 33))));
  });

  test('takes a share of new keys from each peer, refilled with time; known keys are free', async () => {
    const { nodes, now, clock } = scene(credulous);
    nodes.judge(announcement(now));
    const admitted = (from: string, first: number): number =>
      Array.from({ length: 100 }, (_, i) => nodes.admit(unsigned(first + i, now), from)).filter(Boolean)
        .length;
    assert.equal(admitted('a', 0), NEWCOMERS_PER_PEER.burst);
    assert.equal(admitted('a', 100), 0);
    assert.ok(nodes.admit(announcement(now), 'a'));
    assert.equal(admitted('b', 200), NEWCOMERS_PER_PEER.burst);
    await clock.advance(1000 / NEWCOMERS_PER_PEER.perSecond);
    assert.equal(admitted('a', 300), 1);
  });

  test('is told to a newcomer in part, at random, and without itself', () => {
    const { nodes, now } = scene(credulous);
    nodes.judge(announcement(now));
    assert.deepEqual(nodes.sample(ed25519PeerId(signer.publicKey)), []);
    assert.deepEqual(nodes.sample('somebody'), [announcement(now)]);
    for (let i = 0; i < 200; i++) nodes.judge(unsigned(i, now));
    const [one, another] = [nodes.sample('x'), nodes.sample('x')].map((list) => new Set(list.map(toHex)));
    assert.equal(one?.size, WELCOME);
    assert.notDeepEqual(one, another);
  });
});
