/**
 * Messages of `/kith/kad/1.0.0`: libp2p's Kademlia protobuf (libp2p/specs kad-dht) with slots as its only values. See
 * docs/wire.md.
 *
 * Provider records, keys of any other namespace and requests that mix what belongs to different types have no form
 * here, so nothing behind the decoders can store or answer them. A peer is its Ed25519 key: its address follows from
 * it, and addresses that others claim for it are not even read. Whether a value is a good slot is not decided here.
 */

import { concat, equal } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';
import { ONION_PORT, onionBytes } from './onion.ts';
import { bytesField, decodeFields, varintField } from './protobuf.ts';
import { decodeSlotKey, SLOT_SIZES } from './slot.ts';

export const KAD_PROTOCOL = '/kith/kad/1.0.0';

const REQUEST = 'kad-request';
const RESPONSE = 'kad-response';

/** Most peers in one answer: Kademlia's k. */
export const MAX_CLOSER_PEERS = 20;

/** Longest key of FIND_NODE: peer ids have at most 44 bytes, slot keys 43. */
const MAX_NODE_KEY_BYTES = 64;

/** Most bytes around a value: two keys, a time, heads, and a few fields that others may add. */
const MAX_OVERHEAD_BYTES = 512;

/** Most bytes of a request: one large slot, and what is around it. */
export const MAX_KAD_REQUEST_BYTES = Math.max(...SLOT_SIZES) + MAX_OVERHEAD_BYTES;

/** Most bytes of one peer in an answer: an id and an onion take 81; a handful of claimed addresses are let pass. */
const MAX_PEER_BYTES = 256;

/** Most bytes of an answer: a large slot and 20 peers. */
export const MAX_KAD_RESPONSE_BYTES = MAX_KAD_REQUEST_BYTES + MAX_CLOSER_PEERS * MAX_PEER_BYTES;

/** Values of the field `type`. 2 and 3 are those of provider records. */
const TYPES = { 'put-value': 0, 'get-value': 1, 'find-node': 4, ping: 5 } as const;

/** Field numbers of Message, Record and Message.Peer. */
const TYPE = 1;
const KEY = 2;
const RECORD = 3;
const CLOSER = 8;
const PROVIDERS = 9;
const RECORD_KEY = 1;
const RECORD_VALUE = 2;
const PEER_ID = 1;
const PEER_ADDRESS = 2;

/** Multihash `identity` of a protobuf PublicKey of type Ed25519; the key follows. */
const ED25519_ID_PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20);
const ED25519_ID_BYTES = ED25519_ID_PREFIX.length + 32;

/** Multiaddr protocol 445, onion3, as a varint. */
const ONION3 = Uint8Array.of(0xbd, 0x03);

export type KadType = keyof typeof TYPES;

/** A value under its key, which is a slot key. */
export interface KadRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export type KadRequest =
  | { readonly type: 'ping' }
  | { readonly type: 'find-node'; readonly key: Uint8Array }
  | { readonly type: 'get-value'; readonly key: Uint8Array }
  | { readonly type: 'put-value'; readonly record: KadRecord };

export interface KadResponse {
  readonly type: KadType;
  /** The value asked for, or the one stored; null where there is none, or where it was refused. */
  readonly record: KadRecord | null;
  /** Ed25519 keys of peers closer to the key. */
  readonly closer: readonly Uint8Array[];
}

export function encodeKadRequest(request: KadRequest): Uint8Array<ArrayBuffer> {
  const type = varintField(TYPE, TYPES[request.type]);
  if (request.type === 'ping') return type;
  if (request.type !== 'put-value') return concat(type, bytesField(KEY, request.key));
  return concat(type, encodeRecord(request.record));
}

/** A refused put is answered with neither record nor peers. `peer` may be {@link encodeKadPeer} with a memory. */
export function encodeKadResponse(
  response: KadResponse,
  peer: (publicKey: Uint8Array) => Uint8Array = encodeKadPeer,
): Uint8Array<ArrayBuffer> {
  if (response.closer.length > MAX_CLOSER_PEERS) throw new RangeError('closer');
  return concat(
    // also where it is zero: some readers of length-prefixed messages skip empty ones
    Uint8Array.of(TYPE * 8, TYPES[response.type]),
    ...(response.record === null ? [] : [encodeRecord(response.record)]),
    ...response.closer.map((publicKey) => bytesField(CLOSER, peer(publicKey))),
  );
}

