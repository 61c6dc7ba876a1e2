/**
 * What is saved of a message beside its place: the content as it was sent, because the other side may ask for those
 * very bytes, and everything that became of it. Format `message-row`, version 1; sealed in the table `message`.
 *
 * A row without content is a gap, or a message whose content is held no more; then only the hash is left of it.
 */

import {
  LINK_HASH_BYTES,
  CHAIN_ID_BYTES,
  MAX_EMOJI_BYTES,
  MAX_TEXT_BYTES,
  MESSAGE_ID_BYTES,
} from '../wire/chat-content.ts';
import { MAX_ECHO_BYTES } from '../wire/chat-notice.ts';
import { FieldReader, FieldWriter } from '../wire/fields.ts';
import { MAX_CHANGES } from './limits.ts';
import { equal } from '../safety/bytes.ts';

const FORMAT = 'message-row';
const VERSION = 1;

const KINDS = ['gap', 'text', 'edit', 'delete', 'reaction', 'attachment', 'timer', 'gone'] as const;
export type RowKind = (typeof KINDS)[number];

const FLAGS = ['hidden', 'deleted', 'unproven', 'broken', 'restored', 'final', 'damaged', 'refused'] as const;
export type RowFlag = (typeof FLAGS)[number];

/** When a change was made, to tell the newest of several. */
export interface Order {
  readonly chain: Uint8Array;
  readonly number: number;
  readonly time: number;
}

export interface Edit {
  readonly order: Order;
  readonly text: string;
}

/** An empty emoji was taken back. */
export interface RowReaction {
  readonly order: Order;
  readonly emoji: string;
}

export interface ChangeRef {
  readonly mine: boolean;
  readonly id: Uint8Array;
}

export interface MessageRow {
  readonly kind: RowKind;
  /** All zeros in a gap. */
  readonly id: Uint8Array;
  /**
   * `hidden`: no line of the history. `deleted`: its content is gone on purpose. `final`: a gap that will not be
   * filled. `damaged`: the parts do not make up the attachment. `refused`: the other side will not have it.
   */
  readonly flags: ReadonlySet<RowFlag>;
  readonly time: number;
  readonly lifetimeS: number;
  /** Wall ms by our clock; 0 where it did not happen. */
  readonly filedAt: number;
  /** When it was first encrypted. */
  readonly sentAt: number;
  readonly deliveredAt: number;
  readonly readAt: number;
  /** Link hash of the content; zeros where it is not known. */
  readonly hash: Uint8Array;
  /** Link hash it names as the one before; zeros where unknown. */
  readonly prev: Uint8Array;
  /** Of a gap: how many. */
  readonly missing: number;
  /** Which parts of an attachment are here, by bit. */
  readonly parts: number;
  readonly edit: Edit | null;
  readonly reactions: Readonly<Record<'me' | 'them', RowReaction | null>>;
  /** Rows that changed this one, whose contents go with it. */
  readonly changes: readonly ChangeRef[];
  /** As it was sent; empty where it is held no more. */
  readonly content: Uint8Array;
}

export const NO_BYTES: Uint8Array = new Uint8Array(0);
export const NO_HASH: Uint8Array = new Uint8Array(LINK_HASH_BYTES);
export const NO_ID: Uint8Array = new Uint8Array(MESSAGE_ID_BYTES);

export function emptyRow(kind: RowKind, filedAt: number): MessageRow {
  return {
    kind,
    id: NO_ID,
    flags: new Set(),
    time: 0,
    lifetimeS: 0,
    filedAt,
    sentAt: 0,
    deliveredAt: 0,
    readAt: 0,
    hash: NO_HASH,
    prev: NO_HASH,
    missing: 0,
    parts: 0,
    edit: null,
    reactions: { me: null, them: null },
    changes: [],
    content: NO_BYTES,
  };
}

/** The row with these flags beside its own. */
export function flagged(row: MessageRow, ...flags: readonly RowFlag[]): MessageRow {
  return { ...row, flags: new Set([...row.flags, ...flags]) };
}

