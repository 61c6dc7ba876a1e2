/**
 * The two plaintexts of a KR1 message: the header, of 64 bytes, and the body, padded to whatever the message has room
 * for. docs/wire.md, "KR1".
 *
 *     header: ratchet key 32 ‖ pn 4 ‖ n 4 ‖ epoch 4 ‖ salt 16 ‖ flags 4 (zero)
 *     body:   type 1 ‖ [epoch 4 ‖ ML-KEM-768 key 1,184 or ciphertext 1,088] ‖ content length 4 ‖ content ‖ zeros
 *
 * Decoding is about form alone; which epoch or number is acceptable is for ratchet-decrypt.ts.
 */

import { copyOf } from '../safety/bytes.ts';
import { requireSize } from '../safety/crypto/provider.ts';
import { MalformedError } from '../safety/errors.ts';
import type { PqAttachment } from './pq-epochs.ts';

const KEY_BYTES = 32;
const SALT_BYTES = 16;
const PN_AT = KEY_BYTES;
const N_AT = PN_AT + 4;
const EPOCH_AT = N_AT + 4;
const SALT_AT = EPOCH_AT + 4;
const FLAGS_AT = SALT_AT + SALT_BYTES;

/** Plaintext header. */
const HEADER_BYTES = FLAGS_AT + 4;
export const HEADER_NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Header nonce and encrypted header: what every message starts with. */
export const HEAD_BYTES = HEADER_NONCE_BYTES + HEADER_BYTES + TAG_BYTES;
/** What encryption adds to a body. */
export const OVERHEAD_BYTES = HEAD_BYTES + TAG_BYTES;

/** Whole messages: parcels of 1, 2 and 4 boxes, and what the sealed envelope has room for beside the KX1 header. */
export const MESSAGE_SIZES: readonly number[] = [4_064, 8_128, 16_256, 13_380];

/** Messages in one chain: so many without an answer are a fault, and the numbers stay far from their 32 bits. */
export const MAX_CHAIN_MESSAGES = 2 ** 20;

const TYPE_NONE = 0;
const TYPE_KEY = 1;
const TYPE_CIPHERTEXT = 2;
const KEM_KEY_BYTES = 1_184;
const KEM_CIPHERTEXT_BYTES = 1_088;
/** Type and content length. */
const BODY_FRAME_BYTES = 1 + 4;
/** Epoch, and the key or ciphertext, by type. */
const CARRIED_BYTES: readonly number[] = [0, 4 + KEM_KEY_BYTES, 4 + KEM_CIPHERTEXT_BYTES];
const NOTHING = new Uint8Array(0);

export interface RatchetHeader {
  /** The sender's ratchet public key, 32 bytes. */
  readonly ratchetKey: Uint8Array;
  /** Messages in the sender's previous chain. */
  readonly pn: number;
  /** Number of this message in its chain. */
  readonly n: number;
  readonly epoch: number;
  /** 16 bytes. */
  readonly salt: Uint8Array;
}

export interface RatchetBody {
  readonly attachment: PqAttachment;
  readonly content: Uint8Array;
}

/** Bytes of content that a message of `messageBytes` always holds, whatever the state of the session. */
export function contentCapacity(messageBytes: number): number {
  return messageBytes - OVERHEAD_BYTES - BODY_FRAME_BYTES - Math.max(...CARRIED_BYTES);
}

/** 64 bytes. Throws RangeError on fields that have no encoding. */
export function encodeHeader(header: RatchetHeader): Uint8Array<ArrayBuffer> {
  requireSize('ratchet key', header.ratchetKey, KEY_BYTES);
  requireSize('salt', header.salt, SALT_BYTES);
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(header.ratchetKey);
  view.setUint32(PN_AT, header.pn);
  view.setUint32(N_AT, header.n);
  view.setUint32(EPOCH_AT, header.epoch);
  bytes.set(header.salt, SALT_AT);
  return bytes;
}

/** Total: throws only {@link MalformedError}. The parts are copies. */
export function decodeHeader(bytes: Uint8Array): RatchetHeader {
  if (bytes.length !== HEADER_BYTES) throw new MalformedError('ratchet-header', 'wrong length');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const pn = view.getUint32(PN_AT);
  const n = view.getUint32(N_AT);
  if (n >= MAX_CHAIN_MESSAGES || pn > MAX_CHAIN_MESSAGES) {
    throw new MalformedError('ratchet-header', 'no chain is so long', { n, pn });
  }
  if (view.getUint32(FLAGS_AT) !== 0) throw new MalformedError('ratchet-header', 'unknown flags');
  return {
    ratchetKey: copyOf(bytes, 0, KEY_BYTES),
    pn,
    n,
    epoch: view.getUint32(EPOCH_AT),
    salt: copyOf(bytes, SALT_AT, FLAGS_AT),
  };
}

/** Exactly `size` bytes. Throws RangeError on what has no encoding or no room. */
export function encodeBody({ attachment, content }: RatchetBody, size: number): Uint8Array<ArrayBuffer> {
  const [type, carried] = carriedBy(attachment);
  const carriedBytes = attachment.type === 'none' ? 0 : 4 + carried.length;
  if (carriedBytes + BODY_FRAME_BYTES + content.length > size) throw new RangeError('content');
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes[0] = type;
  if (attachment.type !== 'none') {
    view.setUint32(1, attachment.epoch);
    bytes.set(carried, 5);
  }
  view.setUint32(1 + carriedBytes, content.length);
  bytes.set(content, BODY_FRAME_BYTES + carriedBytes);
  return bytes;
}

/** Total: throws only {@link MalformedError}. The parts are copies. */
export function decodeBody(bytes: Uint8Array): RatchetBody {
  const type = bytes[0];
  const carriedBytes = type === undefined ? undefined : CARRIED_BYTES[type];
  if (carriedBytes === undefined) throw new MalformedError('ratchet-body', 'unknown type');
  const contentAt = BODY_FRAME_BYTES + carriedBytes;
  if (bytes.length < contentAt) throw new MalformedError('ratchet-body', 'cut off');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const contentBytes = view.getUint32(1 + carriedBytes);
  const end = contentAt + contentBytes;
  if (end > bytes.length) throw new MalformedError('ratchet-body', 'content is cut off', { contentBytes });
  let padding = 0;
  for (let i = end; i < bytes.length; i++) padding |= bytes[i] as number;
  if (padding !== 0) throw new MalformedError('ratchet-body', 'padding is not zero');
  const content = copyOf(bytes, contentAt, end);
  if (type === TYPE_NONE) return { attachment: { type: 'none' }, content };
  const epoch = view.getUint32(1);
  const carried = copyOf(bytes, 5, 1 + carriedBytes);
  const attachment: PqAttachment =
    type === TYPE_KEY
      ? { type: 'key', epoch, key: carried }
      : { type: 'ciphertext', epoch, ciphertext: carried };
  return { attachment, content };
}

function carriedBy(attachment: PqAttachment): [type: number, carried: Uint8Array] {
  if (attachment.type === 'none') return [TYPE_NONE, NOTHING];
  if (attachment.type === 'key') {
    requireSize('ML-KEM-768 key', attachment.key, KEM_KEY_BYTES);
    return [TYPE_KEY, attachment.key];
  }
  requireSize('ML-KEM-768 ciphertext', attachment.ciphertext, KEM_CIPHERTEXT_BYTES);
  return [TYPE_CIPHERTEXT, attachment.ciphertext];
}
