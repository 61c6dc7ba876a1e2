/**
 * Brings two histories together again. Who misses numbers asks for them; who was restored from a backup says how far it
 * is, gets what it lacks, and gets back what it wrote and lost (debts.ts). What neither side holds stays a gap, and is told to be final.
 *
 * What comes back as one's own is what one wrote: it carries a tag that nobody else can make (own-tag.ts). Not promised:
 * that all of it comes back. It is marked `restored`.
 */

import type { ContactId } from '../delivery/face.ts';
import { equal } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import { decodeChatContent } from '../wire/chat-content.ts';
import {
  type ChainMark,
  type ChatNotice,
  decodeChatNotice,
  encodeChatNotice,
  MAX_TOLD_CHAINS,
} from '../wire/chat-notice.ts';
import type { Book } from './book.ts';
import type { Debts } from './debts.ts';
import type { Due } from './due.ts';
import type { Filing } from './filing.ts';
import {
  ASK_AFTER_MS,
  ASK_AGAIN_MAX_MS,
  ASK_AGAIN_MS,
  ASK_PARTS_AFTER_MS,
  ASK_PARTS_AGAIN_MS,
  ASK_PARTS_UNTIL_MS,
  MAX_ASKED_RANGES,
  MAX_PLACES,
  RESTORED_BURST,
  RESTORED_EVERY_MS,
} from './limits.ts';
import { type MessageRow, NO_HASH } from './message-row.ts';
import type { Outbox } from './outbox.ts';
import type { OwnTag } from './own-tag.ts';
import { attachmentOf } from './parts.ts';
import { chainName, type Place, placeName, RESTORED_KEY, standInKey } from './place.ts';
import type { Chain, ChatTables, Filed } from './tables.ts';
import { isComplete } from './view.ts';

export interface RepairInit {
  readonly tables: ChatTables;
  readonly book: Book;
  readonly debts: Debts;
  readonly filing: Filing;
  readonly due: Due;
  readonly outbox: Outbox;
  readonly ownTag: OwnTag;
  readonly clock: Clock;
  readonly generation: () => number;
}

export class Repair {
  readonly #init: RepairInit;

  constructor(init: RepairInit) {
    this.#init = init;
  }

  /** Goes on with what is owed, and says once after a restore how far we are. */
  meet(contact: ContactId): void {
    const { tables, outbox, generation } = this.#init;
    const conversation = tables.conversation(contact);
    const now = generation();
    this.#init.ownTag.begin(contact);
    this.#init.debts.resume(contact);
    if (conversation?.generation === now) return;
    tables.saveConversation(contact, { ...tables.conversationOf(contact), generation: now });
    if (conversation === null) return;
    const chains = tables.chains(contact).filter(({ row }) => !row.ended);
    const [have, know] = [marks(chains, false), marks(chains, true)];
    outbox.enqueue(contact, {
      key: RESTORED_KEY,
      content: encodeChatNotice({ kind: 'restored', have, know }),
    });
  }

  /** After a message of theirs was filed: whether what is missing is to be asked for, and when. */
  watch(contact: ContactId, chain: Uint8Array): void {
    const { tables, due, clock } = this.#init;
    const row = tables.chain(contact, false, chain)?.row;
    const name = chainName(contact, false, chain);
    if (row === undefined || row.gaps.length === 0) due.clear('ask', name);
    else if (row.asked === 0) due.set('ask', name, clock.now() + ASK_AFTER_MS);
  }

  /** Asks for what is missing, and once more later. */
  ask(contact: ContactId, chainId: Uint8Array): void {
    const { tables, due, clock, outbox, book } = this.#init;
    const chain = tables.chain(contact, false, chainId);
    const name = chainName(contact, false, chainId);
    if (chain === null || chain.row.gaps.length === 0) return due.clear('ask', name);
    for (const { from, to, range } of chain.row.gaps.slice(0, MAX_ASKED_RANGES)) {
      const content = encodeChatNotice({ kind: 'resend', chain: chainId, from, to });
      outbox.enqueue(contact, { key: standInKey(chainId, from, 'ask'), content });
      const line = tables.message({
        contact,
        mine: false,
        chain: chainId,
        number: range ?? from,
        range: range !== null,
      });
      if (line !== null && chain.row.asked === 0) book.tell(line, 'message');
    }
    const asked = Math.min(255, chain.row.asked + 1);
    tables.saveChain({ ...chain, row: { ...chain.row, asked } });
    const waitMs = Math.min(ASK_AGAIN_MAX_MS, ASK_AGAIN_MS * 2 ** (asked - 1));
    due.set('ask', name, clock.now() + waitMs);
  }

