import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { bundleHash } from '../../../src/kem/bundle.ts';
import { FrameWriter } from '../../../src/friends/link/frame-writer.ts';
import type { ByteChannel } from '../../../src/net/byte-channel.ts';
import { FrameReader } from '../../../src/net/frame-reader.ts';
import { toHex } from '../../../src/safety/bytes.ts';
import { nodeProvider } from '../../../src/safety/crypto/node.ts';
import { KithError } from '../../../src/safety/errors.ts';
import {
  MAX_GUESTS,
  PING_ANSWER_MS,
  PING_MAX_MS,
  PRESENCE_JITTER_MS,
} from '../../../src/friends/link/limits.ts';
import { type Home, keyOf, nextTurn, settle, until, Village } from './village.ts';

let village: Village;
let alice: Home;
let bob: Home;
beforeEach(() => {
  village = new Village();
  alice = village.home('alice', 0xa1);
  bob = village.home('bob', 0xb0);
});
afterEach(() => village.stop());

const areLinked = (): boolean => alice.connectedTo(bob) && bob.connectedTo(alice);

async function link(): Promise<void> {
  if (alice.friends.size === 0) village.friends(alice, bob, keyOf(1));
  alice.links.start();
  await until(
    () => areLinked() && alice.delivery.routes.size === 1 && bob.delivery.routes.size === 1,
    'the link',
  );
}

test('friends log in and ciphertexts go both ways, each with its verdict', async () => {
  await link();
  alice.delivery.enqueue(bob.contact, 1);
  alice.delivery.enqueue(bob.contact, 2);
  bob.delivery.enqueue(alice.contact, 3);
  await until(() => alice.delivery.kept.length === 2 && bob.delivery.kept.length === 1);
  assert.deepEqual(bob.delivery.received, [
    { contact: 'alice', number: 1 },
    { contact: 'alice', number: 2 },
  ]);
  assert.deepEqual(alice.delivery.received, [{ contact: 'bob', number: 3 }]);
  assert.equal(alice.links.stats().links, 1);
  assert.ok(alice.links.stats().bytes.sent > 8_000);
  assert.equal(alice.links.statusOf(bob.contact).lastReachedAt, village.clock.now());
});

test('two who both send as much as may be on its way do not wait for each other for ever', async () => {
  village.friends(alice, bob, keyOf(1));
  for (let number = 0; number < 32; number++) {
    alice.delivery.enqueue(bob.contact, number);
    bob.delivery.enqueue(alice.contact, number);
  }
  await link();
  await until(() => alice.delivery.kept.length === 32 && bob.delivery.kept.length === 32);
  const numbers = Array.from({ length: 32 }, (_, number) => number);
  for (const { delivery } of [alice, bob]) {
    assert.deepEqual(
      delivery.received.map(({ number }) => number),
      numbers,
      'in order',
    );
  }
});

test('who asks and never reads the answers loses the link before they fill the memory', async () => {
  village.friends(alice, bob, keyOf(1));
  const stuck = memoryChannel();
  const writer = new FrameWriter(stuck, () => {});
  const running = writer.run(AbortSignal.timeout(10_000)).catch(() => undefined);
  const frame = { type: 'verdict', ref: 1, verdict: 'kept' } as const;
  let taken = 0;
  assert.throws(
    () => {
      for (; taken < 1_000; taken++) writer.first(frame);
    },
    { code: 'LINK_VIOLATED' },
  );
  assert.ok(taken >= 64 && taken <= 66, `${taken}`);
  stuck.abort(new Error('done'));
  await running;
});

/** Takes the first write and never another. */
function memoryChannel(): ByteChannel {
  const { promise, reject } = Promise.withResolvers<never>();
  return {
    read: () => promise,
    write: () => promise,
    close: () => promise,
    abort: (reason) => reject(reason),
  };
}

for (const verdict of ['busy', 'refused', 'unknown-session'] as const) {
  test(`the verdict ${verdict} arrives as it was given`, async () => {
    await link();
    bob.delivery.verdict = verdict;
    const route = alice.delivery.routes.get(toHex(bob.contact));
    const carried = {
      form: 'opening',
      bytes: new Uint8Array(16_256),
      count: 1,
      tag: new Uint8Array(16),
    } as const;
    assert.equal(await route?.send(carried, new AbortController().signal), verdict);
  });
}

