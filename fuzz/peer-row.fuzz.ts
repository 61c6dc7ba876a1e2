/**
 * Saved keys of a contact, as a backup may hold them. The first byte chooses whether the rest is the row or a pattern that
 * is laid over a valid one; what is read is written as the same bytes.
 */

import assert from 'node:assert/strict';
import { decodePeer, encodePeer } from '../src/delivery/peer-row.ts';
import { MalformedError } from '../src/safety/errors.ts';
import { laidOver } from './laid-over.ts';
import { filled, party } from './party.ts';

const bundle = party([1, 2, 3, 4, 5]).prekeys.secrets.bundle;
const changedTo = party([1, 2, 6, 4, 5]).prekeys.secrets.bundle;
const pairKeys = [{ transcript: filled(32, 1), key: filled(32, 2) }];
const ROWS = [
  encodePeer({ bundle, changedTo: null, pairKeys }),
  encodePeer({ bundle, changedTo, pairKeys: [...pairKeys, ...pairKeys] }),
];

export function fuzz(data: Uint8Array): void {
  const [mode = 0] = data;
  const row = ROWS[mode % 3];
  const bytes = row === undefined ? data.subarray(1) : laidOver(row, data.subarray(1));
  try {
    assert.deepEqual(Buffer.from(encodePeer(decodePeer(bytes))), Buffer.from(bytes));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
