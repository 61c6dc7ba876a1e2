/** What one peer can make the DHT server do: how often, how long, how many at once. On real libp2p streams. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Stream } from '@libp2p/interface';
import { SERVER_LIMITS, SLOT_STORE_LIMITS } from '../../src/dht/limits.ts';
import { concat } from '../../src/safety/bytes.ts';
import { encodeKadRequest } from '../../src/wire/kad-message.ts';
import type { ManualClock } from '../manual-clock.ts';
import { until } from '../net/edge.ts';
import { flipped, type MadeSlot, made, signerOf } from './made-slots.ts';
import { answerOf, framed, peerOf, served } from './served.ts';

const PING = framed(encodeKadRequest({ type: 'ping' }));
const put = ({ key, bytes }: MadeSlot): Uint8Array =>
  framed(encodeKadRequest({ type: 'put-value', record: { key, value: bytes } }));

/** Resolves when a stream has ended on our side; true where it was reset. */
async function wasReset(stream: Stream): Promise<boolean> {
  if (stream.status === 'open' || stream.status === 'closing') {
    await new Promise((resolve) => stream.addEventListener('close', resolve, { once: true }));
  }
  return stream.status === 'reset' || stream.status === 'aborted';
}

/** Bytes that have come, counted; reading goes on by itself. */
function counted(stream: Stream): { bytes: number } {
  const count = { bytes: 0 };
  stream.addEventListener('message', ({ data }) => {
    count.bytes += data.byteLength;
  });
  return count;
}

/** Waits until the server sleeps for that many more reasons than its deadlines. */
async function waiting(clock: ManualClock, sleepers: number): Promise<void> {
  await until(() => clock.sleeping >= sleepers);
}

test('lengths that are too long, padded or endless end the stream at once', async (t) => {
  const { askRaw } = await served(t, { limits: { burst: 1_000 } });
  for (const bytes of [
    Uint8Array.of(0xff, 0x7f),
    Uint8Array.of(0xff, 0xff, 0x03),
    Uint8Array.of(0x82, 0x00, 8, 5),
    new Uint8Array(20).fill(0x80),
    Uint8Array.of(0),
  ]) {
    assert.equal(await askRaw(bytes), null);
  }
});

test('a message that comes byte by byte is read; one that is never whole ends at the deadline', async (t) => {
  const { clock, open } = await served(t);
  const slow = await open();
  for (const byte of put(made('alice'))) {
    slow.send(Uint8Array.of(byte));
    if (byte === 0) await nextTurn();
  }
  assert.ok(await answerOf(slow));
  const never = await open();
  const cut = await open();
  never.send(put(made('bob')).subarray(0, 100));
  cut.send(put(made('bob')).subarray(0, 100));
  await cut.close();
  assert.ok(await wasReset(cut), 'the end inside a message');
  await waiting(clock, 1);
  await clock.advance(SERVER_LIMITS.requestMs);
  assert.ok(await wasReset(never));
});

test('a stream without a request, and one that goes silent, end at the deadline', async (t) => {
  const { clock, open } = await served(t);
  const [silent, once] = [await open(), await open()];
  const count = counted(once);
  once.send(PING);
  await until(() => count.bytes > 0);
  // the protocol of a stream that sends nothing is negotiated with its first bytes
  silent.send(new Uint8Array(0));
  silent.send(Uint8Array.of(0x80));
  await waiting(clock, 2);
  await clock.advance(SERVER_LIMITS.requestMs);
  assert.deepEqual([await wasReset(silent), await wasReset(once)], [true, true]);
});

test('a connection has so many streams; one more is reset, and closing makes room', async (t) => {
  const { open, server } = await served(t, { limits: { streams: 2 } });
  const streams = [await open(), await open()];
  for (const stream of streams) {
    const count = counted(stream);
    stream.send(PING);
    await until(() => count.bytes > 0);
  }
  assert.ok(await wasReset(await open()));
  await (streams[0] as Stream).close();
  await until(() => server.stats().streams === 1);
  const again = await open();
  again.send(PING);
  assert.ok(await answerOf(again));
});

test('many requests are answered at the rate of the connection', async (t) => {
  const { ask, clock, open, server } = await served(t, { limits: { burst: 10, perSecond: 5 } });
  const ping = encodeKadRequest({ type: 'ping' });
  for (let i = 0; i < 10; i++) assert.ok(await ask(ping));
  const late: Stream[] = [];
  for (let i = 0; i < 5; i++) {
    const stream = await open();
    stream.send(PING);
    late.push(stream);
  }
  await sleep(20);
  assert.equal(server.stats().answered, 10);
  for (let answered = 11; answered <= 15; answered++) {
    // the deadline of each stream that waits, and what holds its request back
    await waiting(clock, 2 * (16 - answered));
    await clock.advance(200);
    await until(() => server.stats().answered === answered);
  }
  for (const stream of late) assert.ok(await answerOf(stream));
});

