/**
 * Messages of a conversation as they are encrypted: a numbered head, then a body by kind. docs/wire.md, "Messages".
 *
 * The numbers of one chain (an author's messages to one contact since the author's last restore) have no holes, and
 * each message names the hash of the one before, so that the other side sees what is missing and what was changed.
 * Whoever reads must still check that a target is one the sender may touch, and that a name is fit to be shown.
 */

import { copyOf, utf8 } from '../safety/bytes.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { CONTENT_KIND } from './content-kind.ts';
import { FieldReader, FieldWriter } from './fields.ts';

const FORMAT = 'chat-content';
const LINK = utf8('kith/1/chat/link');

export const MESSAGE_ID_BYTES = 16;
export const CHAIN_ID_BYTES = 8;
export const LINK_HASH_BYTES = 32;
export const TAG_BYTES = 16;
/** Where the tag stands in a content. */
const TAG_AT = 1 + MESSAGE_ID_BYTES + CHAIN_ID_BYTES + 6 + LINK_HASH_BYTES + 6 + 4;

/** Text in UTF-8, also a caption: three screens of prose; with every other field it fits into one ratchet message. */
export const MAX_TEXT_BYTES = 12_000;
/** An emoji with all its joiners and colours has up to 50. */
export const MAX_EMOJI_BYTES = 64;
export const MAX_FILE_NAME_BYTES = 255;
export const MAX_MEDIA_TYPE_BYTES = 127;
/** What one part of an attachment carries: what a ratchet message takes beside the part's own head. */
export const PART_BYTES = 14_900;
/** DESIGN 5: at most 16 parcels. Larger files have a protocol of their own. */
export const MAX_ATTACHMENT_BYTES = 204_800;

/** Where a message stands and when it was written. */
export interface ChatHead {
  /** 16 bytes, random. */
  readonly id: Uint8Array;
  /** 8 bytes, random. */
  readonly chain: Uint8Array;
  /** Place in the chain, from 0, below 2^48. */
  readonly number: number;
  /** {@link linkHash} of the content before it in the chain; zeros for number 0. */
  readonly prev: Uint8Array;
  /** Wall ms of the sender. */
  readonly time: number;
  /** Seconds after which it disappears; 0 never. */
  readonly lifetimeS: number;
  /** By which its author, and nobody else, knows it again: 16 bytes that mean nothing to others. */
  readonly tag: Uint8Array;
}

/** A message of either side, as its id alone does not say whose it is. */
export interface Target {
  readonly by: 'sender' | 'receiver';
  readonly id: Uint8Array;
}

export type ChatBody =
  | { readonly kind: 'text'; readonly reply: Target | null; readonly text: string }
  /** Of an own message. */
  | { readonly kind: 'edit'; readonly target: Uint8Array; readonly text: string }
  /** Of an own message. */
  | { readonly kind: 'delete'; readonly target: Uint8Array }
  /** An empty emoji takes it back. */
  | { readonly kind: 'reaction'; readonly target: Target; readonly emoji: string }
  | AttachmentBody
  | { readonly kind: 'timer'; readonly seconds: number }
  /** Stands for one that its sender holds no more; `hash` is that one's {@link linkHash}, or zeros. */
  | { readonly kind: 'gone'; readonly hash: Uint8Array };

export interface AttachmentBody {
  readonly kind: 'attachment';
  readonly reply: Target | null;
  readonly name: string;
  readonly type: string;
  readonly sizeBytes: number;
  /** SHA-256 of all parts, joined. */
  readonly digest: Uint8Array;
  readonly caption: string;
}

export type ChatContent = ChatHead & ChatBody;

/** What a tag is of. */
export type UntaggedContent = Omit<ChatHead, 'tag'> & ChatBody;

/** Bytes that a tag is made over: the content, with zeros for the tag. For bytes that decode. */
export function withoutTag(content: Uint8Array): Uint8Array<ArrayBuffer> {
  return copyOf(content).fill(0, TAG_AT, TAG_AT + TAG_BYTES);
}

/** The tag in bytes that decode. */
export function tagOf(content: Uint8Array): Uint8Array<ArrayBuffer> {
  return copyOf(content, TAG_AT, TAG_AT + TAG_BYTES);
}

/** Hash by which the next message of the chain names this content, 32 bytes. */
export function linkHash(provider: Provider, content: Uint8Array): Uint8Array {
  return provider.sha256(LINK, content);
}

/** Parts of an attachment of that size; none for an empty one. */
export function partsOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / PART_BYTES);
}

