/** Words of fingerprints: BIP-39's rule, checked against BIP-39 where both have one, and against other arithmetic. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { entropyToMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import fc from 'fast-check';
import { fingerprintOfWords, fingerprintWords, wordsOf } from '../../src/identity/words.ts';
import { MalformedError } from '../../src/safety/errors.ts';

const fingerprints = fc.uint8Array({ minLength: 48, maxLength: 48 });
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** The same words by one large number. */
function byNumber(fingerprint: Uint8Array): string {
  const check = sha256(fingerprint).readUInt16BE(0) >> 4;
  let value = (BigInt(`0x${Buffer.from(fingerprint).toString('hex')}`) << 12n) | BigInt(check);
  const words: string[] = [];
  for (let i = 0; i < 36; i++, value >>= 11n) words.unshift(wordlist[Number(value & 2047n)] as string);
  return words.join(' ');
}

test('36 words with 12 check bits', () => {
  fc.assert(
    fc.property(fingerprints, (fingerprint) => {
      const words = fingerprintWords(fingerprint);
      assert.equal(words, byNumber(fingerprint));
      assert.deepEqual(fingerprintOfWords(words), fingerprint);
      assert.deepEqual(fingerprintOfWords(`  ${words.toUpperCase().replaceAll(' ', '\n\t')} `), fingerprint);
    }),
    { numRuns: 50 },
  );
  assert.match(fingerprintWords(new Uint8Array(48)), /^(abandon ){34}abandon \w+$/);
});

test('of 32 bytes they are the words of BIP-39', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (entropy) => {
      const words = wordsOf(Buffer.concat([entropy, sha256(entropy).subarray(0, 1)]), 24);
      assert.equal(words, entropyToMnemonic(entropy, wordlist));
    }),
    { numRuns: 50 },
  );
});

test('wrong words are refused, and two that have changed places', () => {
  const words = fingerprintWords(Uint8Array.from({ length: 48 }, (_, i) => i * 5)).split(' ');
  const refuses = (changed: string[]): void =>
    assert.throws(() => fingerprintOfWords(changed.join(' ')), MalformedError);
  refuses(words.slice(1));
  refuses([...words, 'abandon']);
  refuses([]);
  assert.throws(
    () => fingerprintOfWords(words.with(6, 'kith').join(' ')),
    (error) => error instanceof MalformedError && error.data['position'] === 7,
  );
  let noticed = 0;
  for (let i = 0; i < 36; i++) {
    const other = wordlist[(wordlist.indexOf(words[i] as string) + 1) % 2048] as string;
    refuses(words.with(i, other));
    if (i < 35) refuses(words.with(i, words[i + 1] as string).with(i + 1, words[i] as string));
    noticed++;
  }
  assert.equal(noticed, 36);
  assert.throws(() => fingerprintWords(new Uint8Array(32)), RangeError);
});
