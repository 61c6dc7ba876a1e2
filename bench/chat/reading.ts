/**
 * What a person waits for in a long history: the newest page of a conversation, and a search.
 *
 * Each measurement has its database opened anew (SQLite's cache is empty, what was remembered of rows is gone; the
 * operating system has the file in its cache), as on the first call after `kith up`. The value ends with what goes to
 * the face: the views as JSON.
 */

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageView } from '../../src/node/people-views.ts';
import type { Message } from '../../src/chat/message.ts';
import { compared, median, type Pair, reported, type Row } from '../row.ts';
import { Party } from './party.ts';
import type { Stores } from './stores.ts';
import { ABSENT_WORD, MESSAGES, RARE_WORD, textOf } from './texts.ts';

const PAIRS = 11;
const PAGE = 50;
const OPEN_GOAL_MS = 50;
const SEARCH_GOAL_MS = 200;
/** Searches with nothing prepared: seconds each. */
const BARE_SEARCHES = 3;

/** The newest page: in a long history, beside one that has no more than that page. */
export async function historyRows({ full, few, friend }: Stores): Promise<readonly Row[]> {
  const [openFull, openFew] = [await Party.opener(full), await Party.opener(few)];
  const pages: Pair[] = [];
  const starts: Pair[] = [];
  for (let i = 0; i < PAIRS; i++) {
    const baseline = await firstPage(openFew);
    const value = await firstPage(openFull);
    pages.push({ value: value.pageMs, baseline: baseline.pageMs });
    starts.push({ value: value.wholeMs, baseline: baseline.wholeMs });
  }
  const goal = `≤ ${OPEN_GOAL_MS} ms`;
  const holds = (_ratio: number, pairs: readonly Pair[]) => within(pairs, OPEN_GOAL_MS);
  return [
    compared('chat', 'history-open-100k', 'ms', pages, { goal, holds }),
    // with the store opened first, as a start of the node does
    compared('chat', 'history-open-100k/with-store', 'ms', starts, null),
  ];

  async function firstPage(open: () => Promise<Party>): Promise<{ pageMs: number; wholeMs: number }> {
    const startedAt = performance.now();
    const party = await open();
    const openedAt = performance.now();
    const messages = party.book.chat.history(friend, { limit: PAGE });
    show(messages);
    const endedAt = performance.now();
    party.close();
    if (messages.length !== PAGE) throw new Error('the page is not full');
    return { pageMs: endedAt - openedAt, wholeMs: endedAt - startedAt };
  }
}

/** A word that stands in one of the oldest messages, and one that stands in none; beside LIKE on readable texts. */
export async function searchRows({ full }: Stores, dir: string): Promise<readonly Row[]> {
  const plain = join(dir, 'plain.db');
  writePlain(plain);
  const open = await Party.opener(full);
  const bare = await bareSearches(open);
  const [found, absent]: [Pair[], Pair[]] = [[], []];
  for (let i = 0; i < PAIRS; i++) {
    for (const [pairs, word, hits] of [[found, RARE_WORD, 1] as const, [absent, ABSENT_WORD, 0] as const]) {
      const baseline = scanPlain(plain, word, hits);
      const party = await open();
      const startedAt = performance.now();
      const messages = party.book.chat.search(word);
      show(messages);
      pairs.push({ value: performance.now() - startedAt, baseline });
      party.close();
      if (messages.length !== hits) throw new Error('the search is wrong');
    }
  }
  const goal = `≤ ${SEARCH_GOAL_MS} ms`;
  const holds = (_ratio: number, pairs: readonly Pair[]) => within(pairs, SEARCH_GOAL_MS);
  return [
    compared('chat', 'search-100k', 'ms', found, { goal, holds }),
    compared('chat', 'search-100k/none', 'ms', absent, { goal, holds }),
    reported('chat', 'search-100k/after-restore', 'ms', bare),
  ];
}

/** The first search after a restore, which has no search blocks yet and makes them. */
async function bareSearches(open: () => Promise<Party>): Promise<number[]> {
  const tookMs: number[] = [];
  for (let i = 0; i < BARE_SEARCHES; i++) {
    const party = await open();
    dropBlocks(party);
    const startedAt = performance.now();
    party.book.chat.search(RARE_WORD);
    tookMs.push(performance.now() - startedAt);
    party.close();
  }
  return tookMs;
}

function dropBlocks({ database }: Party): void {
  const blocks = database.table('search');
  database.transaction(() => {
    for (const { name } of blocks.page({ limit: 1000 })) blocks.delete(name);
  });
}

function within(pairs: readonly Pair[], goalMs: number): boolean {
  return median(pairs.map(({ value }) => value)) <= goalMs;
}

function show(messages: readonly Message[]): string {
  return JSON.stringify(messages.map(messageView));
}

function writePlain(path: string): void {
  const sqlite = new DatabaseSync(path);
  sqlite.exec('PRAGMA journal_mode = WAL; CREATE TABLE message (seq INTEGER PRIMARY KEY, text TEXT); BEGIN');
  const insert = sqlite.prepare('INSERT INTO message (text) VALUES (?)');
  for (let i = 0; i < MESSAGES; i++) insert.run(textOf(i));
  sqlite.exec('COMMIT');
  sqlite.close();
}

function scanPlain(path: string, word: string, hits: number): number {
  const sqlite = new DatabaseSync(path);
  const startedAt = performance.now();
  const rows = sqlite.prepare('SELECT seq FROM message WHERE text LIKE ? ORDER BY seq DESC').all(`%${word}%`);
  const tookMs = performance.now() - startedAt;
  sqlite.close();
  if (rows.length !== hits) throw new Error('the scan is wrong');
  return tookMs;
}
