/**
 * What two chats tell each other beside messages: pieces of attachments, what was read, what is missing, what a
 * restore has lost. docs/wire.md, "Notices of the chat". One that comes twice, late or never changes nothing that a
 * later one would not put right.
 */

import {
  CHAIN_ID_BYTES,
  MAX_ATTACHMENT_BYTES,
  MESSAGE_ID_BYTES,
  PART_BYTES,
  partsOf,
  type Target,
} from './chat-content.ts';
import { CONTENT_KIND } from './content-kind.ts';
import { FieldReader, FieldWriter } from './fields.ts';

const FORMAT = 'chat-notice';
const READ = 1;

/** Ids in one receipt: a screen or two; more go in several. */
export const MAX_RECEIPT_IDS = 100;
/** Chains of one side in a `restored` notice: one for each restore; both lists together fit into one message. */
export const MAX_TOLD_CHAINS = 500;
/** An echoed message: the largest that has an encoding has 12,541. */
export const MAX_ECHO_BYTES = 12_600;

/** How far somebody is in a chain: the number of the next message. */
export interface ChainMark {
  readonly chain: Uint8Array;
  readonly next: number;
}

export type ChatNotice =
  | { readonly kind: 'part'; readonly of: Target; readonly index: number; readonly bytes: Uint8Array }
  /** The sender has read these messages of the receiver. */
  | { readonly kind: 'receipt'; readonly ids: readonly Uint8Array[] }
  /** Send these numbers of your chain again; both ends included. */
  | { readonly kind: 'resend'; readonly chain: Uint8Array; readonly from: number; readonly to: number }
  /** After a restore: how far the sender is in the receiver's chains (`have`) and knows of its own (`know`). */
  | { readonly kind: 'restored'; readonly have: readonly ChainMark[]; readonly know: readonly ChainMark[] }
  /** A message that the receiver of this wrote once, and whether the sender has read it. */
  | { readonly kind: 'echo'; readonly read: boolean; readonly content: Uint8Array };

/** Throws RangeError on fields that have no encoding. */
export function encodeChatNotice(notice: ChatNotice): Uint8Array<ArrayBuffer> {
  const fields = new FieldWriter().u8(CONTENT_KIND[notice.kind]);
  switch (notice.kind) {
    case 'part':
      if (notice.index >= partsOf(MAX_ATTACHMENT_BYTES) || notice.bytes.length === 0) {
        throw new RangeError('not a part of an attachment');
      }
      fields.flag(notice.of.by === 'sender').bytes(notice.of.id, MESSAGE_ID_BYTES);
      fields.u8(notice.index).sized(notice.bytes, PART_BYTES);
      break;
    case 'receipt':
      if (notice.ids.length === 0 || notice.ids.length > MAX_RECEIPT_IDS) throw new RangeError('ids');
      fields.u8(READ).u8(notice.ids.length);
      for (const id of notice.ids) fields.bytes(id, MESSAGE_ID_BYTES);
      break;
    case 'resend':
      if (notice.from > notice.to) throw new RangeError('from behind to');
      fields.bytes(notice.chain, CHAIN_ID_BYTES).u48(notice.from).u48(notice.to);
      break;
    case 'restored':
      writeMarks(fields, notice.have);
      writeMarks(fields, notice.know);
      break;
    case 'echo':
      fields.flag(notice.read).sized(notice.content, MAX_ECHO_BYTES);
  }
  return fields.done();
}

/** Total: throws only MalformedError. */
export function decodeChatNotice(bytes: Uint8Array): ChatNotice {
  const fields = new FieldReader(FORMAT, bytes);
  const notice = readNotice(fields);
  fields.end();
  return notice;
}

function readNotice(fields: FieldReader): ChatNotice {
  switch (fields.u8()) {
    case CONTENT_KIND.part:
      return readPart(fields);
    case CONTENT_KIND.receipt:
      return readReceipt(fields);
    case CONTENT_KIND.resend: {
      const [chain, from, to] = [fields.bytes(CHAIN_ID_BYTES), fields.u48(), fields.u48()];
      if (from > to) fields.refuse('a range that ends before it begins');
      return { kind: 'resend', chain, from, to };
    }
    case CONTENT_KIND.restored:
      return { kind: 'restored', have: readMarks(fields), know: readMarks(fields) };
    case CONTENT_KIND.echo:
      return { kind: 'echo', read: fields.flag(), content: fields.sized(MAX_ECHO_BYTES) };
    default:
      return fields.refuse('not a notice of the chat');
  }
}

function readPart(fields: FieldReader): ChatNotice {
  const of: Target = { by: fields.flag() ? 'sender' : 'receiver', id: fields.bytes(MESSAGE_ID_BYTES) };
  const index = fields.u8();
  if (index >= partsOf(MAX_ATTACHMENT_BYTES)) fields.refuse('no attachment has so many parts', { index });
  const bytes = fields.sized(PART_BYTES);
  if (bytes.length === 0) fields.refuse('an empty part');
  return { kind: 'part', of, index, bytes };
}

function readReceipt(fields: FieldReader): ChatNotice {
  if (fields.u8() !== READ) fields.refuse('a receipt for something unknown');
  const count = fields.u8();
  if (count === 0 || count > MAX_RECEIPT_IDS) fields.refuse('a receipt for none or too many', { count });
  return { kind: 'receipt', ids: Array.from({ length: count }, () => fields.bytes(MESSAGE_ID_BYTES)) };
}

function writeMarks(fields: FieldWriter, marks: readonly ChainMark[]): void {
  if (marks.length > MAX_TOLD_CHAINS) throw new RangeError('too many chains');
  fields.u16(marks.length);
  for (const { chain, next } of marks) fields.bytes(chain, CHAIN_ID_BYTES).u48(next);
}

function readMarks(fields: FieldReader): ChainMark[] {
  const count = fields.u16();
  if (count > MAX_TOLD_CHAINS) fields.refuse('too many chains', { count });
  return Array.from({ length: count }, () => ({ chain: fields.bytes(CHAIN_ID_BYTES), next: fields.u48() }));
}
