/**
 * What people say to each other about becoming, being and staying friends, end to end: the notices `request`, `accept`
 * and `home` (content-kind.ts). docs/wire.md, "Friends".
 *
 *     introduction = revision 4 ‖ home onion key 32 ‖ client secret 32
 *     request      = kind 1 ‖ introduction 68 ‖ login key 32 ‖ name 2 + n ‖ note 2 + n
 *     accept       = kind 1 ‖ introduction 68 ‖ name 2 + n
 *     home         = kind 1 ‖ introduction 68
 *
 * The texts are somebody else's: what is shown of them is cleaned where it is shown.
 */

import { CONTENT_KIND } from './content-kind.ts';
import { FieldReader, FieldWriter } from './fields.ts';

/** Longest name, in bytes of UTF-8: of a person as that person writes it, and of a petname. */
export const MAX_NAME_BYTES = 64;
/** Longest note of a request, in bytes of UTF-8: a few sentences, so that a hundred of them are read through. */
export const MAX_NOTE_BYTES = 500;

const KEY_BYTES = 32;

/** Where somebody lives and how to get in; for one person only. */
export interface Introduction {
  /** Of two introductions of one person the higher one is newer. */
  readonly revision: number;
  /** Ed25519 key of the home onion, 32 bytes. */
  readonly onionKey: Uint8Array;
  /** X25519 secret of Tor's client authorization, 32 bytes, made by the onion's owner. */
  readonly clientSecret: Uint8Array;
}

export interface FriendRequest {
  readonly introduction: Introduction;
  /** With this the invited person logs in at the home of who asks until there is a pair key, 32 bytes. */
  readonly loginKey: Uint8Array;
  /** What who asks is called, at most {@link MAX_NAME_BYTES}; may be empty. */
  readonly name: string;
  /** At most {@link MAX_NOTE_BYTES}; may be empty. */
  readonly note: string;
}

export interface FriendAccept {
  readonly introduction: Introduction;
  readonly name: string;
}

/** The content, its kind included. Throws RangeError on fields that have no encoding. */
export function encodeFriendRequest(request: FriendRequest): Uint8Array<ArrayBuffer> {
  return writeIntroduction(new FieldWriter().u8(CONTENT_KIND.request), request.introduction)
    .bytes(request.loginKey, KEY_BYTES)
    .text(request.name, MAX_NAME_BYTES)
    .text(request.note, MAX_NOTE_BYTES)
    .done();
}

/** Total: throws only MalformedError. The parts are copies. */
export function decodeFriendRequest(content: Uint8Array): FriendRequest {
  const reader = new FieldReader('friend-request', content);
  if (reader.u8() !== CONTENT_KIND.request) reader.refuse('not a request');
  const introduction = readIntroduction(reader);
  const loginKey = reader.bytes(KEY_BYTES);
  const name = reader.text(MAX_NAME_BYTES);
  const note = reader.text(MAX_NOTE_BYTES);
  reader.end();
  return { introduction, loginKey, name, note };
}

/** The content, its kind included. Throws RangeError on fields that have no encoding. */
export function encodeFriendAccept({ introduction, name }: FriendAccept): Uint8Array<ArrayBuffer> {
  return writeIntroduction(new FieldWriter().u8(CONTENT_KIND.accept), introduction)
    .text(name, MAX_NAME_BYTES)
    .done();
}

/** Total: throws only MalformedError. The parts are copies. */
export function decodeFriendAccept(content: Uint8Array): FriendAccept {
  const reader = new FieldReader('friend-accept', content);
  if (reader.u8() !== CONTENT_KIND.accept) reader.refuse('not an acceptance');
  const introduction = readIntroduction(reader);
  const name = reader.text(MAX_NAME_BYTES);
  reader.end();
  return { introduction, name };
}

/** The content, its kind included. Throws RangeError on fields that have no encoding. */
export function encodeFriendHome(introduction: Introduction): Uint8Array<ArrayBuffer> {
  return writeIntroduction(new FieldWriter().u8(CONTENT_KIND.home), introduction).done();
}

/** Total: throws only MalformedError. The parts are copies. */
export function decodeFriendHome(content: Uint8Array): Introduction {
  const reader = new FieldReader('friend-home', content);
  if (reader.u8() !== CONTENT_KIND.home) reader.refuse('not a home');
  const introduction = readIntroduction(reader);
  reader.end();
  return introduction;
}

/** For formats that hold an introduction among other fields. */
export function writeIntroduction(fields: FieldWriter, introduction: Introduction): FieldWriter {
  return fields
    .u32(introduction.revision)
    .bytes(introduction.onionKey, KEY_BYTES)
    .bytes(introduction.clientSecret, KEY_BYTES);
}

/** What {@link writeIntroduction} wrote. */
export function readIntroduction(reader: FieldReader): Introduction {
  return {
    revision: reader.u32(),
    onionKey: reader.bytes(KEY_BYTES),
    clientSecret: reader.bytes(KEY_BYTES),
  };
}
