import assert from 'node:assert/strict';
import { createHmac, hkdfSync } from 'node:crypto';
import { test } from 'node:test';
import { CountTags } from '../../src/delivery/count-tag.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';

const SEED = new Uint8Array(32).fill(7);
const contact = new Uint8Array(48).fill(1);

test('the tag is the one of docs/wire.md', () => {
  const secret = new Uint8Array(hkdfSync('sha256', SEED, new Uint8Array(0), 'kith/1/delivery/count', 32));
  const mac = createHmac('sha256', secret)
    .update(contact)
    .update(Buffer.from('000000000102', 'hex'))
    .digest();
  const tags = new CountTags(nodeProvider, SEED);
  assert.deepEqual(Buffer.from(tags.of(contact, 258)), mac.subarray(0, 16));
});

test('only the tag of this contact and this count, made under this identity, is ours', () => {
  const tags = new CountTags(nodeProvider, SEED);
  const tag = tags.of(contact, 5);
  assert.equal(
    new CountTags(nodeProvider, Uint8Array.from(SEED)).isOurs(contact, 5, tag),
    true,
    'another copy',
  );
  assert.equal(
    new CountTags(nodeProvider, new Uint8Array(32)).isOurs(contact, 5, tag),
    false,
    'another identity',
  );
  assert.equal(tags.isOurs(contact, 6, tag), false, 'another count');
  assert.equal(tags.isOurs(new Uint8Array(48), 5, tag), false, 'another contact');
  for (const wrong of [new Uint8Array(16), tag.subarray(1), new Uint8Array(0)])
    assert.equal(tags.isOurs(contact, 5, wrong), false);
});
