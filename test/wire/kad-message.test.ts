/** Kademlia messages, against the codec of kad-dht itself: the peer that they have to be understood by. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { multiaddr } from '@multiformats/multiaddr';
import { Mutator } from '../../fuzz/mutate.ts';
import { readCorpus } from '../../fuzz/targets.ts';
import { concat, utf8 } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import {
  decodeKadRequest,
  decodeKadResponse,
  encodeKadRequest,
  encodeKadResponse,
  type KadRequest,
  MAX_KAD_REQUEST_BYTES,
} from '../../src/wire/kad-message.ts';
import { encodeBase58 } from '../../src/wire/base58.ts';
import { encodeOnionMultiaddr, onionOf } from '../../src/wire/onion.ts';
import { ed25519PeerId } from '../../src/wire/peer-id.ts';
import { signSlot, slotKey } from '../../src/wire/slot.ts';
// not exported, and the only independent implementation at hand
import { Message, MessageType, Record } from '../../node_modules/@libp2p/kad-dht/dist/src/message/dht.js';

const signer = nodeProvider.ed25519.signer(new Uint8Array(32).fill(3));
const key = slotKey(signer.publicKey);
const value = signSlot({ seq: 1, expiry: 1_800_000_000, ciphertext: new Uint8Array(4_096) }, signer);
const peers = [1, 2, 3].map((n) => nodeProvider.ed25519.publicKey(new Uint8Array(32).fill(n)));

const requests: readonly (readonly [KadRequest, Partial<Message>])[] = [
  [{ type: 'ping' }, { type: MessageType.PING }],
  [
    { type: 'find-node', key: utf8('anything') },
    { type: MessageType.FIND_NODE, key: utf8('anything') },
  ],
  [
    { type: 'get-value', key },
    { type: MessageType.GET_VALUE, key },
  ],
  [
    { type: 'put-value', record: { key, value } },
    { type: MessageType.PUT_VALUE, key, record: Record.encode({ key, value }) },
  ],
];

test("requests are byte for byte those of kad-dht's encoder, and read back", () => {
  for (const [request, message] of requests) {
    const bytes = encodeKadRequest(request);
    assert.deepEqual(bytes, new Uint8Array(Message.encode({ closer: [], providers: [], ...message })));
    assert.deepEqual(decodeKadRequest(bytes), request);
  }
});

test("a put as kad-dht's client makes it, with a time, is read", () => {
  const record = Record.encode({ key, value, timeReceived: '2026-01-01T00:00:00.000000000Z' });
  const bytes = new Uint8Array(Message.encode({ type: MessageType.PUT_VALUE, key, record }));
  assert.deepEqual(decodeKadRequest(bytes), { type: 'put-value', record: { key, value } });
});

test("answers are read by kad-dht's decoder, with computed addresses and no time", () => {
  const bytes = encodeKadResponse({ type: 'get-value', record: { key, value }, closer: peers });
  const message = Message.decode(bytes);
  assert.equal(message.type, 'GET_VALUE');
  const record = Record.decode(message.record as Uint8Array);
  assert.deepEqual(new Uint8Array(record.value as Uint8Array), value);
  assert.equal(record.timeReceived, undefined);
  assert.deepEqual(
    message.closer.map(({ id }) => encodeBase58(id)),
    peers.map(ed25519PeerId),
  );
  assert.deepEqual(
    message.closer.map(({ multiaddrs }) => multiaddrs.map((bytes) => multiaddr(bytes).toString())),
    peers.map((peer) => [encodeOnionMultiaddr(onionOf(peer))]),
  );
  const refused = encodeKadResponse({ type: 'put-value', record: null, closer: [] });
  assert.ok(refused.length > 0);
  assert.equal(Message.decode(refused).record, undefined);
  assert.throws(
    () => encodeKadResponse({ type: 'ping', record: null, closer: Array(21).fill(peers[0]) }),
    RangeError,
  );
  assert.throws(
    () => encodeKadResponse({ type: 'ping', record: null, closer: [new Uint8Array(31)] }),
    RangeError,
  );
});

test('what is accepted means the same to kad-dht, whatever the bytes', () => {
  let accepted = 0;
  const corpus = readCorpus('kad-request');
  const mutator = new Mutator(11, MAX_KAD_REQUEST_BYTES);
  for (let i = 0; i < 20_000; i++) {
    const bytes = mutator.next(corpus);
    const request = decoded(() => decodeKadRequest(bytes));
    if (request === null) continue;
    accepted++;
    const message = Message.decode(bytes);
    assert.equal(message.type.toLowerCase().replace('_', '-'), request.type);
    if (request.type === 'ping') continue;
    const expected = request.type === 'put-value' ? request.record.key : request.key;
    assert.deepEqual(new Uint8Array(message.key as Uint8Array), new Uint8Array(expected));
    if (request.type !== 'put-value') continue;
    const record = Record.decode(message.record as Uint8Array);
    assert.deepEqual(new Uint8Array(record.value as Uint8Array), new Uint8Array(request.record.value));
  }
  assert.ok(accepted > 200, `${accepted} accepted`);
});

function decoded<T>(decode: () => T): T | null {
  try {
    return decode();
  } catch (error) {
    assert.ok(error instanceof MalformedError);
    return null;
  }
}

const record = (...fields: Uint8Array[]): Uint8Array => bytesOf(3, concat(...fields));
const bytesOf = (field: number, content: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(field * 8 + 2), varint(content.length), content);
const varint = (size: number): Uint8Array =>
  size < 128 ? Uint8Array.of(size) : Uint8Array.of((size & 127) | 128, size >> 7);
const get = Uint8Array.of(8, 1);
const put = concat(bytesOf(2, key), record(bytesOf(1, key), bytesOf(2, value)));

const hostile: Readonly<{ [what: string]: Uint8Array }> = {
  nothing: new Uint8Array(0),
  ADD_PROVIDER: concat(Uint8Array.of(8, 2), bytesOf(2, key)),
  GET_PROVIDERS: concat(Uint8Array.of(8, 3), bytesOf(2, key)),
  'an unknown type': Uint8Array.of(8, 6),
  'a negative type': Uint8Array.of(8, ...Array(9).fill(0xff), 1),
  'a type above 64 bits': Uint8Array.of(8, ...Array(10).fill(0xff), 1),
  'a type of 2^32, which 32-bit readers take for zero': concat(
    Uint8Array.of(8, 0x80, 0x80, 0x80, 0x80, 0x10),
    put,
  ),
  'a padded type': concat(Uint8Array.of(8, 0x81, 0), bytesOf(2, key)),
  'two types': concat(get, get, bytesOf(2, key)),
  'a type of bytes': concat(Uint8Array.of(10, 1, 1), bytesOf(2, key)),
  'a key that is a number': concat(get, Uint8Array.of(16, 1)),
  'two keys': concat(get, bytesOf(2, key), bytesOf(2, key)),
  'no key': get,
  'a public key': concat(get, bytesOf(2, concat(utf8('/pk/'), signer.publicKey))),
  'a name': concat(get, bytesOf(2, utf8('/ipns/name'))),
  'a get with a record': concat(get, put),
  'a ping with a record': concat(Uint8Array.of(8, 5), put),
  'provider records in a put': concat(put, bytesOf(9, new Uint8Array(0))),
  'peers in a request': concat(
    get,
    bytesOf(2, key),
    bytesOf(8, bytesOf(1, concat(Uint8Array.of(0, 36, 8, 1, 18, 32), key.slice(11)))),
  ),
  'a put without a record': bytesOf(2, key),
  'a put without a key': record(bytesOf(1, key), bytesOf(2, value)),
  'a record without a key': concat(bytesOf(2, key), record(bytesOf(2, value))),
  'a record without a value': concat(bytesOf(2, key), record(bytesOf(1, key))),
  'two records': concat(put, record(bytesOf(1, key), bytesOf(2, value))),
  'two values': concat(bytesOf(2, key), record(bytesOf(1, key), bytesOf(2, value), bytesOf(2, value))),
  'a record of another key': concat(
    bytesOf(2, key),
    record(bytesOf(1, slotKey(key.slice(11))), bytesOf(2, value)),
  ),
  'a record of another namespace': concat(
    bytesOf(2, utf8('/pk/x')),
    record(bytesOf(1, utf8('/pk/x')), bytesOf(2, value)),
  ),
  'a group': concat(get, bytesOf(2, key), Uint8Array.of(0x7b, 0x7c)),
  'field number zero': concat(get, bytesOf(2, key), Uint8Array.of(0, 0)),
  'a field number above 2^29': concat(get, bytesOf(2, key), Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x10, 0)),
  'a cut number': concat(get, bytesOf(2, key), Uint8Array.of(0x80)),
  'a cut field': concat(get, Uint8Array.of(0x12, 43), key.subarray(1)),
  'a length that was only promised': concat(get, Uint8Array.of(0x12, 0xff, 0xff, 0xff, 0xff, 0x0f)),
  'a cut fixed number': concat(get, bytesOf(2, key), Uint8Array.of(0x79, 1, 2)),
  'an empty key to find': concat(Uint8Array.of(8, 4), bytesOf(2, new Uint8Array(0))),
  'a long key to find': concat(Uint8Array.of(8, 4), bytesOf(2, new Uint8Array(65))),
  'too many bytes': concat(get, bytesOf(2, key), bytesOf(15, new Uint8Array(MAX_KAD_REQUEST_BYTES))),
};

for (const [what, bytes] of Object.entries(hostile)) {
  test(`a request with ${what} is refused`, () => {
    assert.throws(() => decodeKadRequest(bytes), MalformedError);
  });
}

test('unknown fields of every plain kind are passed over', () => {
  const others = [Uint8Array.of(0x50, ...Array(9).fill(0xff), 1), Uint8Array.of(0x7d, 1, 2, 3, 4)];
  const more = [Uint8Array.of(0x79, 1, 2, 3, 4, 5, 6, 7, 8), bytesOf(15, key)];
  const request = decodeKadRequest(concat(...others, get, bytesOf(2, key), ...more));
  assert.deepEqual(request, { type: 'get-value', key });
});

test('answers with more than 20 peers, or peers that are not Ed25519 keys, are refused', () => {
  const id = concat(Uint8Array.of(0, 36, 8, 1, 18, 32), signer.publicKey);
  const peer = bytesOf(8, bytesOf(1, id));
  const find = Uint8Array.of(8, 4);
  assert.equal(decodeKadResponse(concat(find, ...Array(20).fill(peer))).closer.length, 20);
  const sha256Id = concat(Uint8Array.of(0x12, 0x20), signer.publicKey);
  for (const wrong of [
    concat(find, ...Array(21).fill(peer)),
    concat(find, bytesOf(8, bytesOf(1, sha256Id))),
    concat(find, bytesOf(8, bytesOf(1, id.fill(1, 0, 6)))),
    concat(find, bytesOf(8, new Uint8Array(0))),
    concat(find, bytesOf(9, bytesOf(1, id))),
    concat(find, Uint8Array.of(0x40, 1)),
  ]) {
    assert.throws(() => decodeKadResponse(wrong), MalformedError);
  }
});

test('an address that somebody claims for a peer does not get in', () => {
  const id = concat(Uint8Array.of(0, 36, 8, 1, 18, 32), signer.publicKey);
  const claimed = bytesOf(8, concat(bytesOf(1, id), bytesOf(2, multiaddr('/dns4/evil.example/tcp/1').bytes)));
  const response = decodeKadResponse(concat(Uint8Array.of(8, 4), claimed));
  assert.deepEqual(response, { type: 'find-node', record: null, closer: [signer.publicKey] });
});
