/**
 * Bundles. The first byte chooses whether the rest is the bundle or a pattern that is laid over a valid one, and whether
 * its signatures are verified: then only the unchanged one may be accepted.
 */

import assert from 'node:assert/strict';
import {
  type Bundle,
  decodeBundle,
  type SigningIdentity,
  signBundle,
  verifyBundle,
} from '../src/kem/bundle.ts';
import { KemError } from '../src/kem/errors.ts';
import { Identity } from '../src/kem/identity.ts';
import { generatePrekeys } from '../src/kem/prekeys.ts';
import { nodeProvider } from '../src/safety/crypto/node.ts';
import { MalformedError } from '../src/safety/errors.ts';
import { laidOver } from './laid-over.ts';

const filled = (size: number, value: number): Uint8Array<ArrayBuffer> => new Uint8Array(size).fill(value);
const NOW = Date.UTC(2026, 10, 21);
const IDENTITY = new Identity(nodeProvider, {
  edSeed: filled(32, 1),
  dsaSeed: filled(32, 2),
  deviceSecret: filled(32, 3),
  deviceId: filled(16, 4),
});
const PRIMITIVES = { provider: nodeProvider, random: (size: number) => filled(size, 5) };
const VALID = generatePrekeys(PRIMITIVES, IDENTITY, [], NOW).secrets.bundle;
const SIGNED_BYTES = VALID.length - 64 - 3_309;

/** An identity and device with the keys of any bundle, whose signatures are zeros. */
function signing(bundle: Bundle): SigningIdentity {
  return {
    ed: { publicKey: bundle.ed, sign: () => filled(64, 0) },
    dsa: { publicKey: bundle.dsa, sign: () => filled(3_309, 0) },
    device: { publicKey: bundle.device },
    deviceId: bundle.deviceId,
  };
}

export function fuzz(data: Uint8Array): void {
  const [mode = 0] = data;
  const bytes = mode % 4 === 0 ? data.subarray(1) : laidOver(VALID, data.subarray(1));
  try {
    if (mode % 4 === 3) {
      verifyBundle(nodeProvider, bytes, NOW);
      assert.equal(Buffer.compare(bytes, VALID), 0, 'only the valid one verifies');
      return;
    }
    const bundle = decodeBundle(bytes);
    const again = signBundle(signing(bundle), bundle);
    const [written, read] = [again.subarray(0, SIGNED_BYTES), bytes.subarray(0, SIGNED_BYTES)];
    assert.equal(Buffer.compare(written, read), 0, 'what is read is written as the same bytes');
  } catch (error) {
    if (!(error instanceof MalformedError) && !(error instanceof KemError)) throw error;
  }
}
