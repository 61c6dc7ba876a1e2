/** What the DHT server stores, answers and refuses, on real libp2p streams. */

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { multiaddr } from '@multiformats/multiaddr';
import { Message, MessageType, Record } from '../../node_modules/@libp2p/kad-dht/dist/src/message/dht.js';
import { concat, fromHex, utf8 } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { decodeKadResponse, encodeKadRequest } from '../../src/wire/kad-message.ts';
import { encodeOnionMultiaddr, onionOf } from '../../src/wire/onion.ts';
import { decodeSlot, encodeSlot, slotKey } from '../../src/wire/slot.ts';
import { DAY_S, flipped, type MadeSlot, made, START_S, signerOf } from './made-slots.ts';
import { framed, peerOf, served } from './served.ts';

const peers = Array.from({ length: 30 }, (_, i) => peerOf(`peer ${i}`));
const put = ({ key, bytes }: MadeSlot): Uint8Array =>
  encodeKadRequest({ type: 'put-value', record: { key, value: bytes } });
const get = (key: Uint8Array): Uint8Array => encodeKadRequest({ type: 'get-value', key });
const REFUSED = { type: 'put-value', record: null, closer: [] };

/** A put as kad-dht encodes it, whatever is in it. */
function rawPut(key: Uint8Array, value: Uint8Array): Uint8Array {
  const record = Record.encode({ key, value });
  return Message.encode({ type: MessageType.PUT_VALUE, key, record, closer: [], providers: [] });
}

test('ping, and the peers closest to a key with computed addresses, without the one who asks', async (t) => {
  const list = [...peers];
  const { ask, askRaw, asked, dialer } = await served(t, { peers: list });
  assert.deepEqual(await ask(encodeKadRequest({ type: 'ping' })), { type: 'ping', record: null, closer: [] });
  const find = encodeKadRequest({ type: 'find-node', key: utf8('anywhere') });
  const answer = (await askRaw(framed(find))) as Uint8Array;
  const keys = peers.slice(0, 20).map((_, i) => signerOf(`peer ${i}`).publicKey);
  assert.deepEqual(decodeKadResponse(answer), { type: 'find-node', record: null, closer: keys });
  assert.deepEqual(asked.at(-1)?.kadId, nodeProvider.sha256(utf8('anywhere')));
  const [first] = Message.decode(answer).closer;
  assert.deepEqual(
    first?.multiaddrs.map((bytes) => multiaddr(bytes).toString()),
    [encodeOnionMultiaddr(onionOf(signerOf('peer 0').publicKey))],
  );
  list.unshift(dialer.peerId);
  assert.deepEqual((await ask(find))?.closer, keys, 'the asker is not among them');
});

test('a slot is put, put again, and got: the answer is the record, without a time', async (t) => {
  const { ask, askRaw, rows } = await served(t, { peers });
  for (const slot of [made('alice'), made('bob', { size: 4_096 })]) {
    const record = { key: slot.key, value: slot.bytes };
    assert.equal((await ask(get(slot.key)))?.record, null);
    for (const _ of [1, 2]) {
      assert.deepEqual(await ask(put(slot)), { type: 'put-value', record, closer: [] });
    }
    const answer = (await askRaw(framed(get(slot.key)))) as Uint8Array;
    assert.deepEqual(decodeKadResponse(answer).record, record);
    assert.equal(decodeKadResponse(answer).closer.length, 20);
    assert.equal(Record.decode(Message.decode(answer).record as Uint8Array).timeReceived, undefined);
  }
  assert.equal(rows.size().rows, 2);
});

const good = made('alice', { seq: 5 });
const goodParts = decodeSlot(good.bytes);
const smallOrder = fromHex(`01${'00'.repeat(31)}`);
const order = BigInt('0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed');

function raisedS(): Uint8Array {
  const s = BigInt(`0x${Buffer.from(goodParts.signature.subarray(32)).reverse().toString('hex')}`) + order;
  const signature = goodParts.signature.slice();
  signature.set(fromHex(s.toString(16).padStart(64, '0')).reverse(), 32);
  return encodeSlot({ ...goodParts, signature });
}

const unacceptable: Readonly<{ [what: string]: MadeSlot }> = {
  'an expired slot': made('alice', { expiry: START_S }),
  'a slot of a writer whose clock is days ahead': made('alice', { expiry: START_S + 15 * DAY_S + 1 }),
  'a slot of the wrong signer': {
    key: good.key,
    bytes: encodeSlot({ ...decodeSlot(made('mallory').bytes), pk: goodParts.pk }),
  },
  'a slot with a wrong signature': flipped(good, -64),
  'a slot with a changed ciphertext': flipped(good, 100),
  'a slot under a key of small order': {
    key: slotKey(smallOrder),
    bytes: encodeSlot({ ...goodParts, pk: smallOrder, signature: concat(smallOrder, new Uint8Array(32)) }),
  },
  'a slot whose signature has S of L or more': { key: good.key, bytes: raisedS() },
  'an oversize slot': { key: good.key, bytes: concat(good.bytes, new Uint8Array(4_000)) },
  'an undersize slot': { key: good.key, bytes: good.bytes.subarray(0, 624) },
  'an empty slot': { key: good.key, bytes: new Uint8Array(0) },
  'a slot replayed under another key': { key: made('bob').key, bytes: good.bytes },
};