test('a stream has a few requests; one more, and it is reset', async (t) => {
  const { open, server } = await served(t);
  const stream = await open();
  const count = counted(stream);
  for (let asked = 1; asked <= SERVER_LIMITS.requestsPerStream; asked++) {
    stream.send(PING);
    await until(() => server.stats().answered === asked && count.bytes === asked * 3);
  }
  stream.send(PING);
  assert.ok(await wasReset(stream));
  assert.equal(server.stats().answered, SERVER_LIMITS.requestsPerStream);
});

test('a stream that is ahead by more than a request is reset, also while it is held back', async (t) => {
  const { clock, open, server } = await served(t, { limits: { burst: 1, perSecond: 1 } });
  const pings = concat(...Array.from({ length: 100_000 }, () => PING));
  const atOnce = await open();
  atOnce.send(pings);
  assert.ok(await wasReset(atOnce));
  assert.equal(server.stats().answered, 0);
  await clock.advance(60_000);
  const later = await open();
  for (const asked of [1, 2]) {
    later.send(PING);
    await until(() => server.stats().answered === 1);
    if (asked === 2) await waiting(clock, 2);
  }
  later.send(pings);
  assert.ok(await wasReset(later), 'nobody waits until its turn has come');
});

test('forged slots use up the allowance of a connection, and then it is refused', async (t) => {
  const limits = { burst: 20, perSecond: 1, heldBackMs: 10_000, forgedCost: 16 };
  const { ask, clock, open, server } = await served(t, { limits });
  const forged = flipped(made('alice'), -1);
  const message = encodeKadRequest({ type: 'put-value', record: { key: forged.key, value: forged.bytes } });
  // 20 - 2 * (1 + 16) = -14: more than ten seconds' worth is owed
  for (let i = 0; i < 2; i++) assert.equal((await ask(message))?.record, null);
  for (let i = 0; i < 5; i++) {
    const stream = await open();
    stream.send(PING);
    assert.ok(await wasReset(stream));
  }
  assert.equal(server.stats().answered, 2);
  await clock.advance(60_000);
  assert.ok(await ask(encodeKadRequest({ type: 'ping' })), 'served again once it has paid');
});

test('what an honest peer hands on is not held against it, though others have another version', async (t) => {
  const { ask, server, store } = await served(t, { limits: { burst: 20, perSecond: 1, forgedCost: 16 } });
  for (let i = 0; i < 10; i++) {
    const [first, second] = [made(`signer ${i}`), made(`signer ${i}`, { fill: 1 })];
    store.offer(first.key, first.bytes, 'who signed twice');
    const record = { key: second.key, value: second.bytes };
    assert.equal((await ask(encodeKadRequest({ type: 'put-value', record })))?.record, null);
  }
  assert.equal(server.stats().answered, 10);
  assert.equal(store.stats().conflicts, 10);
});

test('a flood of puts over the network stays within the caps of the store', async (t) => {
  const store = { ...SLOT_STORE_LIMITS, slots: 20 };
  const { ask, rows } = await served(t, { store, limits: { burst: 1_000 } });
  let kept = 0;
  for (let i = 0; i < 100; i++) {
    const { key, bytes } = made(`flood ${i}`);
    const answer = await ask(encodeKadRequest({ type: 'put-value', record: { key, value: bytes } }));
    if (answer?.record !== null) kept++;
  }
  assert.ok(kept >= 20 && kept < 80, `${kept}`);
  assert.equal(rows.size().rows, 20);
});

test('a store that cannot write refuses; the server goes on', async (t) => {
  const { ask, rows, store } = await served(t);
  const slot = made('alice');
  const message = encodeKadRequest({ type: 'put-value', record: { key: slot.key, value: slot.bytes } });
  const ping = encodeKadRequest({ type: 'ping' });
  rows.close();
  assert.equal((await ask(message))?.record ?? null, null);
  assert.ok(await ask(ping));
  assert.equal(store.stats().slots, 0);
});

test('more peers than are kept encoded are answered all the same', async (t) => {
  const peers = Array.from({ length: 20 }, (_, i) => peerOf(`peer ${i}`));
  const { ask } = await served(t, { peers, limits: { encodedPeers: 3 } });
  const find = encodeKadRequest({ type: 'find-node', key: Uint8Array.of(1) });
  const keys = peers.map((_, i) => signerOf(`peer ${i}`).publicKey);
  for (const _ of [1, 2]) assert.deepEqual((await ask(find))?.closer, keys);
});
