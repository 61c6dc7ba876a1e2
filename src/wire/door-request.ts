/**
 * What travels through a door: `/kith/bundle/1`, where the owner says its bundle and ends, and `/kith/request/1`, one
 * request and its answer. docs/wire.md, "Doors". Each is one frame (frame.ts).
 *
 *     request: version 1 ‖ token 16 (zeros: none) ‖ count 6 ‖ tag 16 ‖ sealed envelope 16,256      always 16,295 bytes
 *     answer:  status 1
 *
 * The token says that one was invited and nothing about who one is: that is inside the envelope.
 */

import { FieldReader, FieldWriter } from './fields.ts';

export const BUNDLE_PROTOCOL = '/kith/bundle/1';
export const REQUEST_PROTOCOL = '/kith/request/1';

const FORMAT = 'door-request';
const STATUS_FORMAT = 'door-status';
const VERSION = 1;
const TOKEN_BYTES = 16;
/** As in delivery/count-tag.ts. */
const TAG_BYTES = 16;
/** As in kem/sealed-envelope.ts. */
const ENVELOPE_BYTES = 16_256;

export const DOOR_REQUEST_BYTES = 1 + TOKEN_BYTES + 6 + TAG_BYTES + ENVELOPE_BYTES;
export const DOOR_STATUS_BYTES = 1;

const NO_TOKEN = new Uint8Array(TOKEN_BYTES);

export interface DoorRequest {
  /** Of a private invite, 16 bytes, not zeros; null: for public doors. */
  readonly token: Uint8Array | null;
  /** How many ciphertexts the sender made for the owner, this one included. Below 2^48. */
  readonly count: number;
  /** Evidence of the count for the sender, 16 bytes. */
  readonly tag: Uint8Array;
  /** 16,256 bytes. */
  readonly envelope: Uint8Array;
}

/**
 * `kept`: durable at the owner. `busy`: try later. `refused`: this request never. `closed`: the door is not, or no
 * longer, open for this token. `stale`: sealed to prekeys that are gone; make it anew with a newer bundle.
 */
export const DOOR_STATUSES = ['kept', 'busy', 'refused', 'closed', 'stale'] as const;
export type DoorStatus = (typeof DOOR_STATUSES)[number];

/** Throws RangeError on what has no encoding. */
export function encodeDoorRequest({ token, count, tag, envelope }: DoorRequest): Uint8Array<ArrayBuffer> {
  if (token !== null && isZero(token)) throw new RangeError('a token of zeros stands for none');
  return new FieldWriter()
    .u8(VERSION)
    .bytes(token ?? NO_TOKEN, TOKEN_BYTES)
    .u48(count)
    .bytes(tag, TAG_BYTES)
    .bytes(envelope, ENVELOPE_BYTES)
    .done();
}

/** Total: throws only MalformedError. The parts are copies. */
export function decodeDoorRequest(bytes: Uint8Array): DoorRequest {
  const reader = new FieldReader(FORMAT, bytes);
  if (reader.u8() !== VERSION) reader.refuse('unknown version');
  const token = reader.bytes(TOKEN_BYTES);
  const [count, tag] = [reader.u48(), reader.bytes(TAG_BYTES)];
  const envelope = reader.bytes(ENVELOPE_BYTES);
  reader.end();
  return { token: isZero(token) ? null : token, count, tag, envelope };
}

export function encodeDoorStatus(status: DoorStatus): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(DOOR_STATUSES.indexOf(status) + 1);
}

/** Total: throws only MalformedError. */
export function decodeDoorStatus(bytes: Uint8Array): DoorStatus {
  const reader = new FieldReader(STATUS_FORMAT, bytes);
  const status = DOOR_STATUSES[reader.u8() - 1] ?? reader.refuse('a status that this version does not know');
  reader.end();
  return status;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