test('a recipient whose disk fails says busy and keeps the link; a defect ends it', async () => {
  await link();
  const route = alice.delivery.routes.get(toHex(bob.contact));
  const carried = {
    form: 'opening',
    bytes: new Uint8Array(16_256),
    count: 1,
    tag: new Uint8Array(16),
  } as const;
  bob.delivery.verdict = new KithError('STORE_WRITE_FAILED', 'full', { hint: 'free some' });
  assert.equal(await route?.send(carried, new AbortController().signal), 'busy');
  assert.ok(areLinked());
  bob.delivery.verdict = new TypeError('a defect');
  await assert.rejects(route?.send(carried, new AbortController().signal) as Promise<unknown>);
});

test('what the other side has seen is told before anything is sent, and the route is open only then', async () => {
  bob.delivery.seen = 41;
  alice.delivery.seen = 7;
  await link();
  assert.deepEqual(alice.delivery.saw, [41]);
  assert.deepEqual(bob.delivery.saw, [7]);
  for (const { delivery } of [alice, bob]) assert.deepEqual(delivery.events, ['bundle', 'saw', 'attach']);
});

test('a bundle is said where the other side knows none or an older one, and not where it is the same', async () => {
  bob.delivery.ownBundle = new Uint8Array(9_428).fill(2);
  alice.delivery.known.set(toHex(bob.contact), bob.delivery.ownBundle);
  bob.delivery.known.set(toHex(alice.contact), new Uint8Array(9_428).fill(3));
  await link();
  assert.deepEqual(alice.delivery.learned, []);
  assert.deepEqual(bob.delivery.learned, [alice.delivery.ownBundle]);
});

test('a bundle that changes while the link is open is said with the next ping', async () => {
  await link();
  const next = new Uint8Array(9_428).fill(9);
  alice.delivery.ownBundle = next;
  await village.clock.advance(PING_MAX_MS);
  await until(() => bob.delivery.learned.length === 2);
  assert.equal(
    toHex(bundleHash(nodeProvider, bob.delivery.learned[1] as Uint8Array)),
    toHex(bundleHash(nodeProvider, next)),
  );
});

test('the book and the delivery hear of a login under a pair key, and not of one under a provisional key', async () => {
  village.friends(alice, bob, keyOf(1), keyOf(2));
  bob.friends.get(toHex(alice.contact))?.keys.shift();
  alice.delivery.pairKeysOf = () => [keyOf(1)];
  bob.delivery.pairKeysOf = () => [keyOf(2)];
  await link();
  assert.deepEqual(alice.usedPairKeys, []);
  assert.deepEqual(bob.usedPairKeys, [toHex(alice.contact)]);
  assert.deepEqual([alice.delivery.usedKeys, bob.delivery.usedKeys], [[], [keyOf(2)]]);
});

test('both dial at once, in any order: one link, the same on both sides, and nothing is lost', async () => {
  village.friends(alice, bob, keyOf(1));
  for (let round = 0; round < 12; round++) {
    const turns = new Map([
      [alice, (round * 7) % 13],
      [bob, (round * 5) % 11],
    ]);
    village.onDial = async (from) => {
      for (let i = turns.get(from) ?? 0; i > 0; i--) await nextTurn();
    };
    alice.delivery.kept.length = 0;
    bob.delivery.kept.length = 0;
    alice.delivery.enqueue(bob.contact, 10 + round);
    bob.delivery.enqueue(alice.contact, 40 + round);
    alice.links.start();
    bob.links.start();
    alice.links.want(bob.contact, true);
    bob.links.want(alice.contact, true);
    await until(() => areLinked(), `a link in round ${round}`);
    await settle();
    await until(
      () => alice.delivery.kept.length === 1 && bob.delivery.kept.length === 1,
      `delivery ${round}`,
    );
    assert.ok(areLinked());
    assert.equal(
      village.homes.every(({ delivery }) => delivery.routes.size === 1),
      true,
    );
    // the one that stays is the same: what goes over it arrives, and after the other is gone too
    await village.clock.advance(10_000);
    await settle();
    const stays = village.wires.filter(({ ends }) => !ends[0].destroyed && !ends[1].destroyed);
    assert.equal(stays.length, 1, `one connection is left in round ${round}`);
    await Promise.all([stopping(alice), stopping(bob)]);
    alice.links = alice.newLinks();
    bob.links = bob.newLinks();
    village.wires.length = 0;
  }
});