/** Total: throws only {@link MalformedError}. Parts are views. */
export function decodeKadRequest(bytes: Uint8Array): KadRequest {
  const { type, key, record, closer } = decodeMessage(REQUEST, bytes, MAX_KAD_REQUEST_BYTES);
  if (closer.length > 0) throw new MalformedError(REQUEST, 'peers in a request');
  if (type === 'put-value') {
    if (record === null) throw new MalformedError(REQUEST, 'nothing to store');
    if (key === null || !equal(key, record.key)) throw new MalformedError(REQUEST, 'two different keys');
    return { type, record };
  }
  if (record !== null) throw new MalformedError(REQUEST, 'a record where none belongs');
  if (type === 'ping') return { type };
  if (key === null) throw new MalformedError(REQUEST, 'no key');
  if (type === 'get-value') decodeSlotKey(key);
  else if (key.length === 0 || key.length > MAX_NODE_KEY_BYTES) {
    throw new MalformedError(REQUEST, 'impossible length of a key');
  }
  return { type, key };
}

/** Total: throws only {@link MalformedError}. Parts are views. */
export function decodeKadResponse(bytes: Uint8Array): KadResponse {
  const { type, record, closer } = decodeMessage(RESPONSE, bytes, MAX_KAD_RESPONSE_BYTES);
  return { type, record, closer };
}

interface Message extends KadResponse {
  readonly key: Uint8Array | null;
}

function decodeMessage(format: string, bytes: Uint8Array, maxBytes: number): Message {
  if (bytes.length > maxBytes) throw new MalformedError(format, 'too long', { sizeBytes: bytes.length });
  let type: number | null = null;
  let key: Uint8Array | null = null;
  let record: KadRecord | null = null;
  const closer: Uint8Array[] = [];
  for (const { number, value } of decodeFields(format, bytes)) {
    if (number === TYPE) {
      if (typeof value !== 'number' || type !== null) throw new MalformedError(format, 'type');
      type = value;
    } else if (number === KEY) {
      key = once(format, key, value);
    } else if (number === RECORD) {
      record = decodeRecord(format, once(format, record, value));
    } else if (number === CLOSER) {
      if (closer.length === MAX_CLOSER_PEERS) throw new MalformedError(format, 'too many peers');
      closer.push(decodePeer(format, once(format, null, value)));
    } else if (number === PROVIDERS) {
      throw new MalformedError(format, 'provider records');
    }
  }
  return { type: typeOf(format, type ?? 0), key, record, closer };
}

function typeOf(format: string, value: number): KadType {
  for (const [type, number] of Object.entries(TYPES)) if (number === value) return type as KadType;
  throw new MalformedError(format, 'a type that is not served');
}

/** A field of bytes that may come only once: protobuf's "the last one wins" would let two readers differ. */
function once(format: string, before: object | null, value: number | Uint8Array | null): Uint8Array {
  if (before !== null) throw new MalformedError(format, 'a field comes twice');
  if (!(value instanceof Uint8Array)) throw new MalformedError(format, 'a field of another type');
  return value;
}

function encodeRecord({ key, value }: KadRecord): Uint8Array<ArrayBuffer> {
  // no timeReceived: it would tell when a slot came, or how the clock goes
  const record = concat(bytesField(RECORD_KEY, key), bytesField(RECORD_VALUE, value));
  return concat(bytesField(KEY, key), bytesField(RECORD, record));
}

function decodeRecord(format: string, bytes: Uint8Array): KadRecord {
  let key: Uint8Array | null = null;
  let value: Uint8Array | null = null;
  for (const field of decodeFields(format, bytes)) {
    if (field.number === RECORD_KEY) key = once(format, key, field.value);
    else if (field.number === RECORD_VALUE) value = once(format, value, field.value);
  }
  if (key === null || value === null) throw new MalformedError(format, 'an incomplete record');
  decodeSlotKey(key);
  return { key, value };
}

/** One peer of an answer. The checksum in its address is what makes an answer dear: keep the result. */
export function encodeKadPeer(publicKey: Uint8Array): Uint8Array<ArrayBuffer> {
  if (publicKey.length !== 32) throw new RangeError('an Ed25519 public key has 32 bytes');
  return concat(
    bytesField(PEER_ID, concat(ED25519_ID_PREFIX, publicKey)),
    bytesField(PEER_ADDRESS, onionMultiaddr(publicKey)),
  );
}

function decodePeer(format: string, bytes: Uint8Array): Uint8Array {
  let id: Uint8Array | null = null;
  for (const { number, value } of decodeFields(format, bytes)) {
    if (number === PEER_ID) id = once(format, id, value);
  }
  if (id?.length !== ED25519_ID_BYTES) throw new MalformedError(format, 'a peer without an Ed25519 key');
  if (!equal(id.subarray(0, ED25519_ID_PREFIX.length), ED25519_ID_PREFIX)) {
    throw new MalformedError(format, 'a peer without an Ed25519 key');
  }
  return id.subarray(ED25519_ID_PREFIX.length);
}

/** The bytes of `/onion3/<56>:1000` (Tor rend-spec-v3, ONIONADDRESS), as kad-dht's client wants them in answers. */
function onionMultiaddr(publicKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(ONION3, onionBytes(publicKey), Uint8Array.of(ONION_PORT >>> 8, ONION_PORT & 0xff));
}
