import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Carried, Route, Verdict } from '../../../src/delivery/face.ts';
import { DoorRoute, fetchBundle } from '../../../src/friends/door/door-client.ts';
import { type DoorEndpoint, Doors, type DoorSpec } from '../../../src/friends/door/doors.ts';
import { Knocks } from '../../../src/friends/door/knocks.ts';
import { DOOR_TIMEOUT_MS, MAX_KNOCKING } from '../../../src/friends/door/limits.ts';
import { Acceptor } from '../../../src/net/acceptor.ts';
import { socketChannel } from '../../../src/net/byte-channel.ts';
import { Channels, type SecureChannel } from '../../../src/net/channel.ts';
import { FrameReader } from '../../../src/net/frame-reader.ts';
import { linkIdentity } from '../../../src/net/link-identity.ts';
import { toHex } from '../../../src/safety/bytes.ts';
import { nodeProvider } from '../../../src/safety/crypto/node.ts';
import { KithError } from '../../../src/safety/errors.ts';
import { systemRandom } from '../../../src/safety/random.ts';
import { encodeDoorRequest, REQUEST_PROTOCOL } from '../../../src/wire/door-request.ts';
import { encodeFrame } from '../../../src/wire/frame.ts';
import { onionOf } from '../../../src/wire/onion.ts';
import { ManualClock } from '../../manual-clock.ts';
import { memoryPair } from '../../net/links.ts';
import { contactOf, keyOf, newDatabase, settle, until } from '../link/village.ts';

const TOKEN = new Uint8Array(16).fill(5);
const TAG = new Uint8Array(16).fill(4);
const BUNDLE = new Uint8Array(9_428).fill(8);
const SEED = keyOf(0xd0);
const ONION = linkIdentity(SEED).publicKey;
const PUBLIC: DoorSpec = { seed: SEED, onionKey: ONION, public: true };
const PRIVATE: DoorSpec = { ...PUBLIC, public: false };
const bob = contactOf('bob');
const live = (): AbortSignal => new AbortController().signal;
const envelopeOf = (byte: number): Uint8Array => new Uint8Array(16_256).fill(byte);
const carriedOf = (byte: number): Carried => ({
  form: 'opening',
  bytes: envelopeOf(byte),
  count: 1,
  tag: TAG,
});

/** What happened at an endpoint, and an acceptor behind it while it is open. */
interface Opened {
  readonly pow: boolean;
  starts: number;
  stops: number;
}

let clock: ManualClock;
let doors: Doors;
let opened: Opened[];
let acceptors: Map<string, Acceptor>;
let dialers: string[];
let isolations: string[];
/** What the delivery behind the doors does and was given. */
let received: { carried: Carried; via: unknown }[];
let verdict: Verdict | Error;
let knocked: (Uint8Array | null)[];
let mayKnock: boolean;
let startError: Error | null;
let changes: number;

beforeEach(() => {
  clock = new ManualClock();
  opened = [];
  acceptors = new Map();
  dialers = [];
  isolations = [];
  received = [];
  verdict = 'kept';
  knocked = [];
  mayKnock = true;
  startError = null;
  changes = 0;
  doors = new Doors({
    open: endpoint,
    mayKnock: (invite, token) => {
      assert.deepEqual(invite, ONION);
      knocked.push(token);
      return mayKnock;
    },
    delivery: {
      bundle: () => BUNDLE,
      receive: (carried, { via }) => {
        if (verdict instanceof Error) throw verdict;
        received.push({ carried, via });
        return verdict;
      },
    },
    provider: nodeProvider,
    random: systemRandom,
    clock,
    onChange: () => {
      changes += 1;
    },
  });
});

afterEach(async () => {
  await Promise.all([doors.stop(), ...[...acceptors.values()].map((acceptor) => acceptor.close())]);
});