/** Throws RangeError on fields that have no encoding. */
export function encodeChatContent(content: ChatContent): Uint8Array<ArrayBuffer> {
  const fields = new FieldWriter()
    .u8(CONTENT_KIND[content.kind])
    .bytes(content.id, MESSAGE_ID_BYTES)
    .bytes(content.chain, CHAIN_ID_BYTES)
    .u48(content.number)
    .bytes(content.prev, LINK_HASH_BYTES)
    .u48(content.time)
    .u32(content.lifetimeS)
    .bytes(content.tag, TAG_BYTES);
  writeBody(fields, content);
  return fields.done();
}

/** Total: throws only MalformedError. */
export function decodeChatContent(bytes: Uint8Array): ChatContent {
  const fields = new FieldReader(FORMAT, bytes);
  const kind = fields.u8();
  const head: ChatHead = {
    id: fields.bytes(MESSAGE_ID_BYTES),
    chain: fields.bytes(CHAIN_ID_BYTES),
    number: fields.u48(),
    prev: fields.bytes(LINK_HASH_BYTES),
    time: fields.u48(),
    lifetimeS: fields.u32(),
    tag: fields.bytes(TAG_BYTES),
  };
  const body = readBody(fields, kind);
  fields.end();
  return { ...head, ...body };
}

function writeBody(fields: FieldWriter, body: ChatBody): void {
  switch (body.kind) {
    case 'text':
      writeReply(fields, body.reply);
      fields.text(body.text, MAX_TEXT_BYTES);
      return;
    case 'edit':
      fields.bytes(body.target, MESSAGE_ID_BYTES).text(body.text, MAX_TEXT_BYTES);
      return;
    case 'delete':
      fields.bytes(body.target, MESSAGE_ID_BYTES);
      return;
    case 'reaction':
      writeTarget(fields, body.target);
      fields.text(body.emoji, MAX_EMOJI_BYTES);
      return;
    case 'attachment':
      if (body.sizeBytes > MAX_ATTACHMENT_BYTES) throw new RangeError('an attachment is too large');
      writeReply(fields, body.reply);
      fields.text(body.name, MAX_FILE_NAME_BYTES).text(body.type, MAX_MEDIA_TYPE_BYTES);
      fields.u32(body.sizeBytes).bytes(body.digest, 32).text(body.caption, MAX_TEXT_BYTES);
      return;
    case 'timer':
      fields.u32(body.seconds);
      return;
    case 'gone':
      fields.bytes(body.hash, LINK_HASH_BYTES);
  }
}

function readBody(fields: FieldReader, kind: number): ChatBody {
  switch (kind) {
    case CONTENT_KIND.text:
      return { kind: 'text', reply: readReply(fields), text: fields.text(MAX_TEXT_BYTES) };
    case CONTENT_KIND.edit:
      return { kind: 'edit', target: fields.bytes(MESSAGE_ID_BYTES), text: fields.text(MAX_TEXT_BYTES) };
    case CONTENT_KIND.delete:
      return { kind: 'delete', target: fields.bytes(MESSAGE_ID_BYTES) };
    case CONTENT_KIND.reaction:
      return { kind: 'reaction', target: readTarget(fields), emoji: fields.text(MAX_EMOJI_BYTES) };
    case CONTENT_KIND.attachment:
      return readAttachment(fields);
    case CONTENT_KIND.timer:
      return { kind: 'timer', seconds: fields.u32() };
    case CONTENT_KIND.gone:
      return { kind: 'gone', hash: fields.bytes(LINK_HASH_BYTES) };
    default:
      return fields.refuse('not a message');
  }
}

function readAttachment(fields: FieldReader): AttachmentBody {
  const reply = readReply(fields);
  const [name, type] = [fields.text(MAX_FILE_NAME_BYTES), fields.text(MAX_MEDIA_TYPE_BYTES)];
  const sizeBytes = fields.u32();
  if (sizeBytes > MAX_ATTACHMENT_BYTES) fields.refuse('an attachment is too large', { sizeBytes });
  return {
    kind: 'attachment',
    reply,
    name,
    type,
    sizeBytes,
    digest: fields.bytes(32),
    caption: fields.text(MAX_TEXT_BYTES),
  };
}

function writeReply(fields: FieldWriter, reply: Target | null): void {
  fields.flag(reply !== null);
  if (reply !== null) writeTarget(fields, reply);
}

function readReply(fields: FieldReader): Target | null {
  return fields.flag() ? readTarget(fields) : null;
}

function writeTarget(fields: FieldWriter, target: Target): void {
  fields.flag(target.by === 'sender').bytes(target.id, MESSAGE_ID_BYTES);
}

function readTarget(fields: FieldReader): Target {
  return { by: fields.flag() ? 'sender' : 'receiver', id: fields.bytes(MESSAGE_ID_BYTES) };
}
