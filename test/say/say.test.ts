import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type Clock, systemClock } from '../../src/safety/clock.ts';
import { type Disk, diskError, systemDisk } from '../../src/safety/disk.ts';
import { systemRandom } from '../../src/safety/random.ts';
import { SayError } from '../../src/say/errors.ts';
import { Inbox, type InboxLimits } from '../../src/say/inbox.ts';
import { SAY_DISCARD_MS, SAY_MAX_CONCURRENT, SAY_SECURE_PLACE_MS } from '../../src/say/limits.ts';
import { type Received, SayReceiver } from '../../src/say/receive.ts';
import { sendSay } from '../../src/say/send.ts';
import { encodeSayReceipt } from '../../src/wire/say.ts';
import { ManualClock } from '../manual-clock.ts';
import { channelPair } from './channel-pair.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kith-say-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

interface Setup {
  readonly clock?: Clock;
  readonly disk?: Disk;
  readonly limits?: Partial<InboxLimits>;
}

async function receiver({ disk = systemDisk, limits = {}, clock = systemClock }: Setup = {}) {
  const received: Received[] = [];
  const refused: string[] = [];
  const inbox = new Inbox(
    dir,
    { disk, clock: systemClock, random: systemRandom },
    { maxBytes: 1e9, maxMessages: 100, maxMessageBytes: 1e8, ...limits },
  );
  await inbox.open();
  const say = new SayReceiver({
    inbox,
    clock,
    onReceived: (message) => received.push(message),
    onRefused: (status) => refused.push(status),
  });
  return { say, received, refused };
}

