/**
 * What is known of a contact's keys, as a row of the table `peer`, which is in backups. docs/wire.md, "Saved rows of
 * delivery".
 *
 *     version 1 ‖ bundle 9,428 ‖ flag 1 [‖ bundle of another device 9,428] ‖ count 1 ‖ (transcript 32 ‖ pair key 32) each
 */

import { BUNDLE_BYTES, decodeBundle } from '../kem/bundle.ts';
import { equal } from '../safety/bytes.ts';
import { FieldReader, FieldWriter } from '../wire/fields.ts';
import { MAX_PAIR_KEYS } from './limits.ts';

const VERSION = 1;
const KEY_BYTES = 32;

export interface PairKey {
  /** Of the session that gave it, 32 bytes. */
  readonly transcript: Uint8Array;
  /** 32 bytes, secret. */
  readonly key: Uint8Array;
}

export interface Peer {
  /** The newest that was verified, of the device that is pinned. */
  readonly bundle: Uint8Array;
  /** Of another device of the same identity, verified: until a person has confirmed it nothing goes out. */
  readonly changedTo: Uint8Array | null;
  /** Last learned or last used first, at most MAX_PAIR_KEYS. */
  readonly pairKeys: readonly PairKey[];
}

export function encodePeer({ bundle, changedTo, pairKeys }: Peer): Uint8Array<ArrayBuffer> {
  if (pairKeys.length > MAX_PAIR_KEYS) throw new RangeError('too many pair keys');
  const writer = new FieldWriter()
    .u8(VERSION)
    .bytes(bundle, BUNDLE_BYTES)
    .flag(changedTo !== null);
  if (changedTo !== null) writer.bytes(changedTo, BUNDLE_BYTES);
  writer.u8(pairKeys.length);
  for (const { transcript, key } of pairKeys) writer.bytes(transcript, KEY_BYTES).bytes(key, KEY_BYTES);
  return writer.done();
}

/** Total: throws only MalformedError. That the signatures hold was checked before it was saved, and is where it is used. */
export function decodePeer(bytes: Uint8Array): Peer {
  const reader = new FieldReader('peer-row', bytes);
  if (reader.u8() !== VERSION) reader.refuse('unknown version');
  const bundle = reader.bytes(BUNDLE_BYTES);
  const { device } = decodeBundle(bundle);
  const changedTo = reader.flag() ? reader.bytes(BUNDLE_BYTES) : null;
  if (changedTo !== null && equal(decodeBundle(changedTo).device, device))
    reader.refuse('nothing has changed');
  const count = reader.u8();
  if (count > MAX_PAIR_KEYS) reader.refuse('too many pair keys', { count });
  const pairKeys: PairKey[] = [];
  for (let i = 0; i < count; i++) {
    pairKeys.push({ transcript: reader.bytes(KEY_BYTES), key: reader.bytes(KEY_BYTES) });
  }
  reader.end();
  return { bundle, changedTo, pairKeys };
}
