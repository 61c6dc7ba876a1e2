import assert from 'node:assert/strict';
import { argon2Sync, createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import { test } from 'node:test';
import { nobleProvider } from '../../src/safety/crypto/noble.ts';
import { nodeProvider } from '../../src/safety/crypto/node.ts';
import { MalformedError } from '../../src/safety/errors.ts';
import {
  decodeKeySlots,
  encodeKeySlots,
  type KeySlot,
  openSlot,
  sealSlot,
} from '../../src/store/key-slots.ts';
import { MAX_ARGON2_KIB, MAX_KEY_SLOTS, MAX_PASSPHRASE_BYTES } from '../../src/store/limits.ts';
import { PASSPHRASE_COST, passphraseKey } from '../../src/store/passphrase.ts';
import { CHEAP } from './cheap.ts';

const filled = (size: number, byte: number): Uint8Array => new Uint8Array(size).fill(byte);
const storeKey = filled(32, 1);
const secret = filled(32, 2);
const slot = (kind: KeySlot['kind'], cost = kind === 'passphrase' ? CHEAP : null): KeySlot =>
  sealSlot(nodeProvider, { kind, salt: filled(16, 3), cost, secret }, storeKey);

/** A file with the given bytes changed and its check made right again. */
function changed(slots: readonly KeySlot[], change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = Uint8Array.from(encodeKeySlots(nodeProvider, slots));
  change(bytes);
  bytes.set(nodeProvider.sha256(bytes.subarray(0, -16)).subarray(0, 16), bytes.length - 16);
  return bytes;
}

test('slots are read as they were written, and each opens with its own secret, kind, salt and cost only', () => {
  const slots = [slot('passphrase'), slot('key-file'), slot('export-key')];
  const read = decodeKeySlots(nobleProvider, encodeKeySlots(nodeProvider, slots));
  assert.deepEqual(read, slots);
  for (const one of read) {
    assert.deepEqual(openSlot(nobleProvider, one, secret), storeKey);
    assert.equal(openSlot(nodeProvider, one, filled(32, 4)), null);
    assert.equal(openSlot(nodeProvider, { ...one, salt: filled(16, 4) }, secret), null);
    const kind = one.kind === 'key-file' ? 'export-key' : 'key-file';
    assert.equal(openSlot(nodeProvider, { ...one, kind, cost: null }, secret), null);
  }
  const dearer = { ...(read[0] as KeySlot), cost: { ...CHEAP, passes: 2 } };
  assert.equal(openSlot(nodeProvider, dearer, secret), null);
});

test('a file that is damaged, of another version, or asks for absurd amounts is refused', () => {
  const whole = encodeKeySlots(nodeProvider, [slot('passphrase')]);
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => decodeKeySlots(nodeProvider, whole.subarray(0, length)), MalformedError);
  }
  for (let i = 0; i < whole.length; i++) {
    const bytes = Uint8Array.from(whole);
    bytes[i] = (bytes[i] as number) ^ 1;
    assert.throws(() => decodeKeySlots(nodeProvider, bytes), MalformedError, String(i));
  }
  const set = (at: number, ...values: number[]) =>
    changed([slot('passphrase')], (bytes) => bytes.set(values, at));
  for (const [what, bytes] of [
    ['version', set(0, 2)],
    ['no slots', set(1, 0)],
    ['too many slots', set(1, MAX_KEY_SLOTS + 1)],
    ['more slots than there are', set(1, 2)],
    ['kind', set(2, 9)],
    ['100 GB of memory', set(19, 6, 0x40, 0, 0)],
    ['a KiB too much', set(19, 0, 0x10, 0, 1)],
    ['too little memory', set(19, 0, 0, 0, 7)],
    ['no pass', set(23, 0)],
    ['passes', set(23, 255)],
    ['no lane', set(24, 0)],
    ['lanes', set(24, 17)],
  ] as const) {
    assert.throws(() => decodeKeySlots(nodeProvider, bytes), MalformedError, what);
  }
  assert.equal(decodeKeySlots(nodeProvider, set(19, 0, 0x10, 0, 0))[0]?.cost?.memoryKib, MAX_ARGON2_KIB);
  assert.throws(() => encodeKeySlots(nodeProvider, []), RangeError);
  assert.throws(() => encodeKeySlots(nodeProvider, Array(9).fill(slot('key-file'))), RangeError);
});

test('a passphrase is stretched by Argon2id over its NFC form', async () => {
  const salt = filled(16, 9);
  const expected = argon2Sync('argon2id', {
    message: 'caf\u00e9',
    nonce: salt,
    parallelism: CHEAP.lanes,
    tagLength: 32,
    memory: CHEAP.memoryKib,
    passes: CHEAP.passes,
  });
  for (const form of ['caf\u00e9', 'cafe\u0301']) {
    assert.deepEqual(await passphraseKey(form, salt, CHEAP), new Uint8Array(expected));
  }
  for (const refused of ['', 'x'.repeat(MAX_PASSPHRASE_BYTES + 1)]) {
    await assert.rejects(passphraseKey(refused, salt, CHEAP), { code: 'PASSPHRASE_REFUSED' });
  }
  assert.ok(PASSPHRASE_COST.memoryKib >= 65_536 && PASSPHRASE_COST.passes >= 3, 'what RFC 9106 recommends');
});

test('a file of slots is what docs/wire.md says, read here without a line of what wrote it', () => {
  const file = Buffer.from(encodeKeySlots(nodeProvider, [slot('passphrase'), slot('key-file')]));
  assert.equal(file.subarray(0, 3).toString('hex'), '010201');
  assert.equal(file.subarray(19, 25).toString('hex'), '000000080101');
  const check = createHash('sha256').update(file.subarray(0, -16)).digest().subarray(0, 16);
  assert.deepEqual(file.subarray(-16), check);
  for (const [kind, head, wrapped] of [
    [1, file.subarray(2, 25), file.subarray(25, 73)],
    [2, file.subarray(73, 90), file.subarray(90, 138)],
  ] as const) {
    const info = Buffer.concat([Buffer.from('kith/1/store/slot'), Buffer.of(kind)]);
    const key = Buffer.from(hkdfSync('sha256', secret, head.subarray(1, 17), info, 32));
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.alloc(12), { authTagLength: 16 });
    decipher.setAAD(head);
    decipher.setAuthTag(wrapped.subarray(32));
    const opened = Buffer.concat([decipher.update(wrapped.subarray(0, 32)), decipher.final()]);
    assert.deepEqual(new Uint8Array(opened), storeKey);
  }
});
