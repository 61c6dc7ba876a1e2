/** What a link is worth that was logged in with a key that others may have, and what is told to who is no friend. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { MOVE_INTERVAL_MS, PING_MAX_MS, PRESENCE_JITTER_MS } from '../../../src/friends/link/limits.ts';
import { type LoggedIn, logInAsDialer } from '../../../src/friends/link/login.ts';
import { linkLogin, type LinkRole } from '../../../src/kem/link-login.ts';
import type { SecureChannel } from '../../../src/net/channel.ts';
import { toHex } from '../../../src/safety/bytes.ts';
import { nodeProvider } from '../../../src/safety/crypto/node.ts';
import { systemRandom } from '../../../src/safety/random.ts';
import { encodeFrame } from '../../../src/wire/frame.ts';
import { decodeFriendFrame, encodeFriendFrame, type FriendFrame } from '../../../src/wire/friend-frame.ts';
import { carriedOf, type Home, keyOf, settle, until, Village } from './village.ts';

const PROVISIONAL = keyOf(1);
const PAIR = keyOf(2);
const NO_TAG = new Uint8Array(16);

let village: Village;
let alice: Home;
let bob: Home;
beforeEach(() => {
  village = new Village();
  alice = village.home('alice', 0xa1);
  bob = village.home('bob', 0xb0);
  village.friends(alice, bob, PROVISIONAL);
});
afterEach(() => village.stop());

async function link(): Promise<void> {
  alice.links.start();
  await until(() => alice.delivery.routes.size === 1 && bob.delivery.routes.size === 1, 'the link');
}

const routeTo = (from: Home, to: Home) => from.delivery.routes.get(toHex(to.contact));
const knowsAlice = () => bob.friends.get(toHex(alice.contact)) as { isFriend: boolean };

test('the tag that was sent with the highest count comes back in the greeting, and one travels with each ciphertext', async () => {
  bob.delivery.seen = 9;
  const tags: Uint8Array[] = [];
  const { receive } = bob.delivery;
  bob.delivery.receive = (carried, from) => {
    tags.push(carried.tag);
    return receive.call(bob.delivery, carried, from);
  };
  await link();
  assert.deepEqual(alice.delivery.saw, [9]);
  assert.deepEqual(alice.delivery.sawTags, [new Uint8Array(16).fill(9)]);
  alice.delivery.enqueue(bob.contact, 3);
  await until(() => alice.delivery.kept.length === 1);
  assert.deepEqual(tags, [carriedOf(3).tag]);
});

test('a link under a provisional key is proven on the spot when both have got the pair key, in whatever order', async () => {
  await link();
  assert.deepEqual([routeTo(alice, bob)?.isNarrow, routeTo(bob, alice)?.isNarrow], [false, false]);
  bob.delivery.pairKeysOf = () => [PAIR];
  assert.equal(routeTo(bob, alice)?.isNarrow, true, 'alice has to show it now');
  alice.delivery.enqueue(bob.contact, 1);
  await until(() => alice.delivery.kept.length === 1);
  await settle();
  assert.deepEqual([alice.usedPairKeys, bob.usedPairKeys], [[], []]);
  alice.delivery.pairKeysOf = () => [PAIR];
  bob.delivery.enqueue(alice.contact, 2);
  await until(() => alice.usedPairKeys.length + bob.usedPairKeys.length === 2, 'the proofs');
  assert.deepEqual([routeTo(alice, bob)?.isNarrow, routeTo(bob, alice)?.isNarrow], [false, false]);
  for (const { delivery, links } of [alice, bob]) {
    assert.ok(delivery.events.includes('changed'), 'what was held back is asked for');
    assert.equal(links.stats().links, 1, 'it is the same link');
    assert.ok(!delivery.events.includes('detach'));
  }
  for (let number = 10; number < 20; number++) alice.delivery.enqueue(bob.contact, number);
  await until(() => alice.delivery.kept.length === 11);
  assert.deepEqual([alice.usedPairKeys.length, bob.usedPairKeys.length], [1, 1], 'once');
});

test('delivery hears whether a ciphertext came over a link that only the contact can have', async () => {
  const firm: boolean[] = [];
  bob.delivery.receive = (_carried, from) => {
    firm.push((from as unknown as { isFirm: boolean }).isFirm);
    return 'kept';
  };
  await link();
  alice.delivery.enqueue(bob.contact, 1);
  await until(() => firm.length === 1);
  alice.delivery.pairKeysOf = bob.delivery.pairKeysOf = () => [PAIR];
  // the proof goes before it
  alice.delivery.enqueue(bob.contact, 2);
  await until(() => firm.length === 2);
  assert.deepEqual(firm, [false, true]);
});

/** A link with bob of somebody who stole alice's home and her provisional key. */
async function thief(): Promise<{ channel: SecureChannel; loggedIn: LoggedIn }> {
  const channel = await alice.dial(bob.identity.publicKey);
  const login = { channel, ownOnion: alice.identity.publicKey, keys: [PROVISIONAL], bundleHash: null };
  const primitives = { provider: nodeProvider, random: systemRandom };
  const loggedIn = await logInAsDialer(primitives, login, new AbortController().signal);
  await say(channel, { type: 'seen', seen: 0, tag: NO_TAG });
  await until(() => bob.delivery.routes.size === 1);
  return { channel, loggedIn };
}

