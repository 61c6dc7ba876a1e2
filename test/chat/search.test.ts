/** Search over sealed blocks. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLOCK_MESSAGES } from '../../src/chat/limits.ts';
import { encodeBlock, fold, hitsIn } from '../../src/chat/search-block.ts';
import { utf8 } from '../../src/safety/bytes.ts';
import { ALICE, BOB, pair, settle } from './pair.ts';

test('finds parts of words whatever the case, width and white space', () => {
  const { alice } = pair();
  for (const text of ['Hello World', 'STRASSE', 'ｆｕｌｌ  width', 'line\nbreak', 'É composed', 'nothing']) {
    alice.chat.send(BOB, { text });
  }
  const found = (query: string) => alice.chat.search(query).map(({ text }) => text);
  assert.deepEqual(found('lo wor'), ['Hello World']);
  assert.deepEqual(found('strasse'), ['STRASSE']);
  assert.deepEqual(found('full WIDTH'), ['ｆｕｌｌ  width']);
  assert.deepEqual(found('line break'), ['line\nbreak']);
  assert.deepEqual(found('e\u0301 comp'), ['É composed']);
  assert.deepEqual(found('o'), ['nothing', 'É composed', 'Hello World']);
  assert.deepEqual(found('absent'), []);
});

test('finds what is in full blocks and in the last one, pages, and keeps to one conversation', () => {
  const { alice, bob } = pair();
  alice.database.transaction(() => {
    for (let i = 0; i < 3 * BLOCK_MESSAGES + 20; i++) {
      alice.chat.send(i % 2 === 0 ? BOB : ALICE, { text: `needle ${i}` });
    }
  });
  assert.equal(alice.database.table('search').count(), 3, 'full blocks are made as they fill');
  const walk = (contact?: Uint8Array): string[] => {
    const texts: string[] = [];
    for (let before: number | undefined; ; ) {
      const page = alice.chat.search('needle', { limit: 200, before, contact });
      texts.push(...page.map(({ text }) => text));
      const last = page.at(-1);
      if (last === undefined) return texts;
      before = last.seq;
    }
  };
  const all = Array.from({ length: 3 * BLOCK_MESSAGES + 20 }, (_, i) => `needle ${i}`).toReversed();
  assert.deepEqual(walk(), all);
  assert.deepEqual(
    walk(BOB),
    all.filter((_, i) => i % 2 === 1),
  );
  assert.deepEqual(bob.chat.search('needle'), []);
  // a cache that was lost is made again
  for (const { name } of alice.database.table('search').page({ limit: 10 }))
    alice.database.table('search').delete(name);
  assert.deepEqual(walk(), all);
  assert.equal(alice.database.table('search').count(), 3);
});

test('what was edited, deleted or has disappeared is found no more', async () => {
  const { alice, bob, clock } = pair();
  alice.chat.setTimer(BOB, 5);
  const gone = alice.chat.send(BOB, { text: 'secret one' });
  alice.chat.setTimer(BOB, 0);
  const edited = alice.chat.send(BOB, { text: 'secret two' });
  const deleted = alice.chat.send(BOB, { text: 'secret three' });
  alice.database.transaction(() => {
    for (let i = 0; i < BLOCK_MESSAGES; i++) alice.chat.send(ALICE, { text: 'filling' });
  });
  settle(alice, bob);
  assert.equal(alice.chat.search('secret').length, 3);
  alice.chat.edit(edited.id, 'public');
  alice.chat.delete(deleted.id);
  await clock.advance(10_000);
  alice.chat.expire(clock.now());
  assert.equal(alice.chat.get(gone.id), null);
  assert.deepEqual(alice.chat.search('secret'), []);
  assert.deepEqual(
    alice.chat.search('public').map(({ id }) => id),
    [edited.id],
  );
  settle(alice, bob);
  assert.deepEqual(bob.chat.search('three'), []);
});

test('captions and names of attachments are found', () => {
  const { alice } = pair();
  alice.chat.send(BOB, {
    text: 'at the sea',
    attachment: { name: 'Beach.png', type: 'image/png', bytes: new Uint8Array(9) },
  });
  assert.equal(alice.chat.search('beach').length, 1);
  assert.equal(alice.chat.search('SEA').length, 1);
});

test('a block that is none is made anew', () => {
  const entries = [
    { seq: 257, contact: ALICE, text: 'One' },
    { seq: 259, contact: BOB, text: 'two one' },
  ];
  const block = encodeBlock(entries);
  assert.deepEqual(hitsIn(block, 1, utf8('one'), null), [259, 257]);
  assert.deepEqual(hitsIn(block, 1, utf8('one'), BOB), [259]);
  assert.equal(hitsIn(block.subarray(0, 30), 1, utf8('one'), null), null);
  assert.equal(hitsIn(Uint8Array.of(9, 0, 0, 0, 0), 1, utf8('one'), null), null);
  assert.equal(fold(' A\t b '), 'a b');
});

test('blocks that a restore does not bring are made ahead, a few at a time, until none is missing', () => {
  const { alice } = pair();
  const blocks = 10;
  alice.database.transaction(() => {
    for (let i = 0; i < blocks * BLOCK_MESSAGES + 1; i++) alice.chat.send(ALICE, { text: `line ${i}` });
  });
  const table = alice.database.table('search');
  for (const { name } of table.page({ limit: 100 })) table.delete(name);
  assert.equal(alice.chat.isSearchUnprepared, true);
  const counts: number[] = [];
  while (alice.chat.isSearchUnprepared) {
    alice.chat.prepareSearch();
    counts.push(table.count());
  }
  assert.equal(counts.at(-1), blocks);
  assert.ok(counts.length > 1 && (counts[0] as number) < blocks, 'in several goes');
  assert.equal(alice.chat.search('line 3').length > 0, true);
});
