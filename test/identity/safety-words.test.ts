import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { deviceWords, safetyWords } from '../../src/identity/safety-words.ts';

const [a, b, c] = ['a', 'b', 'c'].map(
  (name) => new Uint8Array(createHash('sha384').update(name).digest()),
) as [Uint8Array, Uint8Array, Uint8Array];

test('18 words, the same on both sides, other ones for other people', () => {
  const words = safetyWords(a, b);
  assert.equal(words, safetyWords(b, a));
  assert.equal(words.split(' ').length, 18);
  assert.equal(new Set([words, safetyWords(a, c), safetyWords(b, c), safetyWords(a, a)]).size, 4);
  assert.throws(() => safetyWords(a, b.subarray(1)), RangeError);
});

test("each half is one person's alone, so no pair of keys can be made to collide", () => {
  const halves = (one: Uint8Array, other: Uint8Array): Set<string> => {
    const words = safetyWords(one, other).split(' ');
    return new Set([words.slice(0, 9).join(' '), words.slice(9).join(' ')]);
  };
  const others = halves(a, c);
  assert.equal([...halves(a, b)].filter((half) => others.has(half)).length, 1);
});

test('they are the first 99 bits of the documented hashes', () => {
  const half = (key: Uint8Array, label = 'kith/1/friends/safety'): string => {
    let hash = createHash('sha512').update(label).update(key).digest();
    for (let i = 0; i < 5_200; i++) hash = createHash('sha512').update(hash).update(key).digest();
    let value = BigInt(`0x${hash.toString('hex')}`) >> 413n;
    const words: string[] = [];
    for (let i = 0; i < 9; i++, value >>= 11n) words.unshift(wordlist[Number(value & 2047n)] as string);
    return words.join(' ');
  };
  const [lower, higher] = [a, b].sort(Buffer.compare) as [Uint8Array, Uint8Array];
  assert.equal(safetyWords(a, b), `${half(lower)} ${half(higher)}`);
  const keys = [a.subarray(0, 32), b.subarray(0, 32)] as const;
  const [first, second] = keys.toSorted(Buffer.compare) as [Uint8Array, Uint8Array];
  const label = 'kith/1/friends/device';
  for (const words of [deviceWords(keys[0], keys[1]), deviceWords(keys[1], keys[0])])
    assert.equal(words, `${half(first, label)} ${half(second, label)}`);
  assert.throws(() => deviceWords(a, keys[1]), RangeError);
});