function endpoint({ seed, pow }: { seed: Uint8Array; pow: boolean }): DoorEndpoint {
  const identity = linkIdentity(seed);
  const acceptor = new Acceptor({ identity, clock });
  const entry: Opened = { pow, starts: 0, stops: 0 };
  opened.push(entry);
  return {
    handle: (protocol, handler) =>
      acceptor.handle(protocol, (channel) => {
        dialers.push(toHex(channel.remoteKey));
        return handler(channel);
      }),
    start: async () => {
      entry.starts += 1;
      if (startError !== null) throw startError;
      acceptors.set(toHex(identity.publicKey), acceptor);
    },
    stop: async () => {
      entry.stops += 1;
      acceptors.delete(toHex(identity.publicKey));
    },
  };
}

/** Connections that lead to the doors that are open. */
function dial() {
  const channels = new Channels({
    open: async ({ publicKey }, { early, isolation, purpose }) => {
      assert.equal(purpose, 'door');
      isolations.push(isolation);
      const acceptor = acceptors.get(toHex(publicKey));
      if (acceptor === undefined) throw new KithError('ONION_DESCRIPTOR_NOT_FOUND', 'no', { hint: 'wait' });
      const [ours, theirs] = memoryPair();
      for (const end of [ours, theirs]) end.on('error', () => undefined);
      acceptor.accept(theirs);
      const lower = socketChannel(ours);
      await lower.write(early);
      return lower;
    },
    clock,
  });
  return { channels, provider: nodeProvider, random: systemRandom, clock };
}

function route(token: Uint8Array | null = TOKEN) {
  const learned: Uint8Array[] = [];
  const lost: unknown[] = [];
  const way = new DoorRoute({
    dial: dial(),
    contact: bob,
    door: onionOf(ONION),
    token,
    learnBundle: (_contact, bytes) => learned.push(bytes),
    onLost: (error) => lost.push(error),
  });
  return { way, learned, lost };
}

const open = async (door: DoorSpec = PRIVATE): Promise<void> => {
  doors.sync([door]);
  await until(() => doors.stateOf(ONION) === 'open');
};

test('a door says the bundle of its owner to whoever has its address', async () => {
  await open();
  assert.deepEqual(await fetchBundle(dial(), onionOf(ONION)), BUNDLE);
});

test('a request goes through with its token and count, and the answer is the verdict', async () => {
  await open();
  assert.equal(await route().way.send(carriedOf(1), live()), 'kept');
  assert.deepEqual(knocked, [TOKEN]);
  assert.deepEqual(received, [{ carried: carriedOf(1), via: { kind: 'door', invite: ONION } }]);
});

for (const [given, expected] of [
  ['kept', 'kept'],
  ['busy', 'busy'],
  ['refused', 'refused'],
] as const) {
  test(`the verdict ${given} is told, and a busy door is no way for a while`, async () => {
    await open();
    verdict = given;
    const { way, lost } = route();
    assert.equal(await way.send(carriedOf(1), live()), expected);
    await settle(3);
    assert.equal(lost.length, given === 'busy' ? 1 : 0);
  });
}

test('a request that was sealed to prekeys that are gone brings the newer bundle back', async () => {
  await open();
  verdict = 'unknown-session';
  const { way, learned } = route();
  assert.equal(await way.send(carriedOf(1), live()), 'unknown-session');
  assert.deepEqual(learned, [BUNDLE]);
});

test('each dial has a key and a circuit of its own', async () => {
  await open(PUBLIC);
  await fetchBundle(dial(), onionOf(ONION));
  const { way } = route(null);
  await way.send(carriedOf(1), live());
  await way.send(carriedOf(2), live());
  assert.equal(new Set(dialers).size, 3);
  assert.equal(new Set(isolations).size, 3);
  assert.deepEqual(knocked, [null, null]);
});

test('who may not knock is told that it is closed, before any cryptography and outside the rate', async () => {
  await open();
  mayKnock = false;
  for (let i = 0; i < 20; i++) assert.equal(await route().way.send(carriedOf(i), live()), 'refused');
  assert.deepEqual(received, []);
  mayKnock = true;
  assert.equal(await route().way.send(carriedOf(1), live()), 'kept');
});

