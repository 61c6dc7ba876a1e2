/**
 * One line of an exported history: JSON, as docs/embed.md describes it. Reading is total: everything that is not
 * exactly as it is written is refused with what is wrong, for a person.
 *
 *     {"kind":"kith-history","version":1}                                   the first line
 *     {"kind":"message","contact":hex,"mine":bool,"id":hex,"at":ISO 8601,"text":string,"editedAt":ISO 8601 or null,
 *      "replyTo":{"mine":bool,"id":hex} or null,"reactions":{"me":string,"them":string},"delivered":bool,"read":bool,
 *      "unproven":bool,"attachment":{"name":string,"type":string,"data":base64 or null} or null}
 */

import { fromHex, toHex } from '../safety/bytes.ts';
import {
  MAX_ATTACHMENT_BYTES,
  MAX_EMOJI_BYTES,
  MAX_FILE_NAME_BYTES,
  MAX_MEDIA_TYPE_BYTES,
  MAX_TEXT_BYTES,
} from '../wire/chat-content.ts';
import { MAX_LINE_CHARS } from './limits.ts';

export const FIRST_LINE: string = JSON.stringify({ kind: 'kith-history', version: 1 });

const MAX_TIME = 2 ** 48 - 1;
const FIELDS: readonly string[] =
  'kind contact mine id at text editedAt replyTo reactions delivered read unproven attachment'.split(' ');

export interface HistoryLine {
  readonly contact: Uint8Array;
  readonly mine: boolean;
  readonly id: Uint8Array;
  readonly at: number;
  readonly text: string;
  readonly editedAt: number | null;
  readonly replyTo: { readonly mine: boolean; readonly id: Uint8Array } | null;
  readonly reactions: Readonly<Record<'me' | 'them', string>>;
  readonly delivered: boolean;
  readonly read: boolean;
  readonly unproven: boolean;
  readonly attachment: {
    readonly name: string;
    readonly type: string;
    readonly bytes: Uint8Array | null;
  } | null;
}

/** What is wrong with a line. */
export class BadLine extends Error {
  override readonly name = 'BadLine';
}

export function writeLine(line: HistoryLine): string {
  const { attachment, replyTo } = line;
  return JSON.stringify({
    kind: 'message',
    contact: toHex(line.contact),
    mine: line.mine,
    id: toHex(line.id),
    at: isoOf(line.at),
    text: line.text,
    editedAt: line.editedAt === null ? null : isoOf(line.editedAt),
    replyTo: replyTo === null ? null : { mine: replyTo.mine, id: toHex(replyTo.id) },
    reactions: line.reactions,
    delivered: line.delivered,
    read: line.read,
    unproven: line.unproven,
    attachment:
      attachment === null
        ? null
        : {
            name: attachment.name,
            type: attachment.type,
            data: attachment.bytes === null ? null : Buffer.from(attachment.bytes).toString('base64'),
          },
  });
}

/** Throws BadLine. */
export function readLine(text: string): HistoryLine {
  if (text.length > MAX_LINE_CHARS) throw new BadLine('it is too long');
  const line = objectOf(parsed(text), 'the line', FIELDS);
  if (line['kind'] !== 'message') throw new BadLine('its kind is not "message"');
  const reactions = objectOf(line['reactions'], 'reactions', ['me', 'them']);
  const reply = line['replyTo'] === null ? null : objectOf(line['replyTo'], 'replyTo', ['mine', 'id']);
  const read = {
    contact: hexOf(line['contact'], 'contact', 48),
    mine: flagOf(line['mine'], 'mine'),
    id: hexOf(line['id'], 'id', 16),
    at: timeOf(line['at'], 'at'),
    text: textOf(line['text'], 'text', MAX_TEXT_BYTES),
    editedAt: line['editedAt'] === null ? null : timeOf(line['editedAt'], 'editedAt'),
    replyTo:
      reply === null ? null : { mine: flagOf(reply['mine'], 'mine'), id: hexOf(reply['id'], 'id', 16) },
    reactions: {
      me: textOf(reactions['me'], 'a reaction', MAX_EMOJI_BYTES),
      them: textOf(reactions['them'], 'a reaction', MAX_EMOJI_BYTES),
    },
    delivered: flagOf(line['delivered'], 'delivered'),
    read: flagOf(line['read'], 'read'),
    unproven: flagOf(line['unproven'], 'unproven'),
    attachment: line['attachment'] === null ? null : attachmentOf(line['attachment']),
  };
  if (read.text === '' && read.attachment === null) throw new BadLine('there is nothing in it');
  if (read.id.every((byte) => byte === 0)) throw new BadLine('its id is zero');
  return read;
}

function attachmentOf(value: unknown): HistoryLine['attachment'] {
  const { name, type, data } = objectOf(value, 'attachment', ['name', 'type', 'data']);
  return {
    name: textOf(name, 'the name of the attachment', MAX_FILE_NAME_BYTES),
    type: textOf(type, 'the type of the attachment', MAX_MEDIA_TYPE_BYTES),
    bytes: data === null ? null : dataOf(data),
  };
}

function dataOf(value: unknown): Uint8Array {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : null;
  if (bytes === null || bytes.toString('base64') !== value || bytes.length > MAX_ATTACHMENT_BYTES) {
    throw new BadLine('the data of the attachment is no base64, or too long');
  }
  return new Uint8Array(bytes);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadLine('it is no JSON');
  }
}

function objectOf(value: unknown, what: string, fields: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadLine(`${what} is no object`);
  const missing = fields.find((field) => !Object.hasOwn(value, field));
  if (missing !== undefined) throw new BadLine(`${what} has no field "${missing}"`);
  return value as Record<string, unknown>;
}

function flagOf(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') throw new BadLine(`${what} is neither true nor false`);
  return value;
}

function textOf(value: unknown, what: string, maxBytes: number): string {
  if (typeof value !== 'string' || !value.isWellFormed() || Buffer.byteLength(value) > maxBytes) {
    throw new BadLine(`${what} is no text, or too long`);
  }
  return value;
}

function hexOf(value: unknown, what: string, size: number): Uint8Array {
  if (typeof value !== 'string' || value.length !== 2 * size || !/^[0-9a-f]*$/.test(value)) {
    throw new BadLine(`${what} is not ${2 * size} hex characters`);
  }
  return fromHex(value);
}

function isoOf(ms: number): string {
  // what a hostile clock claims may be beyond what a Date can say
  return new Date(Math.min(ms, 8.64e15)).toISOString();
}

function timeOf(value: unknown, what: string): number {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (!Number.isSafeInteger(ms) || ms < 0 || ms > MAX_TIME) throw new BadLine(`${what} is no time`);
  return ms;
}
