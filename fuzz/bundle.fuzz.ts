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
import { nodeProvider } from '../src/safety/crypto/node.ts';
import { MalformedError } from '../src/safety/errors.ts';
import { laidOver } from './laid-over.ts';
import { filled, NOW, party } from './party.ts';

const VALID = party([1, 2, 3, 4, 5]).prekeys.secrets.bundle;
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
