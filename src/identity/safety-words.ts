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
 *
 * A fingerprint does not name the device key, which whoever holds the identity's signing keys may replace. So where that
 * has changed, 18 more words are compared, made alike of both device keys under "kith/1/friends/device".
 */

import { hash as digest } from 'node:crypto';
import { concat, utf8 } from '../safety/bytes.ts';
import { wordsOf } from './words.ts';

const LABEL = utf8('kith/1/friends/safety');
const DEVICE_LABEL = utf8('kith/1/friends/device');
const FINGERPRINT_BYTES = 48;
const DEVICE_KEY_BYTES = 32;
const SHA512_BYTES = 64;
const ROUNDS = 5_200;
const WORDS_EACH = 9;

/** 18 words of two fingerprints (48 bytes each), in either order, with spaces between. Takes about 20 ms. */
export function safetyWords(one: Uint8Array, other: Uint8Array): string {
  if (one.length !== FINGERPRINT_BYTES || other.length !== FINGERPRINT_BYTES) {
    throw new RangeError('a fingerprint has 48 bytes');
  }
  return both(LABEL, one, other);
}

/** 18 words of two device keys (32 bytes each), as {@link safetyWords}. */
export function deviceWords(one: Uint8Array, other: Uint8Array): string {
  if (one.length !== DEVICE_KEY_BYTES || other.length !== DEVICE_KEY_BYTES) {
    throw new RangeError('a device key has 32 bytes');
  }
  return both(DEVICE_LABEL, one, other);
}

function both(label: Uint8Array, one: Uint8Array, other: Uint8Array): string {
  const [lower, higher] = Buffer.compare(one, other) < 0 ? [one, other] : [other, one];
  return `${half(label, lower)} ${half(label, higher)}`;
}

function half(label: Uint8Array, key: Uint8Array): string {
  const block = concat(sha512(concat(label, key)), key);
  for (let i = 0; i < ROUNDS; i++) block.set(sha512(block));
  return wordsOf(block.subarray(0, SHA512_BYTES), WORDS_EACH);
}

/** OpenSSL's: thousands of them in JavaScript would hold everything else up four times as long. */
function sha512(data: Uint8Array): Uint8Array {
  return digest('sha512', data, 'buffer');
}
