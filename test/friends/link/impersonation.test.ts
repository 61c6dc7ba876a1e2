/** Who is not the friend gets no link: each way to try it, by name. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Duplex } from 'node:stream';
import { REFUSAL_MS } from '../../../src/friends/link/limits.ts';
import { logInAsDialer, recogniseDialer } from '../../../src/friends/link/login.ts';
import { Acceptor } from '../../../src/net/acceptor.ts';
import type { SecureChannel } from '../../../src/net/channel.ts';
import { FrameReader } from '../../../src/net/frame-reader.ts';
import { linkIdentity } from '../../../src/net/link-identity.ts';
import { concat, toHex } from '../../../src/safety/bytes.ts';
import { nodeProvider } from '../../../src/safety/crypto/node.ts';
import { systemRandom } from '../../../src/safety/random.ts';
import { encodeFrame } from '../../../src/wire/frame.ts';
import {
  encodeFriendFrame,
  FRIEND_PROTOCOL,
  LOGIN_FRAME_BYTES,
  WELCOME_FRAME_BYTES,
} from '../../../src/wire/friend-frame.ts';
import { carriedOf, type Home, keyOf, settle, until, Village } from './village.ts';

const PRIMITIVES = { provider: nodeProvider, random: systemRandom };
const live = (): AbortSignal => new AbortController().signal;

let village: Village;
let alice: Home;
let bob: Home;
let mallory: Home;
beforeEach(() => {
  village = new Village();
  alice = village.home('alice', 0xa1);
  bob = village.home('bob', 0xb0);
  mallory = village.home('mallory', 0x66);
  village.friends(alice, bob, keyOf(1));
});
afterEach(() => village.stop());

/** Mallory answers at this onion in the place of its owner, with the owner's onion key or one of her own. */
function answerAs(onionKey: Uint8Array, seed: number): Promise<SecureChannel> {
  const { promise, resolve } = Promise.withResolvers<SecureChannel>();
  const acceptor = new Acceptor({ identity: linkIdentity(keyOf(seed)), clock: village.clock });
  acceptor.handle(FRIEND_PROTOCOL, (channel) => {
    resolve(channel);
    return new Promise(() => {});
  });
  village.answering.set(toHex(onionKey), (socket: Duplex) => acceptor.accept(socket));
  return promise;
}

/** The frame of one login, as it came. */
async function loginOf(channel: SecureChannel): Promise<Uint8Array> {
  const frame = await new FrameReader(channel).next(LOGIN_FRAME_BYTES, LOGIN_FRAME_BYTES);
  assert.ok(frame);
  return Uint8Array.from(frame);
}

/** Whether bob refuses: it says nothing and ends, a fixed time after the login came. */
async function refuses(channel: SecureChannel): Promise<void> {
  const refusedBefore = bob.links.stats().refused;
  await until(() => bob.links.stats().refused === refusedBefore + 1, 'the refusal');
  const answer = channel.read();
  let isOver = false;
  const ended = answer.then(
    (bytes) => {
      assert.equal(bytes, null, 'nothing is said');
      isOver = true;
    },
    () => assert.fail('an end, not a loss'),
  );
  await village.clock.advance(REFUSAL_MS - 1);
  assert.equal(isOver, false, 'not before its time');
  await village.clock.advance(1);
  await ended;
  assert.equal(bob.links.stats().links, 0);
}

test('a login relayed between two honest friends is worth nothing: neither is taken for the other', async () => {
  // bob's home, as alice was told by mallory, is mallory's onion
  const known = alice.friends.get(toHex(bob.contact));
  assert.ok(known);
  known.home = mallory.identity.publicKey;
  const fromAlice = answerAs(mallory.identity.publicKey, 0x66);
  alice.links.start();
  const login = await loginOf(await fromAlice);
  const toBob = await mallory.dial(bob.identity.publicKey);
  await toBob.write(encodeFrame(login));
  await refuses(toBob);
  assert.equal(alice.links.stats().links, 0);
});

