/**
 * The bytes of attachments: parts in the table `chat_part`, and those that came before their message in `chat_orphan`,
 * of which the oldest give way. What is lost there is asked for again with the message. An attachment is complete when
 * all parts are here and have the digest that the message names.
 */

import type { ContactId } from '../delivery/face.ts';
import { concat, copyOf, equal } from '../safety/bytes.ts';
import type { Provider } from '../safety/crypto/provider.ts';
import type { SealedTable } from '../store/sealed-table.ts';
import { type AttachmentBody, PART_BYTES, partsOf } from '../wire/chat-content.ts';
import { encodeChatNotice } from '../wire/chat-notice.ts';
import type { Book } from './book.ts';
import { MAX_ORPHAN_PARTS } from './limits.ts';
import { flagged, type MessageRow } from './message-row.ts';
import type { Outbox } from './outbox.ts';
import { aliasOf, partKey, type Place } from './place.ts';
import type { ChatTables, Filed } from './tables.ts';
import { contentOf, isComplete } from './view.ts';

export class Parts {
  readonly #tables: ChatTables;
  readonly #book: Book;
  readonly #outbox: Outbox;
  readonly #provider: Provider;

  constructor(tables: ChatTables, book: Book, outbox: Outbox, provider: Provider) {
    this.#tables = tables;
    this.#book = book;
    this.#outbox = outbox;
    this.#provider = provider;
  }

  /** Keeps all bytes of an attachment at once; the bits for its row. */
  keep({ contact, mine }: Place, id: Uint8Array, bytes: Uint8Array): number {
    for (let index = 0; index < partsOf(bytes.length); index++) {
      this.#put(
        this.#tables.part,
        contact,
        mine,
        id,
        index,
        copyOf(bytes, index * PART_BYTES, (index + 1) * PART_BYTES),
      );
    }
    return allParts(bytes.length);
  }

  /** A part has come. One of a message that wants no more of it is dropped. */
  arrived(contact: ContactId, mine: boolean, id: Uint8Array, index: number, bytes: Uint8Array): void {
    const filed = this.#tables.messageById(contact, mine, id);
    if (filed !== null) this.#fit(filed, index, bytes);
    else this.#keepOrphan(contact, mine, id, index, bytes);
  }

  /** Takes in the parts that came before their message. */
  adopt(filed: Filed): Filed {
    const { contact, mine } = filed.place;
    let now = filed;
    if (this.#tables.orphan.count(contact) === 0) return this.#verify(filed);
    for (let index = 0; index < partsOf(attachmentOf(filed.row)?.sizeBytes ?? 0); index++) {
      const name = partName(contact, mine, filed.row.id, index);
      const orphan = this.#tables.orphan.get(name);
      if (orphan === null) continue;
      this.#tables.orphan.delete(name);
      now = this.#fit(now, index, orphan.value);
    }
    return this.#verify(now);
  }

  /** Null where it is not complete. */
  read({ place, row }: Filed): { name: string; type: string; bytes: Uint8Array } | null {
    const body = attachmentOf(row);
    if (body === null || !isComplete(row, body.sizeBytes)) return null;
    return { name: body.name, type: body.type, bytes: concat(...this.#all(place, row.id, body.sizeBytes)) };
  }

  /** Enqueues what is here of it. */
  send({ place, row }: Filed): void {
    const sizeBytes = attachmentOf(row)?.sizeBytes ?? 0;
    for (const [index, bytes] of this.#all(place, row.id, sizeBytes).entries()) {
      const of = { by: place.mine ? 'sender' : 'receiver', id: row.id } as const;
      if (bytes.length === 0) continue;
      const content = encodeChatNotice({ kind: 'part', of, index, bytes });
      this.#outbox.enqueue(place.contact, { key: partKey(row.id, index, place.mine), content });
    }
  }

  remove({ place, row }: Filed): void {
    for (let index = 0; index < partsOf(attachmentOf(row)?.sizeBytes ?? 0); index++) {
      this.#tables.part.delete(partName(place.contact, place.mine, row.id, index));
      if (place.mine) this.#outbox.withdraw(place.contact, partKey(row.id, index, true));
    }
  }

  #fit(filed: Filed, index: number, bytes: Uint8Array): Filed {
    const { place, row } = filed;
    const sizeBytes = attachmentOf(row)?.sizeBytes ?? 0;
    const wanted = Math.min(PART_BYTES, sizeBytes - index * PART_BYTES);
    if (bytes.length !== wanted || (row.parts & (1 << index)) !== 0 || row.flags.has('damaged')) return filed;
    this.#put(this.#tables.part, place.contact, place.mine, row.id, index, bytes);
    return this.#verify(this.#book.change(filed, { ...row, parts: row.parts | (1 << index) }));
  }

  /** Once all parts are here, whether they are what the message says. */
  #verify(filed: Filed): Filed {
    const { place, row } = filed;
    const body = attachmentOf(row);
    if (body === null || !isComplete(row, body.sizeBytes)) return filed;
    const digest = this.#provider.sha256(...this.#all(place, row.id, body.sizeBytes));
    if (equal(digest, body.digest)) return filed;
    this.remove(filed);
    return this.#book.change(filed, { ...flagged(row, 'damaged'), parts: 0 });
  }

  #all({ contact, mine }: Place, id: Uint8Array, sizeBytes: number): Uint8Array[] {
    return Array.from(
      { length: partsOf(sizeBytes) },
      (_, index) => this.#tables.part.get(partName(contact, mine, id, index))?.value ?? new Uint8Array(0),
    );
  }

  #keepOrphan(contact: ContactId, mine: boolean, id: Uint8Array, index: number, bytes: Uint8Array): void {
    const { orphan } = this.#tables;
    if (orphan.count(contact) >= MAX_ORPHAN_PARTS) {
      const [oldest] = orphan.page({ scope: contact, after: 0, limit: 1 });
      if (oldest !== undefined) orphan.delete(oldest.name);
    }
    this.#put(orphan, contact, mine, id, index, bytes);
  }

  #put(
    table: SealedTable,
    contact: ContactId,
    mine: boolean,
    id: Uint8Array,
    index: number,
    value: Uint8Array,
  ): void {
    table.put({ name: partName(contact, mine, id, index), scope: contact, value });
  }
}

/** Null for what is no attachment, or is held no more. */
export function attachmentOf(row: MessageRow): AttachmentBody | null {
  const content = row.kind === 'attachment' ? contentOf(row) : null;
  return content?.kind === 'attachment' ? content : null;
}

/** Bits of all parts. */
export function allParts(sizeBytes: number): number {
  return 2 ** partsOf(sizeBytes) - 1;
}

function partName(contact: ContactId, mine: boolean, id: Uint8Array, index: number): Uint8Array {
  return concat(aliasOf(contact, mine, id), Uint8Array.of(index));
}
