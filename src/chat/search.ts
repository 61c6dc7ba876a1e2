/**
 * Finds messages by a part of their text. The blocks (search-block.ts) are a cache of the histories: made when they are
 * full, dropped when a message in them changes, made again by the next search. They are no part of a backup.
 */

import type { ContactId } from '../delivery/face.ts';
import { utf8 } from '../safety/bytes.ts';
import { FieldWriter } from '../wire/fields.ts';
import { ChatError } from './errors.ts';
import { BLOCK_MESSAGES, MAX_QUERY_CHARS } from './limits.ts';
import { type BlockEntry, blockOf, blockStart, encodeBlock, fold, hitsIn } from './search-block.ts';
import type { ChatTables, Filed } from './tables.ts';
import { contentOf, textOf } from './view.ts';

/** Blocks that are written at once when a search had to make them: about 1 MB. */
const WRITE_BLOCKS = 32;
/** Blocks that are made ahead in one go: some 15 ms each, in which a daemon does nothing else. */
const PREPARE_BLOCKS = 4;

interface Made {
  readonly block: number;
  readonly bytes: Uint8Array;
}

export class Search {
  readonly #tables: ChatTables;
  /** Blocks below this one were not looked at by {@link prepare} in this run. */
  #unseen: number | null = null;

  constructor(tables: ChatTables) {
    this.#tables = tables;
  }

  /** Whether blocks may be missing, as they all are after a restore. */
  get isUnprepared(): boolean {
    return this.#unseen !== 0;
  }

  /** Makes a few of the full blocks that are missing, newest first, so that no search has to make them all. */
  prepare(): void {
    this.#unseen ??= blockOf(Math.max(1, this.#tables.lastSeq()));
    const made: Made[] = [];
    while (this.#unseen > 0 && made.length < PREPARE_BLOCKS) {
      const block = --this.#unseen;
      if (!this.#tables.search.has(blockName(block))) made.push({ block, bytes: this.#make(block) });
    }
    this.#keep(made);
  }

  /** The text at this place is not what it was. */
  changed(seq: number): void {
    this.#tables.search.delete(blockName(blockOf(seq)));
  }

  /** As {@link changed} for a walk in order: `last` is what the step before returned, 0 at first. */
  changedOnce(seq: number, last: number): number {
    const block = blockOf(seq) + 1;
    if (block !== last) this.changed(seq);
    return block;
  }

  /** A place was added: the block before it may be full with it. */
  added(seq: number, lastSeqBefore: number): void {
    const block = blockOf(seq) - 1;
    if (block < 0 || block !== blockOf(Math.max(1, lastSeqBefore))) return;
    this.#tables.search.put({ name: blockName(block), value: this.#make(block) });
  }

  /** Newest first, at most `limit`. Throws ChatError QUERY_WRONG. */
  find(query: string, o: { contact: ContactId | null; before: number | null; limit: number }): Filed[] {
    const folded = fold(query);
    if (folded === '' || query.length > MAX_QUERY_CHARS) {
      throw new ChatError('QUERY_WRONG', 'this cannot be searched for', {
        hint: `Give a word or a part of one, at most ${MAX_QUERY_CHARS} characters.`,
        data: { chars: query.length, maxChars: MAX_QUERY_CHARS },
      });
    }
    const needle = utf8(folded);
    const end = Math.min(o.before ?? Number.MAX_SAFE_INTEGER, this.#tables.lastSeq() + 1);
    const found: Filed[] = [];
    const made: Made[] = [];
    for (let block = blockOf(end - 1); block >= 0 && found.length < o.limit; block--) {
      const seqs = this.#hits(block, needle, o.contact, made);
      for (const seq of seqs) {
        if (seq >= end || found.length === o.limit) continue;
        const message = this.#tables.messageAt(seq);
        if (message !== null) found.push(message);
      }
      if (made.length >= WRITE_BLOCKS) this.#keep(made.splice(0));
    }
    this.#keep(made);
    return found;
  }

  #hits(block: number, needle: Uint8Array, contact: ContactId | null, made: Made[]): number[] {
    const saved = this.#tables.search.get(blockName(block));
    const hits = saved === null ? null : hitsIn(saved.value, block, needle, contact);
    if (hits !== null) return hits;
    const bytes = this.#make(block);
    // the newest block is not full yet
    if (block < blockOf(this.#tables.lastSeq())) made.push({ block, bytes });
    return hitsIn(bytes, block, needle, contact) ?? [];
  }

  #make(block: number): Uint8Array {
    const [after, before] = [blockStart(block), blockStart(block + 1) + 1];
    const entries = this.#tables.page(null, { after, before, limit: BLOCK_MESSAGES }).flatMap(entryOf);
    return encodeBlock(entries);
  }

  #keep(made: readonly Made[]): void {
    if (made.length === 0) return;
    try {
      this.#tables.database.transaction(() => {
        for (const { block, bytes } of made)
          this.#tables.search.put({ name: blockName(block), value: bytes });
      });
    } catch {
      // a cache that cannot be written (a full disk) is no reason to find nothing
    }
  }
}

function blockName(block: number): Uint8Array {
  return new FieldWriter().u48(block).done();
}

function entryOf({ place, seq, row }: Filed): BlockEntry[] {
  if (row.flags.has('hidden') || row.flags.has('deleted')) return [];
  const content = contentOf(row);
  if (content?.kind !== 'text' && content?.kind !== 'attachment') return [];
  const name = content.kind === 'attachment' ? `${content.name} ` : '';
  return [{ seq, contact: place.contact, text: name + textOf(row, content) }];
}
