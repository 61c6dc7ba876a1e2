/**
 * How far one side is in one chain, what is missing of it, and what has to be sent of it again. Formats `chain-row`
 * and `conversation-row`, version 1, sealed in the tables `chat_chain` and `conversation`.
 */

import { CHAIN_ID_BYTES, LINK_HASH_BYTES } from '../wire/chat-content.ts';
import { FieldReader, FieldWriter } from '../wire/fields.ts';
import type { Gap, Span } from './gaps.ts';
import { MAX_ASKED_RANGES, MAX_GAPS } from './limits.ts';
import { NO_HASH, type Order } from './message-row.ts';

const VERSION = 1;
const KEY_BYTES = 16;

export interface ChainRow {
  /** Number of the next message. */
  readonly next: number;
  /** Link hash of the last one; zeros where unknown or there is none. */
  readonly last: Uint8Array;
  /** Of an own chain: the generation of the store under which it is written. */
  readonly generation: number;
  /** The friendship in which it was written has ended: what did not arrive never will. */
  readonly ended: boolean;
  /** In order. Only below `next`. */
  readonly gaps: readonly Gap[];
  /** How often the gaps were asked for since one was filled. */
  readonly asked: number;
  /** To be sent again (own chain), or to be echoed to its author. */
  readonly owed: readonly Span[];
  /** Outbox key of the last one under way of those; null when none is. */
  readonly mark: Uint8Array | null;
}

export interface ConversationRow {
  /** Of the store when the other side last heard how far we are. */
  readonly generation: number;
  /** The chain to write in; null before the first message and after an end. */
  readonly chain: Uint8Array | null;
  readonly unread: number;
  /** Place of the oldest unread message, or before it. */
  readonly unreadFrom: number;
  readonly timerS: number;
  /** Who set it last, in our order. */
  readonly timerSet: Order | null;
  /** Places that are kept open for single missing messages, over all chains of the other side. */
  readonly places: number;
  /** `restored` of theirs is answered while this is less than the burst ahead (wall ms); each answer adds to it. */
  readonly restoredUntil: number;
}

export const NEW_CHAIN: ChainRow = {
  next: 0,
  last: NO_HASH,
  generation: 0,
  ended: false,
  gaps: [],
  asked: 0,
  owed: [],
  mark: null,
};

export function encodeChainRow(row: ChainRow): Uint8Array<ArrayBuffer> {
  const fields = new FieldWriter().u8(VERSION).u48(row.next).bytes(row.last, LINK_HASH_BYTES);
  fields.u48(row.generation).flag(row.ended).u16(row.gaps.length);
  for (const { from, to, range } of row.gaps) {
    fields
      .u48(from)
      .u48(to)
      .flag(range !== null);
    if (range !== null) fields.u48(range);
  }
  fields.u8(row.asked).u8(row.owed.length);
  for (const { from, to } of row.owed) fields.u48(from).u48(to);
  fields.flag(row.mark !== null);
  if (row.mark !== null) fields.bytes(row.mark, KEY_BYTES);
  return fields.done();
}

/** Total: throws only MalformedError. */
export function decodeChainRow(bytes: Uint8Array): ChainRow {
  const fields = new FieldReader('chain-row', bytes);
  if (fields.u8() !== VERSION) fields.refuse('unknown version');
  const row = {
    next: fields.u48(),
    last: fields.bytes(LINK_HASH_BYTES),
    generation: fields.u48(),
    ended: fields.flag(),
    gaps: readList(fields, fields.u16(), MAX_GAPS, () => ({
      from: fields.u48(),
      to: fields.u48(),
      range: fields.flag() ? fields.u48() : null,
    })),
    asked: fields.u8(),
    owed: readList(fields, fields.u8(), MAX_ASKED_RANGES, () => ({ from: fields.u48(), to: fields.u48() })),
    mark: fields.flag() ? fields.bytes(KEY_BYTES) : null,
  };
  fields.end();
  return row;
}

export const NEW_CONVERSATION: ConversationRow = {
  generation: 0,
  chain: null,
  unread: 0,
  unreadFrom: 0,
  timerS: 0,
  timerSet: null,
  places: 0,
  restoredUntil: 0,
};

export function encodeConversationRow(row: ConversationRow): Uint8Array<ArrayBuffer> {
  const fields = new FieldWriter()
    .u8(VERSION)
    .u48(row.generation)
    .flag(row.chain !== null);
  if (row.chain !== null) fields.bytes(row.chain, CHAIN_ID_BYTES);
  fields
    .u48(row.unread)
    .u48(row.unreadFrom)
    .u32(row.timerS)
    .flag(row.timerSet !== null);
  if (row.timerSet !== null) {
    const { chain, number, time } = row.timerSet;
    fields.bytes(chain, CHAIN_ID_BYTES).u48(number).u48(time);
  }
  return fields.u32(row.places).u48(row.restoredUntil).done();
}

/** Total: throws only MalformedError. */
export function decodeConversationRow(bytes: Uint8Array): ConversationRow {
  const fields = new FieldReader('conversation-row', bytes);
  if (fields.u8() !== VERSION) fields.refuse('unknown version');
  const row = {
    generation: fields.u48(),
    chain: fields.flag() ? fields.bytes(CHAIN_ID_BYTES) : null,
    unread: fields.u48(),
    unreadFrom: fields.u48(),
    timerS: fields.u32(),
    timerSet: fields.flag()
      ? { chain: fields.bytes(CHAIN_ID_BYTES), number: fields.u48(), time: fields.u48() }
      : null,
    places: fields.u32(),
    restoredUntil: fields.u48(),
  };
  fields.end();
  return row;
}

function readList<T>(fields: FieldReader, count: number, max: number, read: () => T): T[] {
  if (count > max) fields.refuse('a list is too long', { count });
  return Array.from({ length: count }, read);
}
