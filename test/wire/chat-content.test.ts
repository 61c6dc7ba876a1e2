/** Sizes and limits of messages and notices; that what is read is written the same is tested by the fuzz targets. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { toHex } from '../../src/safety/bytes.ts';
import { contentCapacity } from '../../src/kem/index.ts';
import {
  type ChatContent,
  decodeChatContent,
  encodeChatContent,
  linkHash,
  MAX_ATTACHMENT_BYTES,
  MAX_TEXT_BYTES,
  PART_BYTES,
  partsOf,
  tagOf,
  withoutTag,
} from '../../src/wire/chat-content.ts';
import {
  decodeChatNotice,
  encodeChatNotice,
  MAX_ECHO_BYTES,
  MAX_TOLD_CHAINS,
} from '../../src/wire/chat-notice.ts';

/** What delivery adds to a content: docs/wire.md. */
const DELIVERY_BYTES = 21;
const CAPACITY = contentCapacity(16_256) - DELIVERY_BYTES;

const HEAD = {
  id: new Uint8Array(16).fill(1),
  chain: new Uint8Array(8).fill(2),
  number: 0x0102030405,
  prev: new Uint8Array(32).fill(3),
  time: 0x0a0b0c0d0e0f,
  lifetimeS: 60,
  tag: new Uint8Array(16).fill(4),
};

test('a text looks as the page says', () => {
  const bytes = encodeChatContent({ ...HEAD, kind: 'text', reply: null, text: 'hi' });
  const head = `01${'01'.repeat(16)}${'02'.repeat(8)}000102030405${'03'.repeat(32)}0a0b0c0d0e0f0000003c${'04'.repeat(16)}`;
  assert.equal(toHex(bytes), `${head}0000026869`);
  assert.equal(
    toHex(linkHash(nodeProvider, bytes)),
    toHex(nodeProvider.sha256(Buffer.from('kith/1/chat/link'), bytes)),
  );
});

test('a tag is made over everything else', () => {
  const content = { ...HEAD, kind: 'text', reply: null, text: 'hi' } as const;
  const bytes = encodeChatContent(content);
  assert.deepEqual(tagOf(bytes), HEAD.tag);
  const zeros = new Uint8Array(16);
  assert.deepEqual(withoutTag(bytes), encodeChatContent({ ...content, tag: zeros }));
});

test('the largest of each fit into one ratchet message, and messages into an echo', () => {
  const target = { by: 'sender', id: HEAD.id } as const;
  const text = 'x'.repeat(MAX_TEXT_BYTES);
  const messages: ChatContent[] = [
    { ...HEAD, kind: 'text', reply: target, text },
    { ...HEAD, kind: 'edit', target: HEAD.id, text },
    {
      ...HEAD,
      kind: 'attachment',
      reply: target,
      name: 'n'.repeat(255),
      type: 't'.repeat(127),
      sizeBytes: MAX_ATTACHMENT_BYTES,
      digest: HEAD.prev,
      caption: text,
    },
  ];
  for (const message of messages) {
    const content = encodeChatContent(message);
    assert.ok(content.length <= MAX_ECHO_BYTES);
    assert.ok(encodeChatNotice({ kind: 'echo', read: true, content }).length <= CAPACITY);
  }
  const part = encodeChatNotice({ kind: 'part', of: target, index: 13, bytes: new Uint8Array(PART_BYTES) });
  assert.ok(part.length <= CAPACITY, `${part.length}`);
  const marks = Array.from({ length: MAX_TOLD_CHAINS }, () => ({ chain: HEAD.chain, next: 1 }));
  assert.ok(encodeChatNotice({ kind: 'restored', have: marks, know: marks }).length <= CAPACITY);
  assert.equal(partsOf(MAX_ATTACHMENT_BYTES), 14);
});

test('what is beyond the limits has no encoding', () => {
  const text = 'x'.repeat(MAX_TEXT_BYTES + 1);
  assert.throws(() => encodeChatContent({ ...HEAD, kind: 'text', reply: null, text }), RangeError);
  assert.throws(
    () => encodeChatContent({ ...HEAD, kind: 'text', reply: null, text: 'x', number: 2 ** 48 }),
    RangeError,
  );
  const of = { by: 'sender', id: HEAD.id } as const;
  assert.throws(() => encodeChatNotice({ kind: 'part', of, index: 14, bytes: HEAD.id }), RangeError);
  assert.throws(() => encodeChatNotice({ kind: 'receipt', ids: [] }), RangeError);
  assert.throws(() => encodeChatNotice({ kind: 'resend', chain: HEAD.chain, from: 2, to: 1 }), RangeError);
});

test('cut off, longer, and unknown kinds are refused', () => {
  const bytes = encodeChatContent({ ...HEAD, kind: 'timer', seconds: 5 });
  assert.throws(() => decodeChatContent(bytes.subarray(0, -1)), { code: 'MALFORMED' });
  assert.throws(() => decodeChatContent(new Uint8Array([...bytes, 0])), { code: 'MALFORMED' });
  assert.throws(() => decodeChatContent(Uint8Array.of(0x20)), { code: 'MALFORMED' });
  assert.throws(() => decodeChatNotice(bytes), { code: 'MALFORMED' });
  assert.throws(() => decodeChatNotice(Uint8Array.of()), { code: 'MALFORMED' });
});