  /** The parts of an attachment may be late, or lost: then the message is asked for, and they come with it. */
  watchParts(place: Place): void {
    const filed = this.#init.tables.message(place);
    if (filed === null || isWhole(filed.row)) return;
    this.#init.due.set('parts', placeName(place), this.#init.clock.now() + ASK_PARTS_AFTER_MS);
  }

  askForParts(place: Place): void {
    const { tables, due, clock, outbox } = this.#init;
    const filed = tables.message(place);
    const now = clock.now();
    if (filed === null || isWhole(filed.row) || now - filed.row.filedAt > ASK_PARTS_UNTIL_MS) {
      return due.clear('parts', placeName(place));
    }
    const { contact, chain, number } = place;
    const content = encodeChatNotice({ kind: 'resend', chain, from: number, to: number });
    outbox.enqueue(contact, { key: standInKey(chain, number, 'ask'), content });
    due.set('parts', placeName(place), now + ASK_PARTS_AGAIN_MS);
  }

  resend(contact: ContactId, { chain: id, from, to }: ChatNotice & { kind: 'resend' }): void {
    const { tables, debts } = this.#init;
    const known = tables.chain(contact, true, id);
    // of a chain that is not here there is nothing to say, and anybody can think of one
    if (known === null || known.row.ended) return;
    // what was written after the backup that we were restored from is asked for, and is not here
    const current = equal(tables.conversation(contact)?.chain ?? NO_HASH, id);
    const end = Math.min(to, known.row.next - 1 + (current ? 0 : MAX_PLACES));
    if (from > end) return;
    debts.owe(known, { from, to: end });
    debts.resume(contact);
  }

  /** Answers now, or, where it was answered too often, when it may be again. */
  restored(contact: ContactId, notice: ChatNotice & { kind: 'restored' }): void {
    const { tables, debts, due } = this.#init;
    const { have, know } = notice;
    if (tables.conversation(contact) === null) return;
    const until = this.#mayAnswer(contact);
    if (until === null) due.clear('answer', contact);
    else return due.set('answer', contact, until, encodeChatNotice(notice));
    for (const chain of tables.chains(contact)) {
      if (chain.row.ended || chain.row.next === 0) continue;
      const told = (chain.mine ? have : know).find((mark) => equal(mark.chain, chain.chain))?.next ?? 0;
      if (told < chain.row.next) debts.owe(chain, { from: told, to: chain.row.next - 1 });
    }
    debts.resume(contact);
  }

  /** What was put off. */
  answer(contact: ContactId, notice: Uint8Array): void {
    this.#init.due.clear('answer', contact);
    const decoded = decodeChatNotice(notice);
    if (decoded.kind === 'restored') this.restored(contact, decoded);
  }

  /** Each answer may be a whole history. Null: now; else from when on (wall ms). */
  #mayAnswer(contact: ContactId): number | null {
    const { tables, clock } = this.#init;
    const now = Math.floor(clock.now());
    const row = tables.conversationOf(contact);
    const longest = now + RESTORED_BURST * RESTORED_EVERY_MS;
    // further ahead it was written under a clock that was wrong
    const used = row.restoredUntil > longest ? 0 : row.restoredUntil;
    const restoredUntil = Math.max(used, now) + RESTORED_EVERY_MS;
    if (restoredUntil > longest) return now + restoredUntil - longest;
    tables.saveConversation(contact, { ...row, restoredUntil });
    return null;
  }

  /** Something that we wrote once and do not have any more. Taken only where we have lost something, and only what is ours. */
  echo(contact: ContactId, { read, content }: ChatNotice & { kind: 'echo' }): Filed | null {
    const { tables, filing, ownTag, clock, generation } = this.#init;
    const { chain: id } = decodeChatContent(content);
    const chain = tables.chain(contact, true, id);
    if (generation() === 0) return null;
    // what is written since the last restore is all here
    if (chain !== null && (chain.row.ended || chain.row.generation === generation())) return null;
    if (!ownTag.isOurs(contact, content)) return null;
    const deliveredAt = clock.now();
    const readAt = read ? deliveredAt : 0;
    return filing.file(contact, true, content, { flags: ['restored'], deliveredAt, readAt });
  }
}

function marks(chains: readonly Chain[], mine: boolean): ChainMark[] {
  return chains
    .filter((chain) => chain.mine === mine)
    .map(({ chain, row }) => ({ chain, next: firstMissing(row) }))
    .slice(-MAX_TOLD_CHAINS);
}

function firstMissing(row: Chain['row']): number {
  return row.gaps[0]?.from ?? row.next;
}

/** Nothing more of it is wanted: complete, or no attachment, or damaged. */
function isWhole(row: MessageRow): boolean {
  const body = attachmentOf(row);
  return body === null || row.flags.has('damaged') || isComplete(row, body.sizeBytes);
}