test('a request whose answer was lost is answered the same though its invite is used up', async () => {
  await open();
  assert.equal(await route().way.send(carriedOf(1), live()), 'kept');
  mayKnock = false;
  assert.equal(await route().way.send(carriedOf(1), live()), 'kept');
  assert.equal(await route().way.send(carriedOf(2), live()), 'refused');
  assert.equal(received.length, 1);
});

for (const [door, limit] of [
  [PRIVATE, 6],
  [PUBLIC, 30],
] as const) {
  test(`a ${door.public ? 'public' : 'private'} door takes ${limit} requests a minute, then is busy`, async () => {
    await open(door);
    for (let i = 0; i < limit; i++) assert.equal(await route().way.send(carriedOf(i), live()), 'kept');
    assert.equal(await route().way.send(carriedOf(100), live()), 'busy');
    assert.equal(received.length, limit);
    await clock.advance(60_000 / limit);
    assert.equal(await route().way.send(carriedOf(101), live()), 'kept');
  });
}

test('a door gives out 60 bundles a minute, then none', async () => {
  await open();
  for (let i = 0; i < 60; i++) await fetchBundle(dial(), onionOf(ONION));
  await assert.rejects(fetchBundle(dial(), onionOf(ONION)), { code: 'DOOR_BUSY' });
});

test('a request that cannot be taken for want of a disk is not lost: busy', async () => {
  await open();
  verdict = new KithError('STORE_WRITE_FAILED', 'full', { hint: 'free some' });
  assert.equal(await route().way.send(carriedOf(1), live()), 'busy');
});

/** A connection for a request, with nothing said on it. */
function knock(): Promise<SecureChannel> {
  return dial().channels.dial(onionOf(ONION), {
    as: linkIdentity(systemRandom(32)),
    protocol: REQUEST_PROTOCOL,
    purpose: 'door',
    isolation: 'x',
  });
}

test('nonsense is not answered', async () => {
  await open();
  for (const nonsense of [
    encodeFrame(new Uint8Array(16_295).fill(9)),
    encodeFrame(encodeDoorRequest({ token: TOKEN, count: 1, tag: TAG, envelope: envelopeOf(1) }).subarray(1)),
    new Uint8Array([255, 255]),
  ]) {
    const channel = await knock();
    await channel.write(nonsense);
    await assert.rejects(new FrameReader(channel).next(0, 100));
  }
  assert.deepEqual(knocked, []);
});

test('those who take long make room for others, and end at their deadline', async () => {
  await open();
  const slow = [];
  for (let i = 0; i < MAX_KNOCKING; i++) slow.push(await knock());
  await settle();
  assert.equal(await route().way.send(carriedOf(1), live()), 'kept');
  const [first, second] = slow as [SecureChannel, SecureChannel];
  await assert.rejects(first.read());
  const late = assert.rejects(second.read());
  await clock.advance(DOOR_TIMEOUT_MS);
  await late;
});

test('only openings go through a door', async () => {
  await open();
  const message: Carried = { form: 'message', bytes: new Uint8Array(4_064), count: 2, tag: TAG };
  const { way, lost } = route();
  await assert.rejects(way.send(message, live()), { code: 'DOOR_FORM' });
  await settle(3);
  assert.equal(lost.length, 1);
});

test('doors open and close as the list says; only public ones ask for work', async () => {
  const other = keyOf(0xd1);
  const second: DoorSpec = { seed: other, onionKey: linkIdentity(other).publicKey, public: true };
  await open();
  assert.equal(opened[0]?.pow, false);
  doors.sync([PRIVATE, second]);
  await until(() => doors.stateOf(second.onionKey) === 'open');
  assert.equal(opened[1]?.pow, true);
  doors.sync([second]);
  assert.equal(doors.stateOf(ONION), null);
  await until(() => opened[0]?.stops === 1);
  await assert.rejects(fetchBundle(dial(), onionOf(ONION)));
  assert.deepEqual(
    opened.map(({ starts }) => starts),
    [1, 1],
  );
  // the same one again, while the first is being closed or after
  doors.sync([second, PRIVATE]);
  doors.sync([second]);
  doors.sync([second, PRIVATE]);
  await until(() => doors.stateOf(ONION) === 'open');
  assert.deepEqual(await fetchBundle(dial(), onionOf(ONION)), BUNDLE);
});