async function say(channel: SecureChannel, frame: FriendFrame): Promise<void> {
  await channel.write(encodeFrame(encodeFriendFrame(frame)));
}

const macOn = (channel: SecureChannel, key: Uint8Array, role: LinkRole): Uint8Array =>
  linkLogin(nodeProvider, key, role, {
    handshakeHash: channel.handshakeHash,
    dialerOnion: alice.identity.publicKey,
    acceptorOnion: bob.identity.publicKey,
  });

test('who has the provisional key and not the pair key gets a narrow link, whatever it shows', async () => {
  bob.delivery.pairKeysOf = () => [PAIR];
  const { channel, loggedIn } = await thief();
  assert.equal(routeTo(bob, alice)?.isNarrow, true);
  // bob's own proof, behind its bundle and greeting
  let reflected: Uint8Array | undefined;
  while (reflected === undefined) {
    const frame = decodeFriendFrame((await loggedIn.frames.next(2, 20_000)) as Uint8Array);
    if (frame.type === 'proof') reflected = frame.mac;
  }
  assert.deepEqual(reflected, macOn(channel, PAIR, 'acceptor'));
  for (const mac of [reflected, macOn(channel, PROVISIONAL, 'dialer'), keyOf(0), PAIR]) {
    await say(channel, { type: 'proof', mac });
    await settle(5);
    assert.equal(routeTo(bob, alice)?.isNarrow, true);
  }
  assert.deepEqual(bob.usedPairKeys, []);
  // the same link with the right one
  await say(channel, { type: 'proof', mac: macOn(channel, PAIR, 'dialer') });
  await until(() => routeTo(bob, alice)?.isNarrow === false);
  assert.deepEqual(bob.usedPairKeys, [toHex(alice.contact)]);
});

test('a friend who floods with proofs loses the link', async () => {
  const { channel } = await thief();
  for (let i = 0; i < 60; i++) await say(channel, { type: 'proof', mac: keyOf(0) });
  await settle();
  assert.equal(bob.links.stats().links, 1);
  await say(channel, { type: 'proof', mac: keyOf(0) }).catch(() => undefined);
  await until(() => bob.links.stats().links === 0);
});

test('who is no friend yet is not told whether we are here, and is told when they have become one', async () => {
  knowsAlice().isFriend = false;
  await village.clock.advance(PRESENCE_JITTER_MS);
  await link();
  await village.clock.advance(PRESENCE_JITTER_MS);
  bob.links.setPresence('away');
  await village.clock.advance(PRESENCE_JITTER_MS);
  await settle();
  assert.equal(alice.links.statusOf(bob.contact).presence, 'unknown');
  assert.equal(bob.links.statusOf(alice.contact).presence, 'online', 'to whom bob is one');
  // what alice sends makes her a friend
  bob.delivery.receive = () => {
    knowsAlice().isFriend = true;
    return 'kept';
  };
  alice.delivery.enqueue(bob.contact, 1);
  await until(() => alice.links.statusOf(bob.contact).presence === 'away', 'being told');
});

test('a link with somebody who does not become a friend is ended', async () => {
  knowsAlice().isFriend = false;
  await link();
  await village.clock.advance(PING_MAX_MS);
  await until(() => bob.delivery.events.includes('detach'), 'the end');
});

test('the book hears at which onion somebody was met, before anything of theirs is read', async () => {
  const heard: number[] = [];
  bob.delivery.receive = () => {
    heard.push(bob.cameFrom.length);
    return 'kept';
  };
  alice.delivery.enqueue(bob.contact, 1);
  await link();
  await until(() => heard.length === 1);
  assert.deepEqual(heard, [1]);
  assert.deepEqual(bob.cameFrom, [[toHex(alice.contact), toHex(alice.identity.publicKey)]]);
  assert.deepEqual(alice.cameFrom, [[toHex(bob.contact), toHex(bob.identity.publicKey)]]);
});

test('a friend who says every minute that they moved is not dialed every minute', async () => {
  const known = alice.friends.get(toHex(bob.contact)) as { home: Uint8Array };
  known.home = keyOf(0x70);
  const dialed: number[] = [];
  village.onDial = async (_from, to) => {
    dialed.push(to[0] as number);
  };
  alice.links.start();
  await until(() => alice.links.stats().dials.failed === 1);
  // so that it waits for long
  for (let i = 0; i < 30; i++) {
    await village.clock.advance(60_000);
    await settle(5);
  }
  const before = dialed.length;
  const minutes = MOVE_INTERVAL_MS / 60_000;
  for (let i = 0; i < minutes; i++) {
    known.home = keyOf(0x80 + i);
    alice.links.want(bob.contact, false);
    await settle(5);
    await village.clock.advance(60_000);
  }
  const more = dialed.length - before;
  assert.ok(more >= 1 && more <= 3, `${more} dials in ${minutes} minutes`);
  known.home = keyOf(0x99);
  alice.links.want(bob.contact, false);
  await settle(20);
  assert.equal(dialed.at(-1), 0x99, 'once in ten minutes at once');
});
