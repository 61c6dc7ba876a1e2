/**
 * Frames of `/kith/friend/1`, the link between the homes of two friends. docs/wire.md, "Friends' link". A frame is a
 * type and its fields; outside it stands the length, as around everything on a link (frame.ts).
 *
 *     1 login     4 MACs of 32 ‖ hash of the acceptor's bundle 32     dialer's first
 *     2 welcome   MAC 32 ‖ hash of the dialer's bundle 32             acceptor's first
 *     3 seen      count 6 ‖ tag 16                                    each side's next, perhaps after a bundle
 *     4 bundle    9,428
 *     5 message   form 1 ‖ count 6 ‖ tag 16 ‖ ref 4 ‖ ciphertext
 *     6 verdict   ref 4 ‖ verdict 1
 *     7 presence  1
 *     8 ping      8
 *     9 pong      8
 *     10 proof    MAC 32                                              when a pair key came after the login
 *
 * Says nothing about the order of frames, nor about who wrote them.
 */

import { FieldReader, FieldWriter } from './fields.ts';

export const FRIEND_PROTOCOL = '/kith/friend/1';

const FORMAT = 'friend-frame';

/** MACs of a login, always: how many keys the dialer has stays hidden. */
export const LOGIN_MACS = 4;
export const MAC_BYTES = 32;
export const BUNDLE_HASH_BYTES = 32;
const PING_BYTES = 8;
/** As in delivery/count-tag.ts. */
const FRAME_TAG_BYTES = 16;
/** As in kem/bundle.ts. */
export const FRIEND_BUNDLE_BYTES = 9_428;
/** As in kem/sealed-envelope.ts. */
const OPENING_BYTES = 16_256;
/** As in kem/ratchet-message.ts: parcels of 1, 2 and 4 boxes. */
const MESSAGE_BYTES: readonly number[] = [4_064, 8_128, 16_256];

/** Sizes of the frames that are read alone, without the length in front. */
export const LOGIN_FRAME_BYTES = 1 + LOGIN_MACS * MAC_BYTES + BUNDLE_HASH_BYTES;
export const WELCOME_FRAME_BYTES = 1 + MAC_BYTES + BUNDLE_HASH_BYTES;
/** Shortest and longest of all others: presence, and a message of four boxes. */
export const MIN_FRIEND_FRAME_BYTES = 2;
export const MAX_FRIEND_FRAME_BYTES = 1 + 1 + 6 + FRAME_TAG_BYTES + 4 + OPENING_BYTES;

export type FriendFrame =
  | {
      readonly type: 'login';
      /** {@link LOGIN_MACS}. */
      readonly macs: readonly Uint8Array[];
      /** Of the acceptor's bundle that the dialer knows; zeros: none. */
      readonly bundleHash: Uint8Array;
    }
  | { readonly type: 'welcome'; readonly mac: Uint8Array; readonly bundleHash: Uint8Array }
  /** The highest count of ours that they have, and the tag that we sent with it; zeros for 0. */
  | { readonly type: 'seen'; readonly seen: number; readonly tag: Uint8Array }
  | { readonly type: 'bundle'; readonly bytes: Uint8Array }
  | {
      readonly type: 'message';
      readonly form: 'opening' | 'message';
      /** Below 2^48. */
      readonly count: number;
      /** Evidence of the count for whoever sends it, 16 bytes. */
      readonly tag: Uint8Array;
      /** What the verdict on it will name. Below 2^32. */
      readonly ref: number;
      readonly bytes: Uint8Array;
    }
  | { readonly type: 'verdict'; readonly ref: number; readonly verdict: FrameVerdict }
  | { readonly type: 'presence'; readonly presence: 'online' | 'away' }
  | { readonly type: 'ping'; readonly data: Uint8Array }
  | { readonly type: 'pong'; readonly data: Uint8Array }
  | { readonly type: 'proof'; readonly mac: Uint8Array };

const TYPES = [
  'login',
  'welcome',
  'seen',
  'bundle',
  'message',
  'verdict',
  'presence',
  'ping',
  'pong',
  'proof',
] as const satisfies readonly FriendFrame['type'][];
const FORMS = ['opening', 'message'] as const;
const VERDICTS = ['kept', 'unknown-session', 'busy', 'refused'] as const;
const PRESENCES = ['online', 'away'] as const;