test('a login relayed by who holds both home keys is worth nothing either: the handshakes are others', async () => {
  const fromAlice = answerAs(bob.identity.publicKey, 0xb0);
  alice.links.start();
  const login = await loginOf(await fromAlice);
  village.answering.clear();
  const toBob = await mallory.dial(bob.identity.publicKey, alice.identity);
  await toBob.write(encodeFrame(login));
  await refuses(toBob);
});

test('a login that is replayed on another connection is refused', async () => {
  const channel = await alice.dial(bob.identity.publicKey);
  let recorded: Uint8Array | undefined;
  const write = channel.write.bind(channel);
  channel.write = (bytes, signal) => {
    recorded ??= Uint8Array.from(bytes);
    return write(bytes, signal);
  };
  const login = { channel, ownOnion: alice.identity.publicKey, keys: [keyOf(1)], bundleHash: null };
  await logInAsDialer(PRIMITIVES, login, live());
  channel.abort(new Error('seen enough'));
  await until(() => bob.links.stats().links === 0);
  // the very bytes that were right a moment ago, from the very same home
  const again = await alice.dial(bob.identity.publicKey);
  assert.ok(recorded);
  await again.write(recorded);
  await refuses(again);
});

test('a friend who poses as another friend is that friend and nobody else', async () => {
  village.friends(bob, mallory, keyOf(2));
  // mallory says her own key, from her own home: she is mallory; alice's name is nowhere
  const channel = await mallory.dial(bob.identity.publicKey);
  const login = {
    channel,
    ownOnion: mallory.identity.publicKey,
    keys: [keyOf(2), keyOf(3)],
    bundleHash: null,
  };
  await logInAsDialer(PRIMITIVES, login, live());
  await until(() => bob.links.stats().links === 1);
  assert.equal(bob.connectedTo(mallory), true);
  assert.equal(bob.connectedTo(alice), false);
  channel.abort(new Error('done'));
});

test('a friend who stole the home key of another friend, without the pair key, is still only herself', async () => {
  village.friends(bob, mallory, keyOf(2));
  const channel = await mallory.dial(bob.identity.publicKey, alice.identity);
  const login = { channel, ownOnion: alice.identity.publicKey, keys: [keyOf(2)], bundleHash: null };
  await logInAsDialer(PRIMITIVES, login, live());
  await until(() => bob.links.stats().links === 1);
  assert.equal(bob.connectedTo(alice), false);
  channel.abort(new Error('done'));
});

test('a stranger with the home key of a friend but no pair key does not get in', async () => {
  const channel = await mallory.dial(bob.identity.publicKey, alice.identity);
  const login = { channel, ownOnion: alice.identity.publicKey, keys: [keyOf(9)], bundleHash: null };
  const refused = assert.rejects(logInAsDialer(PRIMITIVES, login, live()), { code: 'LINK_REFUSED' });
  await until(() => bob.links.stats().refused === 1);
  await village.clock.advance(REFUSAL_MS);
  await refused;
  assert.equal(bob.links.stats().links, 0);
});

test('a stranger who answers with the home key of a friend but no pair key is not taken for the friend', async () => {
  const toBob = answerAs(bob.identity.publicKey, 0xb0);
  alice.links.start();
  const channel = await toBob;
  await loginOf(channel);
  const mac = new Uint8Array(32).fill(5);
  await channel.write(
    encodeFrame(encodeFriendFrame({ type: 'welcome', mac, bundleHash: new Uint8Array(32) })),
  );
  await until(() => alice.links.stats().dials.failed === 1);
  assert.equal(alice.links.stats().links, 0);
  assert.equal(alice.delivery.routes.size, 0);
});

