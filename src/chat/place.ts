/**
 * Where a message stands: contact, whose it is, chain, number. The name of its row (one place, one message), and its
 * alias (one author, one id) come from here, so that nothing can be shown twice. Also the keys under which contents
 * wait in the outbox: 16 bytes, the id of a message, or a chain and a number for what has no id of its own.
 */

import type { ContactId } from '../delivery/face.ts';
import { concat, copyOf, equal } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';
import { CHAIN_ID_BYTES, type Target } from '../wire/chat-content.ts';
import { FieldWriter } from '../wire/fields.ts';

const CONTACT_BYTES = 48;
const NAME_BYTES = CONTACT_BYTES + 1 + CHAIN_ID_BYTES + 6;
const RANGE = Uint8Array.of(1);
/** Contents of no line of their own (edits, reactions, what was removed) lie beside the history. */
const BESIDE = Uint8Array.of(1);

export interface Place {
  readonly contact: ContactId;
  readonly mine: boolean;
  /** 8 bytes. */
  readonly chain: Uint8Array;
  readonly number: number;
  /** The row stands for many missing messages, `number` being the first. */
  readonly range: boolean;
}

/** Who wrote it, as `Reaction.by` says it. */
export function whose(mine: boolean): 'me' | 'them' {
  return mine ? 'me' : 'them';
}

/** Whether a target is the message of who wrote the content (`mine`: we did). */
export function targetIsMine(target: Target, mine: boolean): boolean {
  return (target.by === 'sender') === mine;
}

export function placeName(place: Place): Uint8Array {
  const name = chainName(place.contact, place.mine, place.chain);
  const number = new FieldWriter().u48(place.number).done();
  return concat(name, number, place.range ? RANGE : Uint8Array.of());
}

/** Throws MalformedError where a name of a row is none of ours. */
export function placeOf(name: Uint8Array): Place {
  const range = name.length === NAME_BYTES + 1 && name[NAME_BYTES] === RANGE[0];
  const mine = name[CONTACT_BYTES] === 1;
  if ((!range && name.length !== NAME_BYTES) || (!mine && name[CONTACT_BYTES] !== 0)) {
    throw new MalformedError('message-row', 'not the name of a message');
  }
  const number = new DataView(name.buffer, name.byteOffset + NAME_BYTES - 6);
  return {
    contact: copyOf(name, 0, CONTACT_BYTES),
    mine,
    chain: copyOf(name, CONTACT_BYTES + 1, CONTACT_BYTES + 1 + CHAIN_ID_BYTES),
    number: number.getUint16(0) * 2 ** 32 + number.getUint32(2),
    range,
  };
}

export function chainName(contact: ContactId, mine: boolean, chain: Uint8Array): Uint8Array {
  return concat(contact, Uint8Array.of(mine ? 1 : 0), chain);
}

export function aliasOf(contact: ContactId, mine: boolean, id: Uint8Array): Uint8Array {
  return concat(contact, Uint8Array.of(mine ? 1 : 0), id);
}

/** Scope of the rows that are lines of a history. */
export function historyScope(contact: ContactId): Uint8Array {
  return contact;
}

/** Scope of the rows that belong to a conversation and are no lines. */
export function besideScope(contact: ContactId): Uint8Array {
  return concat(contact, BESIDE);
}

export type StandIn = 'gone' | 'echo' | 'ask';
const STAND_INS: readonly StandIn[] = ['gone', 'echo', 'ask'];

/** Outbox key of a content that stands for a place and has no id. */
export function standInKey(chain: Uint8Array, number: number, what: StandIn): Uint8Array {
  return new FieldWriter().bytes(chain, CHAIN_ID_BYTES).u48(number).u16(STAND_INS.indexOf(what)).done();
}

/** Outbox key of everything there is only one of: a newer one takes its place while it waits. */
export const RESTORED_KEY: Uint8Array = copyOf(new Uint8Array(16).fill(0xff));

/** Outbox key of one part of an attachment: its message's id, changed in the last byte by the part and the side. */
export function partKey(id: Uint8Array, index: number, mine: boolean): Uint8Array {
  const key = copyOf(id);
  key[15] = (key[15] as number) ^ (0x80 | (mine ? 0x40 : 0) | index);
  return key;
}

export function sameChain(a: { readonly chain: Uint8Array }, b: { readonly chain: Uint8Array }): boolean {
  return equal(a.chain, b.chain);
}
