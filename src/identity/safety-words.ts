/**
 * The words that two people compare, over a way that nobody between them can fake, to know that each has the other's
 * key: 12 words of BIP-39's English list, the first 132 bits of
 *
 *     SHA-256("kith/1/friends/safety" ‖ lower fingerprint 48 ‖ higher fingerprint 48)
 *
 * The same on both sides, and of no use to anybody else. To be between two people with the same words, an attacker needs
 * keys for both sides that collide: 2^66 tries.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { concat, utf8 } from '../safety/bytes.ts';
import { wordsOf } from './words.ts';

const LABEL = utf8('kith/1/friends/safety');
const FINGERPRINT_BYTES = 48;
const WORDS = 12;

/** 12 words of two fingerprints (48 bytes each), in either order, with spaces between. */
export function safetyWords(one: Uint8Array, other: Uint8Array): string {
  if (one.length !== FINGERPRINT_BYTES || other.length !== FINGERPRINT_BYTES) {
    throw new RangeError('a fingerprint has 48 bytes');
  }
  const [lower, higher] = Buffer.compare(one, other) < 0 ? [one, other] : [other, one];
  return wordsOf(sha256(concat(LABEL, lower, higher)), WORDS);
}