test('a MAC of the dialer that is sent back to it is not taken for an answer', async () => {
  const toBob = answerAs(bob.identity.publicKey, 0xb0);
  alice.links.start();
  const channel = await toBob;
  const login = await loginOf(channel);
  const mac = login.subarray(1, 33);
  await channel.write(
    encodeFrame(encodeFriendFrame({ type: 'welcome', mac, bundleHash: new Uint8Array(32) })),
  );
  await until(() => alice.links.stats().dials.failed === 1);
  assert.equal(alice.links.stats().links, 0);
});

test('an acceptor that does not know the key ends without a word, and the dialer has no link', async () => {
  const known = bob.friends.get(toHex(alice.contact));
  assert.ok(known);
  known.keys = [keyOf(7), keyOf(8)];
  alice.links.start();
  await until(() => bob.links.stats().refused === 1);
  await village.clock.advance(REFUSAL_MS);
  await until(() => alice.links.stats().dials.failed === 1);
  assert.equal(alice.links.stats().links + bob.links.stats().links, 0);
});

test('an ex-friend with an open link is cut off at once, what it sent before that and was not read too', async () => {
  alice.links.start();
  await until(() => bob.delivery.routes.size === 1 && alice.delivery.routes.size === 1);
  const route = alice.delivery.routes.get(toHex(bob.contact));
  assert.ok(route);
  const known = bob.friends.get(toHex(alice.contact));
  assert.ok(known);
  // bob's node unfriends her while it reads the first of several that have come together
  let read = 0;
  bob.delivery.receive = () => {
    read += 1;
    known.mayLink = false;
    bob.links.drop(alice.contact);
    return 'kept';
  };
  const sending = Array.from({ length: 20 }, (_, i) => route.send(carriedOf(i), live()));
  const ends = await Promise.allSettled(sending);
  assert.ok(ends.every(({ status }) => status === 'rejected'));
  assert.equal(read, 1);
  assert.equal(bob.connectedTo(alice), false);
  // and does not come back, with keys that were right
  alice.links.want(bob.contact, true);
  await settle();
  await village.clock.advance(20_000);
  await settle();
  assert.ok(bob.links.stats().refused >= 1);
  assert.equal(bob.links.stats().links, 0);
  assert.equal(read, 1);
});

test('who may not be linked is refused, with a key that is right', async () => {
  const known = bob.friends.get(toHex(alice.contact));
  assert.ok(known);
  known.mayLink = false;
  const channel = await alice.dial(bob.identity.publicKey);
  const login = { channel, ownOnion: alice.identity.publicKey, keys: [keyOf(1)], bundleHash: null };
  const refused = assert.rejects(logInAsDialer(PRIMITIVES, login, live()), { code: 'LINK_REFUSED' });
  await until(() => bob.links.stats().refused === 1);
  await village.clock.advance(REFUSAL_MS);
  await refused;
});

test('nonsense in the place of a login is refused as a stranger is', async () => {
  for (const nonsense of [
    encodeFrame(new Uint8Array(LOGIN_FRAME_BYTES).fill(9)),
    encodeFrame(new Uint8Array(WELCOME_FRAME_BYTES).fill(2)),
    new Uint8Array(2).fill(0xff),
  ]) {
    const channel = await mallory.dial(bob.identity.publicKey);
    await channel.write(nonsense);
    await refuses(channel);
  }
});

test('a friend who moved without our knowing is known by the key', async () => {
  const moved = linkIdentity(keyOf(0x51));
  const channel = await alice.dial(bob.identity.publicKey, moved);
  const login = { channel, ownOnion: moved.publicKey, keys: [keyOf(1)], bundleHash: null };
  await logInAsDialer(PRIMITIVES, login, live());
  await until(() => bob.connectedTo(alice));
  channel.abort(new Error('done'));
});