/** Whether `a` was made after `b`; in one chain by number, else by the clocks of those who made them. */
export function isNewer(a: Order, b: Order | undefined): boolean {
  if (b === undefined) return true;
  return equal(a.chain, b.chain) ? a.number > b.number : a.time >= b.time;
}

export function encodeMessageRow(row: MessageRow): Uint8Array<ArrayBuffer> {
  const fields = new FieldWriter().u8(VERSION).u8(KINDS.indexOf(row.kind)).bytes(row.id, MESSAGE_ID_BYTES);
  let bits = 0;
  for (const [bit, flag] of FLAGS.entries()) if (row.flags.has(flag)) bits |= 1 << bit;
  fields
    .u8(bits)
    .u48(row.time)
    .u32(row.lifetimeS)
    .u48(row.filedAt)
    .u48(row.sentAt)
    .u48(row.deliveredAt)
    .u48(row.readAt);
  fields.bytes(row.hash, LINK_HASH_BYTES).bytes(row.prev, LINK_HASH_BYTES).u48(row.missing).u16(row.parts);
  fields.flag(row.edit !== null);
  if (row.edit !== null) writeOrder(fields, row.edit.order).text(row.edit.text, MAX_TEXT_BYTES);
  for (const by of ['me', 'them'] as const) {
    const reaction = row.reactions[by];
    fields.flag(reaction !== null);
    if (reaction !== null) writeOrder(fields, reaction.order).text(reaction.emoji, MAX_EMOJI_BYTES);
  }
  fields.u8(row.changes.length);
  for (const { mine, id } of row.changes) fields.flag(mine).bytes(id, MESSAGE_ID_BYTES);
  return fields.sized(row.content, MAX_ECHO_BYTES).done();
}

/** Total: throws only MalformedError. */
export function decodeMessageRow(bytes: Uint8Array): MessageRow {
  const fields = new FieldReader(FORMAT, bytes);
  if (fields.u8() !== VERSION) fields.refuse('unknown version');
  const kind = KINDS[fields.u8()] ?? fields.refuse('unknown kind');
  const id = fields.bytes(MESSAGE_ID_BYTES);
  const bits = fields.u8();
  const flags = new Set(FLAGS.filter((_, bit) => (bits & (1 << bit)) !== 0));
  const row = {
    kind,
    id,
    flags,
    time: fields.u48(),
    lifetimeS: fields.u32(),
    filedAt: fields.u48(),
    sentAt: fields.u48(),
    deliveredAt: fields.u48(),
    readAt: fields.u48(),
    hash: fields.bytes(LINK_HASH_BYTES),
    prev: fields.bytes(LINK_HASH_BYTES),
    missing: fields.u48(),
    parts: fields.u16(),
    edit: fields.flag() ? { order: readOrder(fields), text: fields.text(MAX_TEXT_BYTES) } : null,
    reactions: { me: readReaction(fields), them: readReaction(fields) },
    changes: readChanges(fields),
    content: fields.sized(MAX_ECHO_BYTES),
  };
  fields.end();
  return row;
}

function readReaction(fields: FieldReader): RowReaction | null {
  return fields.flag() ? { order: readOrder(fields), emoji: fields.text(MAX_EMOJI_BYTES) } : null;
}

function readChanges(fields: FieldReader): ChangeRef[] {
  const count = fields.u8();
  if (count > MAX_CHANGES) fields.refuse('too many changes', { count });
  return Array.from({ length: count }, () => ({ mine: fields.flag(), id: fields.bytes(MESSAGE_ID_BYTES) }));
}

function writeOrder(fields: FieldWriter, order: Order): FieldWriter {
  return fields.bytes(order.chain, CHAIN_ID_BYTES).u48(order.number).u48(order.time);
}

function readOrder(fields: FieldReader): Order {
  return { chain: fields.bytes(CHAIN_ID_BYTES), number: fields.u48(), time: fields.u48() };
}
