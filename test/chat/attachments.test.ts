/** Attachments: in parts, in any order, and only whole. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ASK_PARTS_AFTER_MS, MAX_ORPHAN_PARTS } from '../../src/chat/limits.ts';
import { copyOf } from '../../src/safety/bytes.ts';
import { CONTENT_KIND } from '../../src/wire/content-kind.ts';
import { decodeChatNotice, encodeChatNotice } from '../../src/wire/chat-notice.ts';
import { ALICE, BOB, carry, pair, receive, settle } from './pair.ts';

const BYTES = new Uint8Array(50_000).map((_, i) => (i * 7) % 256);
const FILE = { name: 'photo.png', type: 'image/png', bytes: BYTES };

test('an attachment arrives whole, with caption and in any order', () => {
  const { alice, bob } = pair();
  const sent = alice.chat.send(BOB, { text: 'look', attachment: FILE });
  assert.deepEqual(sent.attachment, {
    name: 'photo.png',
    type: 'image/png',
    sizeBytes: 50_000,
    complete: true,
  });
  settle(alice, bob, { order: (items) => items.reverse() });
  const [got] = bob.history(ALICE);
  assert.equal(got?.text, 'look');
  assert.equal(got?.attachment?.complete, true);
  assert.deepEqual(bob.chat.attachment(sent.id), FILE);
  assert.deepEqual(alice.chat.attachment(sent.id), FILE);
  assert.equal(bob.chat.unread(ALICE), 1);
  assert.equal(bob.database.table('chat_orphan').count(), 0);
});

test('the smallest and the largest', () => {
  const { alice, bob } = pair();
  for (const size of [0, 1, 14_900, 14_901, 204_800]) {
    const bytes = new Uint8Array(size).fill(3);
    const { id } = alice.chat.send(BOB, { attachment: { ...FILE, bytes } });
    settle(alice, bob);
    assert.equal(bob.chat.attachment(id).bytes.length, size);
  }
});

test('parts that are lost are asked for', async () => {
  const { alice, bob, clock } = pair();
  const { id } = alice.chat.send(BOB, { attachment: FILE });
  const parts = alice.outbox.rows(BOB).filter(({ value }) => value[1] === CONTENT_KIND.part);
  for (const { name } of parts.slice(1)) alice.outbox.drop(name);
  settle(alice, bob);
  assert.throws(() => bob.chat.attachment(id), { code: 'ATTACHMENT_INCOMPLETE' });
  assert.match(bob.chat.why(id).hint, /on its way/);
  await clock.advance(ASK_PARTS_AFTER_MS + 1_000);
  bob.chat.expire(clock.now());
  settle(alice, bob);
  assert.deepEqual(bob.chat.attachment(id).bytes, BYTES);
});

test('one whose parts are not what was said is damaged, and stays so', () => {
  const { alice, bob } = pair();
  const { id } = alice.chat.send(BOB, { attachment: { ...FILE, bytes: BYTES.subarray(0, 100) } });
  for (const { name, value } of alice.outbox.rows(BOB)) {
    const content = copyOf(value, 1);
    if (content[0] === CONTENT_KIND.part) {
      const part = decodeChatNotice(content);
      assert.ok(part.kind === 'part');
      part.bytes[5] = 0xff;
      receive(bob, ALICE, encodeChatNotice(part));
      alice.outbox.drop(name);
    } else {
      receive(bob, ALICE, content);
    }
  }
  assert.throws(() => bob.chat.attachment(id), { code: 'ATTACHMENT_INCOMPLETE' });
  assert.match(bob.chat.why(id).hint, /not what it was said/);
  assert.equal(bob.database.table('chat_part').count(), 0);
});

test('parts of nothing are kept up to a bound', () => {
  const { bob } = pair();
  for (let i = 0; i < MAX_ORPHAN_PARTS + 5; i++) {
    const of = { by: 'sender', id: new Uint8Array(16).fill(i + 1) } as const;
    receive(bob, ALICE, encodeChatNotice({ kind: 'part', of, index: 0, bytes: new Uint8Array(10) }));
  }
  assert.equal(bob.database.table('chat_orphan').count(ALICE), MAX_ORPHAN_PARTS);
});

test('a deleted attachment leaves no parts on either side', () => {
  const { alice, bob } = pair();
  const { id } = alice.chat.send(BOB, { attachment: FILE });
  settle(alice, bob);
  alice.chat.delete(id);
  settle(alice, bob);
  for (const side of [alice, bob]) assert.equal(side.database.table('chat_part').count(), 0);
  const second = alice.chat.send(BOB, { attachment: FILE });
  alice.chat.delete(second.id);
  assert.equal(carry(alice, bob), 2, 'what stands for it, and the deletion');
});