/** Stops the links of one home, with time going on. */
async function stopping(home: Home): Promise<void> {
  await village.passing(home.links.stop());
}

test('a friend who lost the link without a word and dials again is taken in at once', async () => {
  await link();
  // more than a crossing later; alice forgets everything, bob believes in the old link
  await village.clock.advance(40_000);
  const old = alice.links;
  alice.links = alice.newLinks();
  alice.links.start();
  await until(() => alice.delivery.routes.size === 1 && alice.connectedTo(bob));
  alice.delivery.enqueue(bob.contact, 5);
  await until(() => alice.delivery.kept.length === 1);
  assert.equal(bob.links.stats().links, 1);
  assert.ok(bob.delivery.events.includes('detach'));
  await Promise.all([old.stop(), village.clock.advance(20_000)]);
});

test('what had no verdict when a link was lost goes again over the next one', async () => {
  await link();
  alice.delivery.enqueue(bob.contact, 6);
  village.cut();
  await until(() => alice.delivery.events.some((event) => event.startsWith('lost')));
  assert.deepEqual(bob.delivery.received, []);
  await village.clock.advance(20_000);
  await until(() => alice.delivery.kept.length === 1);
  assert.deepEqual(bob.delivery.received, [{ contact: 'alice', number: 6 }]);
});

test('a cut link is dialed again within seconds, and a young one that carried nothing more slowly each time', async () => {
  await link();
  alice.delivery.enqueue(bob.contact, 1);
  await until(() => alice.delivery.kept.length === 1);
  village.cut();
  await until(() => !areLinked());
  const soon = (alice.links.statusOf(bob.contact).nextTryAt as number) - village.clock.now();
  assert.ok(soon <= 7_000, `${soon} ms`);
  const waits: number[] = [];
  for (let i = 0; i < 6; i++) {
    await village.clock.advance(
      (alice.links.statusOf(bob.contact).nextTryAt as number) - village.clock.now(),
    );
    await until(() => alice.connectedTo(bob));
    village.cut();
    await until(() => !alice.connectedTo(bob));
    waits.push((alice.links.statusOf(bob.contact).nextTryAt as number) - village.clock.now());
  }
  assert.ok((waits[5] as number) > 4 * (waits[0] as number), waits.join(' '));
  assert.ok(waits.every((ms) => ms <= 2 * 60_000));
});

test('the wait after failures is remembered across a restart, and a person who waits skips it', async () => {
  village.friends(alice, bob, keyOf(1));
  let dials = 0;
  village.onDial = async () => {
    dials += 1;
    throw new KithError('ONION_DESCRIPTOR_NOT_FOUND', 'not there', { hint: 'wait' });
  };
  alice.links.start();
  for (let i = 0; i < 8; i++) {
    await until(() => alice.links.statusOf(bob.contact).nextTryAt !== null);
    await village.clock.advance(
      (alice.links.statusOf(bob.contact).nextTryAt as number) - village.clock.now(),
    );
  }
  await settle();
  const nextTryAt = alice.links.statusOf(bob.contact).nextTryAt as number;
  assert.ok(nextTryAt - village.clock.now() > 60_000, 'never reached: minutes');
  assert.equal(dials, 9);
  await stopping(alice);
  alice.links = alice.newLinks();
  alice.links.start();
  await settle();
  assert.equal(dials, 9);
  assert.ok(Math.abs((alice.links.statusOf(bob.contact).nextTryAt as number) - nextTryAt) < 1_000);
  village.onDial = async () => {};
  alice.links.want(bob.contact, true);
  await until(areLinked);
});

