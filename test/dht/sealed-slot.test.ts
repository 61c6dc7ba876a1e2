import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeSlotReference,
  encodeSlotReference,
  openSlot,
  SEALED_SLOT_MAX_BYTES,
  sealSlot,
} from '../../src/dht/sealed-slot.ts';
import { checkSlot } from '../../src/dht/slot-rules.ts';
import { utf8 } from '../../src/safety/bytes.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { decodeSlot, slotKey } from '../../src/wire/slot.ts';

const EXPIRY = 1_800_000_000;
const nowMs = (EXPIRY - 60) * 1000;

test('what was sealed is opened by the reference, whatever its length', () => {
  for (const size of [0, 1, 493, 494, 495, SEALED_SLOT_MAX_BYTES]) {
    const content = new Uint8Array(size).fill(7);
    const { bytes, reference } = sealSlot(content, { expiry: EXPIRY });
    const slot = checkSlot(bytes, { key: slotKey(reference.pk), nowMs, provider: nodeProvider });
    assert.deepEqual(openSlot(slot, reference, nobleProvider), content);
    assert.equal(slot.ciphertext.length, size <= 494 ? 512 : 4096);
  }
});

test('content that does not fit is refused', () => {
  const content = new Uint8Array(SEALED_SLOT_MAX_BYTES + 1);
  assert.throws(() => sealSlot(content, { expiry: EXPIRY }), { code: 'TOO_LONG' });
});

test('nothing of the content shows, and two slots of one content have nothing in common', () => {
  const content = utf8('the same words in both of them');
  const [a, b] = [sealSlot(content, { expiry: EXPIRY }), sealSlot(content, { expiry: EXPIRY })];
  assert.ok(!Buffer.from(a.bytes).includes(content));
  assert.notDeepEqual(a.reference, b.reference);
  assert.notDeepEqual(decodeSlot(a.bytes).ciphertext, decodeSlot(b.bytes).ciphertext);
});

test('another key opens nothing', () => {
  const [a, b] = [sealSlot(utf8('a'), { expiry: EXPIRY }), sealSlot(utf8('b'), { expiry: EXPIRY })];
  assert.throws(() => openSlot(decodeSlot(a.bytes), { ...a.reference, key: b.reference.key }), {
    code: 'CRYPTO_REFUSED',
  });
  assert.throws(() => openSlot(decodeSlot(a.bytes), { ...a.reference, pk: b.reference.pk }), {
    code: 'CRYPTO_REFUSED',
  });
});

test('padding that is not zeros, or a length beyond it, is malformed', () => {
  const { reference } = sealSlot(utf8('x'), { expiry: EXPIRY });
  const sealed = (plaintext: Uint8Array) => ({
    ciphertext: nodeProvider.chaCha20Poly1305.seal(
      reference.key,
      new Uint8Array(12),
      reference.pk,
      plaintext,
    ),
  });
  const padded = new Uint8Array(496);
  padded[495] = 1;
  assert.throws(() => openSlot(sealed(padded), reference), { code: 'MALFORMED' });
  assert.throws(() => openSlot(sealed(new Uint8Array(496).fill(255)), reference), { code: 'MALFORMED' });
});

test('a reference has one spelling', () => {
  const { reference } = sealSlot(utf8('x'), { expiry: EXPIRY });
  const text = encodeSlotReference(reference);
  assert.deepEqual(decodeSlotReference(text), reference);
  const last = text.at(-1) as string;
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const sibling = alphabet[alphabet.indexOf(last) ^ 1] as string; // differs in bits that carry nothing
  for (const wrong of [
    '',
    'kith-slot:',
    text.slice(1),
    `${text}A`,
    `${text} `,
    text.slice(0, -1) + sibling,
  ]) {
    assert.throws(() => decodeSlotReference(wrong), { code: 'MALFORMED' }, wrong);
  }
});