for (const [what, slot] of Object.entries(unacceptable)) {
  test(`${what} is refused and not stored`, async (t) => {
    const { ask, rows, store } = await served(t);
    assert.deepEqual(await ask(put(slot)), REFUSED);
    assert.equal((await ask(get(slot.key)))?.record, null);
    assert.equal(rows.size().rows, 0);
    assert.equal(store.stats().slots, 0);
  });
}

test('a slot of a writer whose clock is a day ahead is stored', async (t) => {
  const { ask } = await served(t);
  const slot = made('alice', { expiry: START_S + 15 * DAY_S });
  assert.notEqual((await ask(put(slot)))?.record, null);
});

test('a slot that expires is no longer answered', async (t) => {
  const { ask, clock } = await served(t);
  const slot = made('alice', { expiry: START_S + 20 });
  assert.notEqual((await ask(put(slot)))?.record, null);
  await clock.advance(20_000);
  assert.equal((await ask(get(slot.key)))?.record, null);
});

test('an old slot is refused; one of the same seq too, and both look alike', async (t) => {
  const { ask, askRaw, rows, store } = await served(t);
  await ask(put(good));
  const older = await askRaw(framed(put(made('alice', { seq: 4 }))));
  const other = await askRaw(framed(put(made('alice', { seq: 5, fill: 1 }))));
  assert.deepEqual(decodeKadResponse(older as Uint8Array), REFUSED);
  assert.deepEqual(other, older);
  assert.deepEqual((await ask(get(good.key)))?.record?.value, good.bytes);
  assert.equal(store.conflicts().length, 1);
  assert.equal(rows.size().rows, 2, 'the slot and the evidence');
});

/** Sends each; all are reset without a byte, and nothing is stored. */
async function reset(t: TestContext, messages: readonly Uint8Array[]): Promise<void> {
  const { askRaw, rows, asked } = await served(t, { peers, limits: { burst: 1_000 } });
  for (const [i, message] of messages.entries()) assert.equal(await askRaw(framed(message)), null, `${i}`);
  assert.equal(rows.size().rows, 0);
  assert.deepEqual(asked, [], 'the routing table was not looked at');
}

test('public keys are neither stored nor answered, whether the peer is known or not', async (t) => {
  const known = concat(utf8('/pk/'), peers[0]?.toMultihash().bytes as Uint8Array);
  const unknown = concat(utf8('/pk/'), peerOf('stranger').toMultihash().bytes);
  const publicKey = concat(Uint8Array.of(8, 1, 18, 32), signerOf('peer 0').publicKey);
  await reset(t, [
    rawPut(known, publicKey),
    rawPut(known, good.bytes),
    ...[known, unknown].map((key) =>
      Message.encode({ type: MessageType.GET_VALUE, key, closer: [], providers: [] }),
    ),
  ]);
});

test('other namespaces are neither stored nor answered', async (t) => {
  const keys = ['/ipns/name', '/kith-slot', '/kith-slot/short', '/kith-slots/x', 'kith-slot', ''].map(utf8);
  await reset(t, [
    ...keys.map((key) => rawPut(key, good.bytes)),
    ...keys.map((key) => Message.encode({ type: MessageType.GET_VALUE, key, closer: [], providers: [] })),
  ]);
});

test('provider records are neither stored nor answered', async (t) => {
  const providers = [{ id: peers[0]?.toMultihash().bytes as Uint8Array, multiaddrs: [] }];
  const key = concat(Uint8Array.of(0x12, 0x20), good.key.subarray(11));
  await reset(
    t,
    [key, good.key].flatMap((key) => [
      Message.encode({ type: MessageType.ADD_PROVIDER, key, closer: [], providers }),
      Message.encode({ type: MessageType.GET_PROVIDERS, key, closer: [], providers: [] }),
      Message.encode({ type: MessageType.GET_VALUE, key, closer: [], providers }),
      concat(rawPut(good.key, good.bytes), Uint8Array.of(0x4a, 0)),
    ]),
  );
});

test('odd protobuf is refused: fields twice, groups, padded and huge numbers, what was only promised', async (t) => {
  const once = rawPut(good.key, good.bytes);
  await reset(t, [
    concat(once, once),
    concat(Uint8Array.of(8, 0x80, 0x80, 0x80, 0x80, 0x10), once),
    concat(Uint8Array.of(8, ...Array(9).fill(0xff), 1), once),
    concat(Uint8Array.of(8, 0x80, 0), once),
    concat(once, Uint8Array.of(0x7b, 0x7c)),
    concat(once, Uint8Array.of(0x7b).fill(0x7b)),
    concat(once, Uint8Array.of(0x12, 0xff, 0xff, 0xff, 0xff, 0x0f)),
    Uint8Array.of(8, 99),
    new Uint8Array(0),
  ]);
});
