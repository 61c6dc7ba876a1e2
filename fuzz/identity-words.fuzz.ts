/** Fingerprints as words: what is read is written as the same words. */

import assert from 'node:assert/strict';
import { fingerprintOfWords, fingerprintWords } from '../src/identity/words.ts';
import { MalformedError } from '../src/safety/errors.ts';

export function fuzz(data: Uint8Array): void {
  const text = new TextDecoder().decode(data);
  try {
    const words = fingerprintWords(fingerprintOfWords(text));
    assert.equal(words, text.trim().toLowerCase().split(/\s+/).join(' '));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
