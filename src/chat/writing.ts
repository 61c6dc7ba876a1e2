/** Own messages: written into the history and handed to the outbox in one transaction, before any network. */

import type { ContactId } from '../delivery/face.ts';
import { equal } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import type { RandomBytes } from '../safety/random.ts';
import {
  CHAIN_ID_BYTES,
  type ChatBody,
  MESSAGE_ID_BYTES,
  type Target,
  type UntaggedContent,
} from '../wire/chat-content.ts';
import { checkAttachment, checkReaction, checkText } from './checks.ts';
import { NEW_CHAIN } from './chain-row.ts';
import type { Changes } from './changes.ts';
import { ChatError, unknownMessage } from './errors.ts';
import type { Filing } from './filing.ts';
import { MAX_CHANGES, MAX_LIFETIME_S } from './limits.ts';
import type { SendOptions } from './message.ts';
import { flagged } from './message-row.ts';
import type { Outbox } from './outbox.ts';
import type { OwnTag } from './own-tag.ts';
import { allParts, type Parts } from './parts.ts';
import type { Book } from './book.ts';
import type { ChatTables, Filed } from './tables.ts';
import { scrubbed } from './view.ts';

export interface WritingInit {
  readonly tables: ChatTables;
  readonly book: Book;
  readonly parts: Parts;
  readonly changes: Changes;
  readonly filing: Filing;
  readonly ownTag: OwnTag;
  readonly outbox: Outbox;
  readonly provider: Provider;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly self: ContactId;
  readonly generation: () => number;
}

export class Writing {
  readonly #init: WritingInit;

  constructor(init: WritingInit) {
    this.#init = init;
  }

  send(contact: ContactId, { text = '', replyTo, attachment }: SendOptions): Filed {
    const reply = replyTo === undefined ? null : this.#replyTarget(contact, replyTo);
    checkText(text, attachment !== undefined);
    if (attachment === undefined) return this.#write(contact, { kind: 'text', reply, text });
    checkAttachment(attachment);
    const { name, type, bytes } = attachment;
    const digest = this.#init.provider.sha256(bytes);
    const sizeBytes = bytes.length;
    const body: ChatBody = { kind: 'attachment', reply, name, type, sizeBytes, digest, caption: text };
    return this.#write(contact, body, bytes);
  }

  edit(target: Filed, text: string): Filed {
    requireOwn(target);
    requireTextual(target);
    checkText(text, target.row.kind === 'attachment');
    if (target.row.changes.length >= MAX_CHANGES) {
      throw new ChatError('MESSAGE_EDITED_TOO_OFTEN', 'this message was changed too often', {
        hint: 'Write a new one.',
        data: { maxChanges: MAX_CHANGES },
      });
    }
    return this.#write(target.place.contact, { kind: 'edit', target: target.row.id, text });
  }

  react(target: Filed, emoji: string): Filed {
    requireTextual(target);
    checkReaction(emoji);
    const of: Target = { by: target.place.mine ? 'sender' : 'receiver', id: target.row.id };
    return this.#write(target.place.contact, { kind: 'reaction', target: of, emoji });
  }

  setTimer(contact: ContactId, seconds: number): Filed {
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > MAX_LIFETIME_S) {
      throw new ChatError('TIMER_WRONG', 'messages cannot disappear after that time', {
        hint: `Give whole seconds, at most ${MAX_LIFETIME_S} (a year), or 0 for never.`,
        data: { maxSeconds: MAX_LIFETIME_S },
      });
    }
    return this.#write(contact, { kind: 'timer', seconds });
  }

  /** On both sides. What was not encrypted yet is never sent. */
  deleteForBoth(target: Filed): void {
    requireOwn(target);
    const { contact, chain, number } = target.place;
    const { id, prev, hash, time, sentAt, deliveredAt } = target.row;
    if (sentAt === 0 && deliveredAt === 0 && !this.#isNotes(contact)) {
      const gone = { kind: 'gone', id, chain, number, prev, hash, time, lifetimeS: 0 } as const;
      const content = this.#init.ownTag.encode(contact, gone);
      if (this.#init.outbox.withdraw(contact, id)) this.#init.outbox.enqueue(contact, { key: id, content });
    }
    this.#write(contact, { kind: 'delete', target: id });
  }

  /** The line goes, its place stays taken. */
  deleteHere(target: Filed): void {
    const { tables, book, changes } = this.#init;
    const now = target.row.kind === 'gap' ? target : changes.scrub(target);
    const again = tables.message(now.place) ?? now;
    book.change(again, flagged(scrubbed(again.row), 'hidden'));
  }

  #write(contact: ContactId, body: ChatBody, bytes?: Uint8Array): Filed {
    const { tables, outbox, clock, random, parts, filing, ownTag } = this.#init;
    const conversation = tables.conversationOf(contact);
    const chain = this.#chain(contact, conversation.chain);
    const timed = body.kind === 'text' || body.kind === 'attachment';
    const { row } = tables.chain(contact, true, chain) ?? { row: NEW_CHAIN };
    const content: UntaggedContent = {
      ...body,
      id: random(MESSAGE_ID_BYTES),
      chain,
      number: row.next,
      prev: row.last,
      time: Math.floor(clock.now()),
      lifetimeS: timed ? conversation.timerS : 0,
    };
    const place = { contact, mine: true, chain, number: row.next, range: false };
    if (bytes !== undefined) parts.keep(place, content.id, bytes);
    const encoded = ownTag.encode(contact, content);
    const filed = filing.file(contact, true, encoded, {
      flags: [],
      ...(bytes === undefined ? {} : { parts: allParts(bytes.length) }),
    });
    if (filed === null) throw new RangeError('the same random id came twice');
    if (!this.#isNotes(contact)) {
      outbox.enqueue(contact, { key: content.id, content: encoded });
      if (bytes !== undefined) parts.send(filed);
    }
    return filed;
  }

  /** The chain to write in: a new one at first, after a restore, and when a friendship had ended. */
  #chain(contact: ContactId, current: Uint8Array | null): Uint8Array {
    const { tables, random, filing, generation } = this.#init;
    const known = current === null ? null : tables.chain(contact, true, current);
    if (known !== null && known.row.generation === generation() && !known.row.ended) return known.chain;
    const chain = filing.chainFor(contact, true, random(CHAIN_ID_BYTES));
    tables.saveChain({ ...chain, row: { ...chain.row, generation: generation() } });
    tables.changeConversation(contact, (row) => ({ ...row, chain: chain.chain }));
    return chain.chain;
  }

  #replyTarget(contact: ContactId, id: Uint8Array): Target {
    for (const mine of [true, false]) {
      const found = this.#init.tables.messageById(contact, mine, id);
      if (found !== null && !found.row.flags.has('hidden')) return { by: mine ? 'sender' : 'receiver', id };
    }
    throw unknownMessage();
  }

  #isNotes(contact: ContactId): boolean {
    return equal(contact, this.#init.self);
  }
}

function requireOwn({ place }: Filed): void {
  if (place.mine) return;
  throw new ChatError('MESSAGE_NOT_YOURS', 'only its author can change a message for both', {
    hint: 'You can delete it here only, or react to it.',
  });
}

function requireTextual({ row }: Filed): void {
  if ((row.kind === 'text' || row.kind === 'attachment') && !row.flags.has('deleted')) return;
  throw new ChatError('MESSAGE_NOT_TEXT', 'this is not a message that can be changed', {
    hint: 'Choose a text or an attachment that was not deleted.',
  });
}