export type FrameVerdict = (typeof VERDICTS)[number];

/** Throws RangeError on what has no encoding. */
export function encodeFriendFrame(frame: FriendFrame): Uint8Array<ArrayBuffer> {
  const writer = new FieldWriter().u8(TYPES.indexOf(frame.type) + 1);
  switch (frame.type) {
    case 'login':
      if (frame.macs.length !== LOGIN_MACS) throw new RangeError(`a login has ${LOGIN_MACS} MACs`);
      for (const mac of frame.macs) writer.bytes(mac, MAC_BYTES);
      return writer.bytes(frame.bundleHash, BUNDLE_HASH_BYTES).done();
    case 'welcome':
      return writer.bytes(frame.mac, MAC_BYTES).bytes(frame.bundleHash, BUNDLE_HASH_BYTES).done();
    case 'seen':
      return writer.u48(frame.seen).bytes(frame.tag, FRAME_TAG_BYTES).done();
    case 'bundle':
      return writer.bytes(frame.bytes, FRIEND_BUNDLE_BYTES).done();
    case 'message':
      if (!sizesOf(frame.form).includes(frame.bytes.length)) {
        throw new RangeError(`a ciphertext of ${frame.bytes.length} bytes`);
      }
      writer
        .u8(FORMS.indexOf(frame.form) + 1)
        .u48(frame.count)
        .bytes(frame.tag, FRAME_TAG_BYTES)
        .u32(frame.ref);
      return writer.bytes(frame.bytes).done();
    case 'verdict':
      return writer
        .u32(frame.ref)
        .u8(VERDICTS.indexOf(frame.verdict) + 1)
        .done();
    case 'presence':
      return writer.u8(PRESENCES.indexOf(frame.presence) + 1).done();
    case 'proof':
      return writer.bytes(frame.mac, MAC_BYTES).done();
    default:
      return writer.bytes(frame.data, PING_BYTES).done();
  }
}

/** Total: throws only MalformedError. The parts are copies. */
export function decodeFriendFrame(bytes: Uint8Array): FriendFrame {
  const reader = new FieldReader(FORMAT, bytes);
  const frame = fieldsOf(oneOf(reader, TYPES), reader);
  reader.end();
  return frame;
}

function fieldsOf(type: FriendFrame['type'], reader: FieldReader): FriendFrame {
  switch (type) {
    case 'login': {
      const macs = Array.from({ length: LOGIN_MACS }, () => reader.bytes(MAC_BYTES));
      return { type, macs, bundleHash: reader.bytes(BUNDLE_HASH_BYTES) };
    }
    case 'welcome':
      return { type, mac: reader.bytes(MAC_BYTES), bundleHash: reader.bytes(BUNDLE_HASH_BYTES) };
    case 'seen':
      return { type, seen: reader.u48(), tag: reader.bytes(FRAME_TAG_BYTES) };
    case 'bundle':
      return { type, bytes: reader.bytes(FRIEND_BUNDLE_BYTES) };
    case 'message': {
      const form = oneOf(reader, FORMS);
      const [count, tag, ref] = [reader.u48(), reader.bytes(FRAME_TAG_BYTES), reader.u32()];
      if (!sizesOf(form).includes(reader.left)) {
        reader.refuse('a ciphertext of a size that there is not', { sizeBytes: reader.left });
      }
      return { type, form, count, tag, ref, bytes: reader.rest() };
    }
    case 'verdict':
      return { type, ref: reader.u32(), verdict: oneOf(reader, VERDICTS) };
    case 'presence':
      return { type, presence: oneOf(reader, PRESENCES) };
    case 'proof':
      return { type, mac: reader.bytes(MAC_BYTES) };
    default:
      return { type, data: reader.bytes(PING_BYTES) };
  }
}

/** Values are numbered from 1, so that zeros are nothing. */
function oneOf<T extends string>(reader: FieldReader, values: readonly T[]): T {
  return values[reader.u8() - 1] ?? reader.refuse('a value that this version does not know');
}

function sizesOf(form: 'opening' | 'message'): readonly number[] {
  return form === 'opening' ? [OPENING_BYTES] : MESSAGE_BYTES;
}
