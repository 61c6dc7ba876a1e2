/**
 * What is to be sent again: messages of our chains that the other side lacks, and echoes of theirs that they lost. It
 * goes in batches, the next when the last one is kept, so that the outbox never holds a whole history. What is owed
 * stands in the rows of the chains.
 */

import type { ContactId } from '../delivery/face.ts';
import { equal } from '../safety/bytes.ts';
import type { Clock } from '../safety/clock.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { KithError } from '../safety/errors.ts';
import { StoreError } from '../store/errors.ts';
import { MESSAGE_ID_BYTES } from '../wire/chat-content.ts';
import { encodeChatNotice } from '../wire/chat-notice.ts';
import type { Due } from './due.ts';
import { type Span, spans } from './gaps.ts';
import { LATER_MS, MAX_ASKED_RANGES, RESEND_BATCH } from './limits.ts';
import { NO_HASH } from './message-row.ts';
import type { Outbox } from './outbox.ts';
import type { OwnTag } from './own-tag.ts';
import type { Parts } from './parts.ts';
import { standInKey } from './place.ts';
import type { Chain, ChatTables, Filed } from './tables.ts';

export interface DebtsInit {
  readonly tables: ChatTables;
  readonly parts: Parts;
  readonly outbox: Outbox;
  readonly due: Due;
  readonly clock: Clock;
  readonly provider: Provider;
  readonly ownTag: OwnTag;
}

export class Debts {
  readonly #init: DebtsInit;

  constructor(init: DebtsInit) {
    this.#init = init;
  }

  /** Goes on where something is owed, unless something of it is under way to the contact: one batch at a time, over all chains. */
  resume(contact: ContactId): void {
    const { tables, outbox } = this.#init;
    const owing = tables.chains(contact).filter(({ row }) => row.owed.length > 0 || row.mark !== null);
    if (owing.some(({ row }) => row.mark !== null && outbox.has(contact, row.mark))) return;
    for (const chain of owing) if (this.#pump(chain)) return;
  }

  /** The last one of a batch is kept or refused: the next batch goes. */
  settled(contact: ContactId, key: Uint8Array, chainId: Uint8Array): void {
    const { tables } = this.#init;
    for (const mine of [true, false]) {
      const chain = tables.chain(contact, mine, chainId);
      if (chain?.row.mark == null || !equal(chain.row.mark, key)) continue;
      tables.saveChain({ ...chain, row: { ...chain.row, mark: null } });
      this.resume(contact);
    }
  }

  /** To be sent again (own chains) or echoed to its author, from the next {@link resume} on. Of a chain that we have. */
  owe(chain: Chain, span: Span): void {
    const { row } = chain;
    if (row.owed.some(({ from, to }) => from <= span.from && span.to <= to)) return;
    const owed = [...row.owed, span].slice(-MAX_ASKED_RANGES);
    this.#init.tables.saveChain({ ...chain, row: { ...row, owed } });
  }

  /** Sends the next batch of what is owed; whether there was anything. What cannot be sent now stays owed, for later. */
  #pump(chain: Chain): boolean {
    try {
      return this.#init.tables.database.transaction(() => this.#batch(chain));
    } catch (error) {
      // the outbox is full, or the contact not known any more; delivery must go on whatever is owed
      if (!(error instanceof KithError) || error instanceof StoreError) throw error;
      const { due, clock } = this.#init;
      if (error.code !== 'UNKNOWN_CONTACT') due.set('owed', chain.contact, clock.now() + LATER_MS);
      return true;
    }
  }

  #batch(chain: Chain): boolean {
    const { row, mine } = chain;
    let [owed, mark, room]: [readonly Span[], Uint8Array | null, number] = [row.owed, null, RESEND_BATCH];
    while (room > 0 && owed[0] !== undefined) {
      const { from, to } = owed[0];
      let number = from;
      for (; number <= to && room > 0; number++) {
        const gap = mine ? undefined : row.gaps.find((one) => one.range !== null && spans(one, number));
        const key = gap === undefined ? this.#send(chain, number) : null;
        if (gap !== undefined) number = gap.to;
        if (key === null) continue;
        mark = key;
        room -= 1;
      }
      owed = number <= to ? [{ from: number, to }, ...owed.slice(1)] : owed.slice(1);
    }
    this.#init.tables.saveChain({ ...chain, row: { ...row, owed, mark } });
    return mark !== null;
  }

  /** The key under which the message, or what stands for it, waits; null where there is nothing to send. */
  #send(chain: Chain, number: number): Uint8Array | null {
    const { tables, outbox } = this.#init;
    const { contact, mine, chain: id } = chain;
    const filed = tables.message({ contact, mine, chain: id, number, range: false });
    const held = filed !== null && filed.row.content.length > 0 ? filed : null;
    if (!mine) return held === null ? null : this.#sendEcho(held);
    const key = held?.row.id ?? standInKey(id, number, 'gone');
    if (outbox.has(contact, key)) return key;
    outbox.enqueue(contact, { key, content: held?.row.content ?? this.#gone(chain, number, filed) });
    if (held?.row.kind === 'attachment') this.#init.parts.send(held);
    return key;
  }

  #sendEcho(filed: Filed): Uint8Array {
    const { outbox, parts } = this.#init;
    const { contact, chain, number } = filed.place;
    const { readAt, content, kind } = filed.row;
    const key = standInKey(chain, number, 'echo');
    outbox.enqueue(contact, { key, content: encodeChatNotice({ kind: 'echo', read: readAt > 0, content }) });
    if (kind === 'attachment') parts.send(filed);
    return key;
  }

  /** What stands for a message of ours that is held no more. */
  #gone({ contact, chain }: Chain, number: number, filed: Filed | null): Uint8Array {
    const known = filed !== null && filed.row.kind !== 'gap';
    const id = known
      ? filed.row.id
      : this.#init.provider.sha256(chain, standInKey(chain, number, 'gone')).slice(0, MESSAGE_ID_BYTES);
    const [prev, hash] = known ? [filed.row.prev, filed.row.hash] : [NO_HASH, NO_HASH];
    const time = known ? filed.row.time : 0;
    const content = { kind: 'gone', id, chain, number, prev, time, lifetimeS: 0, hash } as const;
    return this.#init.ownTag.encode(contact, content);
  }
}
