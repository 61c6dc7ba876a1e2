import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { safetyWords } from '../../src/identity/safety-words.ts';

const [a, b, c] = ['a', 'b', 'c'].map(
  (name) => new Uint8Array(createHash('sha384').update(name).digest()),
) as [Uint8Array, Uint8Array, Uint8Array];

test('12 words, the same on both sides, other ones for other people', () => {
  const words = safetyWords(a, b);
  assert.equal(words, safetyWords(b, a));
  assert.equal(words.split(' ').length, 12);
  assert.equal(new Set([words, safetyWords(a, c), safetyWords(b, c), safetyWords(a, a)]).size, 4);
  assert.throws(() => safetyWords(a, b.subarray(1)), RangeError);
});

test('they are the first 132 bits of the documented hash', () => {
  const [lower, higher] = [a, b].sort(Buffer.compare) as [Uint8Array, Uint8Array];
  const hash = createHash('sha256')
    .update('kith/1/friends/safety')
    .update(lower)
    .update(higher)
    .digest('hex');
  let value = BigInt(`0x${hash}`) >> 124n;
  const expected: string[] = [];
  for (let i = 0; i < 12; i++, value >>= 11n) expected.unshift(wordlist[Number(value & 2047n)] as string);
  assert.equal(safetyWords(a, b), expected.join(' '));
});