test('a door that does not open says so, and is tried again', async () => {
  startError = new KithError('SERVICE_NOT_PUBLISHED', 'no', { hint: 'wait' });
  doors.sync([PUBLIC]);
  assert.equal(doors.stateOf(ONION), 'opening');
  await until(() => doors.stateOf(ONION) === 'failed');
  startError = null;
  await clock.advance(5_000);
  await until(() => doors.stateOf(ONION) === 'open');
  assert.equal(changes, 2);
});

/** A delivery that has one request to bring, as long as no verdict is final. */
function outbox(carried = carriedOf(1)) {
  const state = { routes: 0, verdicts: [] as (Verdict | 'lost')[], detached: 0 };
  let isWaiting = true;
  const delivery = {
    attach: (way: Route) => {
      state.routes += 1;
      if (isWaiting) {
        way.send(carried, live()).then(
          (said) => {
            state.verdicts.push(said);
            if (said === 'kept' || said === 'refused') isWaiting = false;
          },
          () => state.verdicts.push('lost'),
        );
      }
      return () => {
        state.detached += 1;
      };
    },
    learnBundle: () => {},
  };
  return { state, delivery };
}

test('a request is brought when the door is there, after waits that grow and outlast a restart', async () => {
  const database = newDatabase();
  const { state, delivery } = outbox();
  const init = { dial: dial(), delivery, database };
  let knocks = new Knocks(init);
  knocks.sync([{ contact: bob, onionKey: ONION, token: TOKEN }]);
  assert.equal(state.routes, 0, 'not before the start');
  knocks.start();
  for (let i = 0; i < 6; i++) {
    await until(() => knocks.nextTryAt(bob) !== null, 'the next wait');
    await clock.advance((knocks.nextTryAt(bob) as number) - clock.now());
  }
  await until(() => knocks.nextTryAt(bob) !== null);
  const nextTryAt = knocks.nextTryAt(bob) as number;
  assert.ok(nextTryAt - clock.now() > 60_000);
  assert.equal(state.detached, state.routes);
  await knocks.stop();
  const tried = state.routes;

  knocks = new Knocks(init);
  knocks.sync([{ contact: bob, onionKey: ONION, token: TOKEN }]);
  knocks.start();
  await settle();
  assert.equal(state.routes, tried);
  assert.ok(Math.abs((knocks.nextTryAt(bob) as number) - nextTryAt) <= 1);
  await open();
  knocks.want(bob);
  await until(() => state.verdicts.at(-1) === 'kept');
  assert.equal(knocks.nextTryAt(bob), null);
  knocks.sync([]);
  await settle();
  assert.equal(state.detached, state.routes);
  await knocks.stop();
  database.close();
});

test('nobody knocks while there is a link, or tor is not ready', async () => {
  const database = newDatabase();
  await open();
  const { state, delivery } = outbox();
  let isLinked = true;
  let isReady = false;
  const knocks = new Knocks({
    dial: dial(),
    delivery,
    database,
    isLinked: () => isLinked,
    ready: async () => {
      if (!isReady) throw new KithError('TOR_GAVE_UP', 'no', { hint: 'wait' });
    },
  });
  knocks.start();
  knocks.sync([{ contact: bob, onionKey: ONION, token: TOKEN }]);
  await clock.advance(20_000);
  isReady = true;
  await clock.advance(20_000);
  assert.equal(state.routes, 0);
  isLinked = false;
  await clock.advance(20_000);
  await until(() => state.verdicts.at(-1) === 'kept');
  await knocks.stop();
  database.close();
});
