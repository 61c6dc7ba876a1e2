/**
 * Puts each message in its place. Its number says where it stands among its author's messages, so it is shown once
 * however often it comes, and in order whatever was overtaken: for each missing one a place is kept open, and filled
 * when it comes. The hash that it names as the one before it must be the one of what is there.
 */

import type { ContactId } from '../delivery/face.ts';
import { equal } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { NotNow } from '../delivery/face.ts';
import { type ChatContent, decodeChatContent, linkHash } from '../wire/chat-content.ts';
import type { Book } from './book.ts';
import { NEW_CHAIN } from './chain-row.ts';
import type { Changes } from './changes.ts';
import { ChatError } from './errors.ts';
import { type Gap, joinNearest, spans } from './gaps.ts';
import { MAX_AHEAD, MAX_CHAINS, MAX_GAPS, MAX_OPEN_PLACES, MAX_PLACES } from './limits.ts';
import { emptyRow, flagged, type MessageRow, NO_HASH, type RowFlag } from './message-row.ts';
import type { Chain, ChatTables, Filed } from './tables.ts';

export interface FilingInit {
  readonly tables: ChatTables;
  readonly book: Book;
  readonly changes: Changes;
  readonly provider: Provider;
  readonly clock: Clock;
}

/** What is known of a message beside its content. */
export interface Circumstances {
  readonly flags: readonly RowFlag[];
  readonly deliveredAt?: number;
  readonly readAt?: number;
  /** Bits of the parts that are here already. */
  readonly parts?: number;
}

export class Filing {
  readonly #init: FilingInit;

  constructor(init: FilingInit) {
    this.#init = init;
  }

  /**
   * Files a content and lets it take effect. Null where it was there before. Throws MalformedError, NotNow while too
   * many gaps are open, ChatError for what nobody sends who means well.
   */
  file(contact: ContactId, mine: boolean, bytes: Uint8Array, about: Circumstances): Filed | null {
    const content = decodeChatContent(bytes);
    const chain = this.chainFor(contact, mine, content.chain);
    const row = this.#rowOf(content, bytes, about);
    const filed =
      content.number < chain.row.next ? this.#fill(chain, content, row) : this.#append(chain, content, row);
    if (filed === null) return null;
    const now = this.#init.changes.apply(filed, content);
    this.#init.book.tell(now, 'message');
    return now;
  }

  /** The chain as it is, or a new one. Throws ChatError TOO_MANY_CHAINS. */
  chainFor(contact: ContactId, mine: boolean, chain: Uint8Array): Chain {
    const { tables } = this.#init;
    const known = tables.chain(contact, mine, chain);
    if (known !== null) return known;
    if (tables.chains(contact).filter((other) => other.mine === mine).length >= MAX_CHAINS) {
      throw new ChatError('TOO_MANY_CHAINS', 'this contact has begun anew too often', {
        hint: 'Remove this friend and become friends again.',
        data: { maxChains: MAX_CHAINS },
      });
    }
    return { contact, mine, chain, row: NEW_CHAIN };
  }