test('a login says the same number of MACs for one key and for four', async () => {
  for (const keys of [[keyOf(1)], [keyOf(3), keyOf(4), keyOf(5), keyOf(1)]]) {
    const toBob = answerAs(bob.identity.publicKey, 0xb0);
    const channel = await alice.dial(bob.identity.publicKey);
    const login = { channel, ownOnion: alice.identity.publicKey, keys, bundleHash: null };
    logInAsDialer(PRIMITIVES, login, live()).catch(() => undefined);
    const accepted = await toBob;
    const recognised = await recogniseDialer(
      PRIMITIVES,
      { channel: accepted, ownOnion: bob.identity.publicKey, book: bob.book() },
      live(),
    );
    assert.deepEqual(recognised?.key, keyOf(1));
    assert.deepEqual(recognised?.contact, alice.contact);
    channel.abort(new Error('done'));
  }
});

/** Alice's end of a link with bob that is open, in the hands of the test. */
async function openLink(): Promise<SecureChannel> {
  const channel = await alice.dial(bob.identity.publicKey);
  const login = { channel, ownOnion: alice.identity.publicKey, keys: [keyOf(1)], bundleHash: null };
  await logInAsDialer(PRIMITIVES, login, live());
  await channel.write(encodeFrame(encodeFriendFrame({ type: 'seen', seen: 0, tag: new Uint8Array(16) })));
  await until(() => bob.delivery.routes.size === 1);
  return channel;
}

test('of what came together nothing is read after a drop, and the other side sees a loss, not an end', async () => {
  const channel = await openLink();
  let read = 0;
  bob.delivery.receive = () => {
    read += 1;
    bob.links.drop(alice.contact);
    return 'kept';
  };
  const message = encodeFrame(encodeFriendFrame({ type: 'message', ref: 1, ...carriedOf(1) }));
  await channel.write(concat(message, message));
  await assert.rejects(async () => {
    while ((await channel.read()) !== null);
  });
  assert.equal(read, 1);
});

const LOGIN = { type: 'login', macs: [1, 2, 3, 4].map(keyOf), bundleHash: keyOf(0) } as const;

for (const [what, frame] of [
  ['a second login', encodeFriendFrame(LOGIN)],
  ['a second greeting', encodeFriendFrame({ type: 'seen', seen: 2 ** 40, tag: new Uint8Array(16) })],
  ['bytes that are no frame', new Uint8Array([99, 1, 2])],
  ['a frame that is too long', new Uint8Array(20_000)],
] as const) {
  test(`${what} on an open link ends it`, async () => {
    const channel = await openLink();
    await channel.write(encodeFrame(frame));
    await until(() => bob.links.stats().links === 0);
    assert.equal(bob.delivery.routes.size, 0);
    assert.equal(bob.delivery.saw.length, 1);
  });
}

for (const [what, frame, count] of [
  ['pings', encodeFriendFrame({ type: 'ping', data: new Uint8Array(8) }), 61],
  ['presences', encodeFriendFrame({ type: 'presence', presence: 'away' }), 61],
  ['bundles', encodeFriendFrame({ type: 'bundle', bytes: new Uint8Array(9_428) }), 5],
] as const) {
  test(`a friend who floods with ${what} loses the link`, async () => {
    const channel = await openLink();
    for (let i = 1; i < count; i++) await channel.write(encodeFrame(frame)).catch(() => undefined);
    await settle();
    assert.equal(bob.links.stats().links, 1, 'one fewer is no flood');
    await channel.write(encodeFrame(frame)).catch(() => undefined);
    await until(() => bob.links.stats().links === 0);
  });
}

test('a ciphertext before the greeting is not looked at', async () => {
  const channel = await alice.dial(bob.identity.publicKey);
  const login = { channel, ownOnion: alice.identity.publicKey, keys: [keyOf(1)], bundleHash: null };
  await logInAsDialer(PRIMITIVES, login, live());
  await channel.write(encodeFrame(encodeFriendFrame({ type: 'message', ref: 1, ...carriedOf(1) })));
  await until(() => bob.links.stats().links === 0);
  assert.deepEqual(bob.delivery.received, []);
});
