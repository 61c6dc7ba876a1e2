/**
 * Prekeys. The first byte chooses whether the rest is the row or a pattern that is laid over a valid one; what decodes
 * must encode to the same bytes.
 */

import assert from 'node:assert/strict';
import { Identity } from '../src/kem/identity.ts';
import { decodePrekeys, encodePrekeys, generatePrekeys } from '../src/kem/prekeys.ts';
import { nodeProvider } from '../src/safety/crypto/node.ts';
import { MalformedError } from '../src/safety/errors.ts';
import { laidOver } from './laid-over.ts';

const filled = (size: number, value: number): Uint8Array<ArrayBuffer> => new Uint8Array(size).fill(value);
const IDENTITY = new Identity(nodeProvider, {
  edSeed: filled(32, 1),
  dsaSeed: filled(32, 2),
  deviceSecret: filled(32, 3),
  deviceId: filled(16, 4),
});
const PRIMITIVES = { provider: nodeProvider, random: (size: number) => filled(size, 5) };
const VALID = encodePrekeys(generatePrekeys(PRIMITIVES, IDENTITY, [], Date.UTC(2026, 10, 21)).secrets);

export function fuzz(data: Uint8Array): void {
  const [mode = 0] = data;
  const bytes = mode % 2 === 0 ? data.subarray(1) : laidOver(VALID, data.subarray(1));
  try {
    assert.equal(Buffer.compare(encodePrekeys(decodePrekeys(bytes)), bytes), 0);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
