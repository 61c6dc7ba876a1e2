/**
 * A fingerprint as words, for reading aloud and writing down: BIP-39 with its English list, for 48 bytes: 384 bits and
 * 12 check bits (the beginning of SHA-256 of the bytes) are 36 words of 11 bits. BIP-39 itself ends at 32 bytes; the
 * rule is the same.
 *
 * A wrong word is noticed in all but one of 4,096 cases; whether it is the right person's is for people to compare.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { concat } from '../safety/bytes.ts';
import { MalformedError } from '../safety/errors.ts';

const FORMAT = 'identity-words';
const FINGERPRINT_BYTES = 48;
const BITS = 11;
const CHECK_BITS = 12;
const WORDS = (FINGERPRINT_BYTES * 8 + CHECK_BITS) / BITS;

const PLACES: ReadonlyMap<string, number> = new Map(wordlist.map((word, place) => [word, place]));

/** 36 words of a fingerprint (48 bytes), with spaces between. */
export function fingerprintWords(fingerprint: Uint8Array): string {
  if (fingerprint.length !== FINGERPRINT_BYTES) throw new RangeError('a fingerprint has 48 bytes');
  return wordsOf(concat(fingerprint, sha256(fingerprint).subarray(0, 2)), WORDS);
}

/** The fingerprint of {@link fingerprintWords}. Case and the kind of spaces do not matter. Total: throws only MalformedError. */
export function fingerprintOfWords(text: string): Uint8Array<ArrayBuffer> {
  const words = text.trim().toLowerCase().split(/\s+/);
  if (words.length !== WORDS) {
    throw new MalformedError(FORMAT, 'not 36 words', { words: words.length });
  }
  const bits = words.map((word, i) => bitsOf(word, i + 1)).join('');
  const fingerprint = new Uint8Array(FINGERPRINT_BYTES);
  for (let i = 0; i < FINGERPRINT_BYTES; i++)
    fingerprint[i] = Number.parseInt(bits.slice(8 * i, 8 * i + 8), 2);
  if (fingerprintWords(fingerprint) !== words.join(' ')) {
    throw new MalformedError(FORMAT, 'a word is wrong or two have changed places');
  }
  return fingerprint;
}

/** The first `count` × 11 bits of `bytes` as words. */
export function wordsOf(bytes: Uint8Array, count: number): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  if (bits.length < count * BITS) throw new RangeError('not so many bits');
  return Array.from({ length: count }, (_, i) => {
    return wordlist[Number.parseInt(bits.slice(i * BITS, (i + 1) * BITS), 2)] as string;
  }).join(' ');
}

function bitsOf(word: string, position: number): string {
  const place = PLACES.get(word);
  if (place === undefined) throw new MalformedError(FORMAT, 'a word that is not in the list', { position });
  return place.toString(2).padStart(BITS, '0');
}