test('at most 8 are dialed at once, and one for whom a person waits all the same', async () => {
  for (let i = 0; i < 12; i++) village.friends(alice, village.home(`friend${i}`, 0x20 + i), keyOf(1));
  const dialed: string[] = [];
  const { promise: held, reject } = Promise.withResolvers<void>();
  village.onDial = (_from, to) => {
    dialed.push(toHex(to));
    return held;
  };
  alice.links.start();
  await settle();
  await village.clock.advance(20_000);
  assert.equal(alice.links.stats().dialing, 8);
  const waits = [...alice.friends.values()].find(({ home }) => !dialed.includes(toHex(home as Uint8Array)));
  assert.ok(waits);
  alice.links.want(waits.contact, true);
  await settle();
  assert.equal(dialed.at(-1), toHex(waits.home as Uint8Array));
  assert.equal(dialed.length, 9);
  reject(new Error('the test is over'));
  village.onDial = () => held;
  await settle();
});

test('a dial that has shown nothing yet is dropped when the friend comes first', async () => {
  village.friends(alice, bob, keyOf(1));
  let signal: AbortSignal | undefined;
  const dial = alice.channels.dial.bind(alice.channels);
  alice.channels.dial = (_onion, options) => {
    signal = options.signal;
    return new Promise((_resolve, reject) => {
      options.signal?.addEventListener('abort', () => reject(options.signal?.reason as Error));
    });
  };
  alice.links.start();
  await until(() => alice.links.stats().dialing === 1);
  bob.links.start();
  await until(areLinked);
  assert.equal(signal?.aborted, true);
  await settle();
  assert.deepEqual(alice.links.stats().dials, { reached: 0, failed: 0 });
  alice.channels.dial = dial;
});

test('answers go before messages that wait', async () => {
  const written: number[] = [];
  let release = (): void => {};
  const channel = {
    ...memoryChannel(),
    write: (bytes: Uint8Array) => {
      written.push(bytes[2] as number);
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    },
  };
  const over = new AbortController();
  const writer = new FrameWriter(channel, () => {});
  const running = writer.run(over.signal).catch(() => undefined);
  const message = {
    type: 'message',
    form: 'message',
    count: 1,
    tag: new Uint8Array(16),
    ref: 1,
    bytes: new Uint8Array(4_064),
  } as const;
  for (let i = 0; i < 3; i++) writer.message(message);
  await settle(2);
  writer.first({ type: 'verdict', ref: 1, verdict: 'kept' });
  for (let i = 0; i < 4; i++) {
    release();
    await settle(2);
  }
  assert.deepEqual(written, [5, 6, 5, 5]);
  over.abort();
  await running;
});

test('a friend who moved is dialed at the new home at once, whatever failed before', async () => {
  const carol = village.home('carol', 0xc0);
  const known = alice.knows(bob, keyOf(1));
  known.home = keyOf(0x77);
  bob.knows(alice, keyOf(1));
  alice.links.start();
  await until(() => alice.links.stats().dials.failed === 1);
  known.home = bob.identity.publicKey;
  alice.links.want(bob.contact, false);
  await until(areLinked);
  assert.equal(carol.links.stats().links, 0);
});

test('nothing is dialed while tor is not ready', async () => {
  village.friends(alice, bob, keyOf(1));
  let isReady = (): void => {};
  alice.ready = () =>
    new Promise((resolve) => {
      isReady = resolve;
    });
  alice.links.start();
  alice.links.want(bob.contact, true);
  await village.clock.advance(60_000);
  assert.equal(village.wires.length, 0);
  isReady();
  alice.ready = undefined;
  await until(areLinked);
});

test('when tor cannot say whether it is ready, it is asked again', async () => {
  village.friends(alice, bob, keyOf(1));
  let asked = 0;
  alice.ready = async () => {
    asked += 1;
    if (asked < 3) throw new KithError('TOR_GAVE_UP', 'no', { hint: 'look' });
  };
  alice.links.start();
  await settle();
  await village.clock.advance(5_000);
  await village.clock.advance(5_000);
  await until(areLinked);
  assert.ok(asked >= 3);
});