  #append(chain: Chain, content: ChatContent, row: MessageRow): Filed | null {
    const { tables, book } = this.#init;
    const { contact, mine } = chain;
    const { next, last } = chain.row;
    const skipped = content.number - next;
    const fits = skipped > 0 || content.kind === 'gone' || !isKnown(last, next) || equal(content.prev, last);
    const gaps = skipped === 0 ? chain.row.gaps : this.#open(chain, content.number);
    // a contact that did not notice the end goes on in its chain
    const ended = mine && chain.row.ended;
    const after = { ...chain.row, gaps, ended, next: content.number + 1, last: row.hash };
    tables.saveChain({ ...chain, row: after });
    // one id, two numbers: the number is taken, and nothing is shown a second time
    if (tables.messageById(contact, mine, content.id) !== null) return null;
    const place = { contact, mine, chain: chain.chain, number: content.number, range: false };
    return book.add(place, fits ? row : flagged(row, 'broken'), null);
  }

  #fill(chain: Chain, content: ChatContent, row: MessageRow): Filed | null {
    const { tables, book } = this.#init;
    const { contact, mine } = chain;
    const { number } = content;
    const gap = chain.row.gaps.find((one) => spans(one, number));
    if (gap === undefined || !this.#isMissing(chain, gap, number)) return null;
    const place = { contact, mine, chain: chain.chain, number, range: false };
    const before = number === 0 ? null : tables.message({ ...place, number: number - 1 });
    const fits = content.kind === 'gone' || !contradicts(before?.row.hash, content.prev);
    const gaps = this.#bounded(
      chain,
      chain.row.gaps.flatMap((other) => (other === gap ? this.#without(chain, gap, number) : [other])),
    );
    if (gap.range === null) this.#countPlaces(contact, -1);
    const known = tables.messageById(contact, mine, content.id) !== null;
    tables.saveChain({ ...chain, row: { ...chain.row, gaps, asked: 0 } });
    const kept = tables.message(place);
    const filed = known ? null : book.add(place, fits ? row : flagged(row, 'broken'), kept);
    // one id, two numbers: nothing is missing here, and nothing is shown a second time
    if (known && kept !== null) book.remove(kept);
    if (gap.range !== null) this.#shrink(chain, gap.range, gaps);
    this.#checkNext(place, row.hash);
    return filed;
  }

  /** The gaps, with one more: places for what is missing before `number`. */
  #open(known: Chain, number: number): readonly Gap[] {
    const { tables, clock } = this.#init;
    const { contact, mine, chain, row } = known;
    const { next } = row;
    if (number - next > MAX_AHEAD) {
      throw new ChatError('TOO_FAR_AHEAD', 'a message is too far ahead of the others', {
        hint: 'Nothing to do here: the other side counts wrongly.',
        data: { aheadOf: number - next, maxAhead: MAX_AHEAD },
      });
    }
    const now = clock.now();
    const place = { contact, mine, chain, number: next, range: false };
    const opened: Gap[] = [];
    const first = Math.max(next, number - this.#roomFor(contact, mine));
    if (first > next) {
      const missing = first - next;
      tables.saveMessage({ ...place, range: true }, { ...emptyRow('gap', now), missing });
      opened.push({ from: next, to: first - 1, range: next });
    }
    for (let n = first; n < number; n++) {
      tables.saveMessage({ ...place, number: n }, { ...emptyRow('gap', now), missing: 1 });
    }
    if (first < number) {
      opened.push({ from: first, to: number - 1, range: null });
      this.#countPlaces(contact, number - first);
    }
    return this.#bounded(known, [...row.gaps, ...opened]);
  }

  /** How many missing messages may get a place each. Of ours none: what is not there of them now hardly comes. */
  #roomFor(contact: ContactId, mine: boolean): number {
    if (mine) return 0;
    const { places } = this.#init.tables.conversationOf(contact);
    return Math.max(0, Math.min(MAX_PLACES, MAX_OPEN_PLACES - places));
  }

  #countPlaces(contact: ContactId, by: number): void {
    this.#init.tables.changeConversation(contact, (row) => ({
      ...row,
      places: Math.max(0, row.places + by),
    }));
  }

  /**
   * Of too many gaps the two nearest become one: what fills them comes behind the content that opens another, which so
   * must not wait. Ours may stay for good: the oldest is given up. Throws NotNow where none has rows of its own.
   */
  #bounded(chain: Chain, gaps: readonly Gap[]): readonly Gap[] {
    if (gaps.length <= MAX_GAPS) return gaps;
    if (chain.mine) return gaps.slice(-MAX_GAPS);
    const fewer = joinNearest(gaps);
    if (fewer === null) throw new NotNow('too many gaps are open');
    return this.#bounded(chain, fewer);
  }

  #isMissing({ contact, mine, chain }: Chain, gap: Gap, number: number): boolean {
    if (gap.range !== null) return true;
    const { tables } = this.#init;
    return tables.message({ contact, mine, chain, number, range: false })?.row.kind === 'gap';
  }

  /** What is left of a gap: up to two, at whose ends something is missing. */
  #without(chain: Chain, gap: Gap, number: number): Gap[] {
    let [end, start] = [number - 1, number + 1];
    while (end >= gap.from && !this.#isMissing(chain, gap, end)) end -= 1;
    while (start <= gap.to && !this.#isMissing(chain, gap, start)) start += 1;
    return [
      { ...gap, to: end },
      { ...gap, from: start },
    ].filter(({ from, to }) => from <= to);
  }

  /** One of the messages that a range row stands for has come. */
  #shrink({ contact, mine, chain }: Chain, range: number, gaps: readonly Gap[]): void {
    const { tables, book } = this.#init;
    const row = tables.message({ contact, mine, chain, number: range, range: true });
    if (row === null) return;
    const open = gaps.filter((gap) => gap.range === range);
    const missing = open.reduce((sum, { from, to }) => sum + to - from + 1, 0);
    if (missing === 0) book.remove(row);
    else book.change(row, { ...row.row, missing });
  }

  /** The message behind one that came late must follow from it. */
  #checkNext(place: Filed['place'], hash: Uint8Array): void {
    const { tables, book } = this.#init;
    const next = tables.message({ ...place, number: place.number + 1 });
    if (next === null || next.row.kind === 'gap' || next.row.kind === 'gone') return;
    if (contradicts(hash, next.row.prev)) book.change(next, flagged(next.row, 'broken'));
  }

  #rowOf(content: ChatContent, bytes: Uint8Array, about: Circumstances): MessageRow {
    const { provider, clock } = this.#init;
    const gone = content.kind === 'gone';
    const beside = content.kind === 'edit' || content.kind === 'delete' || content.kind === 'reaction';
    return {
      ...emptyRow(content.kind, clock.now()),
      id: content.id,
      flags: new Set([...about.flags, ...(beside ? ['hidden' as const] : [])]),
      time: content.time,
      lifetimeS: content.lifetimeS,
      deliveredAt: about.deliveredAt ?? 0,
      readAt: about.readAt ?? 0,
      hash: gone ? content.hash : linkHash(provider, bytes),
      prev: content.prev,
      missing: gone ? 1 : 0,
      parts: about.parts ?? 0,
      content: bytes,
    };
  }
}

/** Before the first message the hash is known to be zeros; later, zeros say that it is not. */
function isKnown(last: Uint8Array, next: number): boolean {
  return next === 0 || !equal(last, NO_HASH);
}

/** Whether `prev` cannot name a message of this hash; one that is unknown contradicts nothing. */
function contradicts(hash: Uint8Array | undefined, prev: Uint8Array): boolean {
  return hash !== undefined && !equal(hash, NO_HASH) && !equal(hash, prev);
}
