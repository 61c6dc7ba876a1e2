/**
 * What is to be sent again: messages of our chains that the other side lacks, and echoes of theirs that they lost. It
 * goes in batches, the next when the last one is kept, so that the outbox never holds a whole history. What is owed
 * stands in the rows of the chains.
 */

import type { ContactId } from '../delivery/face.ts';
import { equal, toHex } from '../safety/bytes.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import { KithError } from '../safety/errors.ts';
import { StoreError } from '../store/errors.ts';
import { encodeChatContent, MESSAGE_ID_BYTES } from '../wire/chat-content.ts';
import { encodeChatNotice } from '../wire/chat-notice.ts';
import type { Span } from './chain-row.ts';
import { MAX_ASKED_RANGES, RESEND_BATCH } from './limits.ts';
import { NO_HASH } from './message-row.ts';
import type { Outbox } from './outbox.ts';
import type { Parts } from './parts.ts';
import { standInKey } from './place.ts';
import type { Chain, ChatTables, Filed } from './tables.ts';

export interface DebtsInit {
  readonly tables: ChatTables;
  readonly parts: Parts;
  readonly outbox: Outbox;
  readonly provider: Provider;
}

export class Debts {
  readonly #init: DebtsInit;

  constructor(init: DebtsInit) {
    this.#init = init;
  }

  /** Goes on where something is owed and nothing is under way. */
  resume(contact: ContactId): void {
    for (const chain of this.#init.tables.chains(contact)) if (chain.row.owed.length > 0) this.#pump(chain);
  }

  /** The last one of a batch is kept or refused: the next batch goes. */
  settled(contact: ContactId, key: Uint8Array, chainId: Uint8Array): void {
    for (const mine of [true, false]) {
      const chain = this.#init.tables.chain(contact, mine, chainId);
      if (chain?.row.mark != null && equal(chain.row.mark, key)) {
        this.#pump({ ...chain, row: { ...chain.row, mark: null } });
      }
    }
  }

  /** To be sent again (own chains) or echoed to its author; begins at once. */
  owe(chain: Chain, span: Span): void {
    const { row } = chain;
    const owed = row.owed.some(({ from, to }) => from <= span.from && span.to <= to)
      ? row.owed
      : [...row.owed, span].slice(-MAX_ASKED_RANGES);
    this.#pump({ ...chain, row: { ...row, owed } });
  }

  /** Sends the next batch of what is owed, unless one is under way. What cannot be sent now stays owed until `meet`. */
  #pump(chain: Chain): void {
    const { tables } = this.#init;
    try {
      tables.database.transaction(() => this.#batch(chain));
    } catch (error) {
      // the outbox is full, or the contact not known any more; delivery must go on whatever is owed
      if (!(error instanceof KithError) || error instanceof StoreError) throw error;
      if (this.#isKept(chain)) tables.saveChain(chain);
    }
  }

  #batch(chain: Chain): void {
    const { tables, outbox } = this.#init;
    const under = new Set(outbox.outbox(chain.contact).map(({ key }) => toHex(key)));
    let { mark } = chain.row;
    if (mark !== null && !under.has(toHex(mark))) mark = null;
    let { owed } = chain.row;
    while (mark === null && owed.length > 0) {
      const [{ from, to }, ...others] = owed as [Span, ...Span[]];
      const end = Math.min(to, from + RESEND_BATCH - 1);
      for (let number = from; number <= end; number++) mark = this.#send(chain, number, under) ?? mark;
      owed = end < to ? [{ from: end + 1, to }, ...others] : others;
    }
    // a chain that we do not know is only answered: nothing is kept of it
    if (this.#isKept(chain)) tables.saveChain({ ...chain, row: { ...chain.row, owed, mark } });
  }

  #isKept({ contact, mine, chain }: Chain): boolean {
    return this.#init.tables.chain(contact, mine, chain) !== null;
  }

  /** The key under which the message, or what stands for it, waits; null where there is nothing to send. */
  #send(chain: Chain, number: number, under: ReadonlySet<string>): Uint8Array | null {
    const { tables, outbox } = this.#init;
    const { contact, mine, chain: id } = chain;
    const filed = tables.message({ contact, mine, chain: id, number, range: false });
    const held = filed !== null && filed.row.content.length > 0 ? filed : null;
    if (!mine) return held === null ? null : this.#sendEcho(held);
    const key = held?.row.id ?? standInKey(id, number, 'gone');
    if (under.has(toHex(key))) return key;
    outbox.enqueue(contact, { key, content: held?.row.content ?? this.#gone(id, number, filed) });
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
  #gone(chain: Uint8Array, number: number, filed: Filed | null): Uint8Array {
    const known = filed !== null && filed.row.kind !== 'gap';
    const id = known
      ? filed.row.id
      : this.#init.provider.sha256(chain, standInKey(chain, number, 'gone')).slice(0, MESSAGE_ID_BYTES);
    const [prev, hash] = known ? [filed.row.prev, filed.row.hash] : [NO_HASH, NO_HASH];
    const time = known ? filed.row.time : 0;
    return encodeChatContent({ kind: 'gone', id, chain, number, prev, time, lifetimeS: 0, hash });
  }
}