test('after a start friends are dialed one after the other, the most recently reached first', async () => {
  const order: string[] = [];
  const names = ['old', 'newest', 'never', 'newer'];
  const friends = names.map((name, i) => village.home(name, 0x30 + i));
  for (const friend of friends) village.friends(alice, friend, keyOf(1));
  const [old, newest, , newer] = friends as [Home, Home, Home, Home];
  for (const friend of [old, newer, newest]) {
    await village.clock.advance(1_000);
    friend.links.start();
    await until(() => alice.connectedTo(friend));
    await village.clock.advance(60_000);
    await settle();
    await stopping(friend);
  }
  await stopping(alice);
  alice.links = alice.newLinks();
  village.onDial = async (_from, to) => {
    order.push(friends.find(({ identity }) => toHex(identity.publicKey) === toHex(to))?.name ?? '?');
    throw new KithError('ONION_DESCRIPTOR_NOT_FOUND', 'not there', { hint: 'wait' });
  };
  alice.links.start();
  await settle();
  await village.clock.advance(2_500);
  assert.deepEqual(order.slice(0, 4), ['newest', 'newer', 'old', 'never']);
});

test('presence is told with the link or after up to 20 s, to friends alone, and is unknown without a link', async () => {
  await village.clock.advance(PRESENCE_JITTER_MS);
  await link();
  await until(() => bob.links.statusOf(alice.contact).presence === 'online');
  alice.links.setPresence('away');
  await settle();
  await village.clock.advance(PRESENCE_JITTER_MS);
  await until(() => bob.links.statusOf(alice.contact).presence === 'away');
  alice.links.setPresence('online');
  alice.links.setPresence('away');
  await village.clock.advance(PRESENCE_JITTER_MS);
  await settle();
  assert.equal(bob.changes.length, 3, 'the link, online, away');
  village.cut();
  await until(() => !bob.connectedTo(alice));
  assert.equal(bob.links.statusOf(alice.contact).presence, 'unknown');
});

test('pings measure the round trip and find out when the other side is gone', async () => {
  await link();
  await village.clock.advance(PING_MAX_MS);
  await until(() => alice.links.statusOf(bob.contact).roundTripMs !== null);
  assert.ok(areLinked());
  // from here on nothing of bob's arrives
  const [wire] = village.wires;
  wire?.ends[1].removeAllListeners('readable');
  Object.assign(wire?.ends[1] as object, { read: () => null, write: () => true });
  await village.clock.advance(PING_MAX_MS + PING_ANSWER_MS + PING_ANSWER_MS);
  await until(() => alice.delivery.events.includes('detach'));
});

test('drop ends a link at once: what came and was not read yet is not read', async () => {
  await link();
  const before = bob.delivery.received.length;
  bob.links.drop(alice.contact);
  alice.delivery.enqueue(bob.contact, 8);
  await settle();
  assert.equal(bob.delivery.received.length, before);
  assert.equal(bob.connectedTo(alice), false);
  assert.equal(bob.links.statusOf(alice.contact).lastReachedAt, null);
});

test('an end in order is an end for the other side, and no error', async () => {
  await link();
  await stopping(bob);
  await until(() => !alice.connectedTo(bob));
  assert.equal(alice.delivery.routes.size, 0);
});

test('17 who do not log in: the first makes room, and a friend gets in all the same', async () => {
  village.friends(alice, bob, keyOf(1));
  const mallory = village.home('mallory', 0x66);
  const silent = [];
  for (let i = 0; i < MAX_GUESTS; i++) {
    // keys are free: each connection has its own
    const stranger = village.home(`stranger${i}`, 0x80 + i);
    silent.push(await mallory.dial(bob.identity.publicKey, stranger.identity));
  }
  await until(() => bob.links.stats().guests === MAX_GUESTS);
  alice.links.start();
  await until(areLinked);
  assert.equal(bob.links.stats().guests, MAX_GUESTS - 1);
  await assert.rejects((silent[0] as { read(): Promise<unknown> }).read());
});

test('who says nothing is dropped at the deadline', async () => {
  const mallory = village.home('mallory', 0x66);
  const channel = await mallory.dial(bob.identity.publicKey);
  await until(() => bob.links.stats().guests === 1);
  await village.clock.advance(45_000);
  await assert.rejects(new FrameReader(channel).next(1, 100));
  assert.equal(bob.links.stats().guests, 0);
});
