/**
 * The words that two people compare, over a way that nobody between them can fake, to know that each has the other's
 * key: 18 words of BIP-39's English list, 9 for each of them, those of the lower fingerprint first. The 9 are the first
 * 99 bits of
 *
 *     h(0) = SHA-512("kith/1/friends/safety" ‖ fingerprint 48), h(i) = SHA-512(h(i - 1) ‖ fingerprint), h(5,200)
 *
 * Each half is of one fingerprint alone, so whoever wants to stand between two people has to find keys with the words of
 * given ones (2^99 tries of 5,200 hashes each), not any two that collide. As Signal's safety numbers: libsignal, numeric
 * fingerprint, version 2, whose halves have 99.7 bits and as many rounds.
 */

import { sha512 } from '@noble/hashes/sha2.js';
import { concat, utf8 } from '../safety/bytes.ts';
import { wordsOf } from './words.ts';

const LABEL = utf8('kith/1/friends/safety');
const FINGERPRINT_BYTES = 48;
const ROUNDS = 5_200;
const WORDS_EACH = 9;

/** 18 words of two fingerprints (48 bytes each), in either order, with spaces between. Takes about 20 ms. */
export function safetyWords(one: Uint8Array, other: Uint8Array): string {
  if (one.length !== FINGERPRINT_BYTES || other.length !== FINGERPRINT_BYTES) {
    throw new RangeError('a fingerprint has 48 bytes');
  }
  const [lower, higher] = Buffer.compare(one, other) < 0 ? [one, other] : [other, one];
  return `${half(lower)} ${half(higher)}`;
}

function half(fingerprint: Uint8Array): string {
  let hash = sha512(concat(LABEL, fingerprint));
  for (let i = 0; i < ROUNDS; i++) hash = sha512(concat(hash, fingerprint));
  return wordsOf(hash, WORDS_EACH);
}