async function* pieces(content: Uint8Array, size = 60_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

test('what is said arrives byte for byte, and is acknowledged only when it is on disk', async () => {
  const { say, received } = await receiver();
  const [alice, bob] = channelPair();
  const content = randomBytes(1_500_001);
  const [delivered] = await Promise.all([
    sendSay(alice, pieces(content), { clock: systemClock }),
    say.receive(bob),
  ]);
  assert.equal(delivered.sizeBytes, content.length);
  assert.deepEqual(Buffer.from(delivered.digest), createHash('sha256').update(content).digest());
  const [message] = received;
  assert.ok(message);
  assert.deepEqual(await readFile(message.path), content);
  assert.deepEqual(await readdir(dir), [message.path.slice(dir.length + 1)]);
});

test('an empty message is a message', async () => {
  const { say, received } = await receiver();
  const [alice, bob] = channelPair();
  const [delivered] = await Promise.all([
    sendSay(alice, pieces(new Uint8Array()), { clock: systemClock }),
    say.receive(bob),
  ]);
  assert.equal(delivered.sizeBytes, 0);
  assert.equal(received[0]?.sizeBytes, 0);
});

for (const [what, limits, status] of [
  ['larger than allowed', { maxMessageBytes: 100_000 }, 'too-large'],
  ['over the inbox budget', { maxBytes: 100_000 }, 'inbox-full'],
  ['one too many', { maxMessages: 0 }, 'inbox-full'],
] as const) {
  test(`a message ${what} is refused while it is sent, and nothing stays`, async () => {
    const { say, refused } = await receiver({ limits });
    const [alice, bob] = channelPair();
    let read = 0;
    const endless = (async function* () {
      for (; read < 1000; read++) yield new Uint8Array(60_000);
    })();
    const receiving = say.receive(bob);
    await assert.rejects(sendSay(alice, endless, { clock: systemClock }), (error: unknown) => {
      assert.ok(error instanceof SayError);
      assert.equal(error.code, 'SAY_REFUSED');
      assert.equal(error.data['status'], status);
      return true;
    });
    await receiving;
    assert.ok(read < 900, 'the sender stopped early');
    assert.deepEqual(refused, [status]);
    assert.deepEqual(await readdir(dir), []);
  });
}

test('a refused message gives its budget back', async () => {
  const { say, received } = await receiver({ limits: { maxBytes: 1_000_000, maxMessageBytes: 600_000 } });
  for (const [sizeBytes, kept] of [
    [700_000, false],
    [600_000, true],
    [400_000, true],
  ] as const) {
    const [alice, bob] = channelPair();
    const receiving = say.receive(bob);
    const sending = sendSay(alice, pieces(randomBytes(sizeBytes)), { clock: systemClock });
    if (kept) await sending;
    else await assert.rejects(sending, { code: 'SAY_REFUSED' });
    await receiving;
  }
  assert.equal(received.length, 2);
});

/** The real disk until `fails` says otherwise. */
function failing(at: 'create' | 'append' | 'datasync' | 'rename' | 'syncDir', errno: string): Disk {
  const fail = async (): Promise<never> => {
    throw diskError('test', Object.assign(new Error(errno), { code: errno }));
  };
  return {
    ...systemDisk,
    ...(at === 'rename' || at === 'syncDir' ? { [at]: fail } : {}),
    create: async (path) => {
      if (at === 'create') return fail();
      const file = await systemDisk.create(path);
      return at === 'append' || at === 'datasync' ? { ...file, [at]: fail } : file;
    },
  };
}

for (const at of ['create', 'append', 'datasync', 'rename', 'syncDir'] as const) {
  test(`a full disk at ${at} is told to the sender, and nothing half-written stays`, async () => {
    const { say, refused, received } = await receiver({ disk: failing(at, 'ENOSPC') });
    const [alice, bob] = channelPair();
    const receiving = say.receive(bob);
    await assert.rejects(sendSay(alice, pieces(randomBytes(300_000)), { clock: systemClock }), {
      code: 'SAY_REFUSED',
      message: /disk is full/,
    });
    await receiving;
    assert.deepEqual(refused, ['disk-full']);
    assert.deepEqual(received, []);
    assert.deepEqual(await readdir(dir), []);
  });
}

test('a link that breaks in the middle leaves nothing and is no success on either side', async () => {
  const { say, received } = await receiver();
  const [alice, bob] = channelPair();
  const broken = (async function* () {
    yield new Uint8Array(300_000);
    alice.abort(new Error('the circuit is gone'));
    yield new Uint8Array(300_000);
  })();
  const receiving = say.receive(bob);
  receiving.catch(() => {});
  await assert.rejects(sendSay(alice, broken, { clock: systemClock }), /circuit is gone/);
  await assert.rejects(receiving, /circuit is gone/);
  assert.deepEqual(received, []);
  assert.deepEqual(await readdir(dir), []);
});

test('a receipt for other bytes than those sent is not a success', async () => {
  const [alice, bob] = channelPair();
  const lying = (async () => {
    while ((await bob.read()) !== null);
    await bob.write(
      encodeSayReceipt({ status: 'written', sizeBytes: 5, digest: new Uint8Array(32).fill(1) }),
    );
    await bob.close();
  })();
  await assert.rejects(sendSay(alice, pieces(Buffer.from('hello')), { clock: systemClock }), {
    code: 'SAY_DIGEST',
  });
  await lying;
});

test('an end without a receipt is not a success', async () => {
  const [alice, bob] = channelPair();
  const silent = (async () => {
    while ((await bob.read()) !== null);
    await bob.close();
  })();
  await assert.rejects(sendSay(alice, pieces(Buffer.from('hello')), { clock: systemClock }), {
    code: 'SAY_LOST',
  });
  await silent;
});

test('half-written messages of a crash are removed at the next start, whole ones stay', async () => {
  await writeFile(join(dir, '20260101T000000-000Z-00000000.part'), 'half');
  await writeFile(join(dir, '20260101T000000-000Z-00000001'), 'whole');
  await receiver();
  assert.deepEqual(await readdir(dir), ['20260101T000000-000Z-00000001']);
});

test('a slow sender loses its place to a new one when all places are taken, a fast one does not', async () => {
  const clock = new ManualClock();
  const { say, received } = await receiver({ clock });
  const senders = Array.from({ length: SAY_MAX_CONCURRENT }, () => channelPair());
  const receiving = senders.map(([, bob]) => say.receive(bob));
  for (const done of receiving) done.catch(() => {});
  for (const [at, [sender]] of senders.entries()) await sender.write(new Uint8Array(at === 3 ? 1 : 1000));
  // only what was read counts for a place
  while (senders.some(([, bob]) => bob.unread > 0)) await new Promise(setImmediate);
  await new Promise(setImmediate);

  const [early, refusing] = channelPair();
  const turnedAway = say.receive(refusing);
  assert.notEqual(await early.read(), null, 'nobody is old enough to lose a place: the new one is refused');
  early.abort(new Error('done'));
  await turnedAway;

  await clock.advance(SAY_SECURE_PLACE_MS);
  const [carol, bob] = channelPair();
  const arriving = say.receive(bob);
  await carol.write(new Uint8Array(5));
  await carol.close();
  await arriving;
  assert.equal(received.length, 1);
  await assert.rejects(receiving[3] as Promise<void>, /faster sender/);
  for (const [sender] of senders) sender.abort(new Error('done'));
  await Promise.allSettled(receiving);
  assert.equal(received.length, 1);
});

test('a refused sender that goes on slowly is dropped after ten seconds in all', async () => {
  const clock = new ManualClock();
  const { say } = await receiver({ clock, limits: { maxMessages: 0 } });
  const [alice, bob] = channelPair();
  const receiving = say.receive(bob);
  await alice.write(new Uint8Array(1));
  await alice.close();
  assert.notEqual(await alice.read(), null);
  await receiving; // an ended sender is let go at once

  const [mallory, victim] = channelPair();
  const held = say.receive(victim);
  await mallory.write(new Uint8Array(300_000));
  assert.notEqual(await mallory.read(), null);
  assert.equal(await mallory.read(), null);
  while (clock.sleeping === 0) await new Promise(setImmediate);
  for (let waitedMs = 0; waitedMs < SAY_DISCARD_MS; waitedMs += 1000) {
    await clock.advance(1000);
    await mallory.write(new Uint8Array(1)).catch(() => {});
  }
  await held;
});

test('a sender that is told to stop while its user still types leaves at once, and nothing stays', async () => {
  const { say, received } = await receiver();
  const [alice, bob] = channelPair();
  const stop = new AbortController();
  const typing = (async function* () {
    yield new Uint8Array(10);
    await new Promise(() => {});
  })();
  const receiving = say.receive(bob);
  receiving.catch(() => {});
  const sending = sendSay(alice, typing, { clock: systemClock, signal: stop.signal });
  while ((await readdir(dir)).length === 0) await new Promise(setImmediate);
  stop.abort(new Error('Ctrl-C'));
  await assert.rejects(sending, /Ctrl-C/);
  await assert.rejects(receiving, /Ctrl-C/);
  assert.deepEqual(received, []);
  assert.deepEqual(await readdir(dir), []);
});
